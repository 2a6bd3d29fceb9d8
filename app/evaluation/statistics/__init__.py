"""Statistics: which strategies differ, by how much, how surely, and what choosing one of them may lose."""
