"""A report as JSON, and back."""
