"""What can be set: how a report is made, what is to be run, and how both are read from a file."""
