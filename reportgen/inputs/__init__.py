"""From bytes on disk to arrays and models."""
