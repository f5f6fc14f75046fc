"""From a report to files."""
