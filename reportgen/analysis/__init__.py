"""From arrays and models to numbers."""
