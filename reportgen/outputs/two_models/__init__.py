"""A comparison of two models as a page and as tables."""
