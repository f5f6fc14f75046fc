"""Other ways to ask what a model relies on: each a small module with the paper that it follows."""
