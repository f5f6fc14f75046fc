"""What speaks against believing the scores: each a warning with its numbers."""
