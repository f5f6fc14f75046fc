"""Code that comes with a model: found, named, and run only when the user trusts it."""
