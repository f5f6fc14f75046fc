"""What only many cases can show: groups of them side by side, from numbers that were kept of each."""
