"""From a model file to a Keras model with all that's needed to feed it and to read its output."""
