"""Forgetting: documents, sources, memories and users destroyed for good, and what is kept only for a time."""
