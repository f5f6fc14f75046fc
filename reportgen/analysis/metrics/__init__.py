"""How well a model does on many images."""
