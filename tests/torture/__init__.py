"""Random `kill -9` of real processes at work: whatever was acknowledged must be there, whole, and once."""
