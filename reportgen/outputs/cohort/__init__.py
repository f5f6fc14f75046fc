"""A cohort as a page and as tables."""
