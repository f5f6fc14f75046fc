"""A report as one HTML page, and what its templates need."""
