"""The pages of a training, and its record on disk."""
