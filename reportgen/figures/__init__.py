"""From numbers to encoded pictures."""
