"""The ground floor: texts, terminals, signals, files that are whole, libraries that may be missing."""
