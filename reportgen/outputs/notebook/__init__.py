"""Reports and their parts as they show themselves in a notebook."""
