"""The formats that models come in: telling them apart, checking them before anything is built, and reading each."""
