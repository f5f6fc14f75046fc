"""Models saved by Keras 2, made again in Keras 3."""
