"""Training the small CNNs that come with the program."""
