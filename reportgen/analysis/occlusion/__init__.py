"""The occlusion scan and its engines."""
