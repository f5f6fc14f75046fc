"""Each a walk through all rooms: from files to a report, and from a saved report to other files."""
