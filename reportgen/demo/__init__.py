"""What a report can be made of without any file."""
