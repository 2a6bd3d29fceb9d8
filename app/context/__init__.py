"""What a model gets to read: strategies, retrieval, and contexts assembled into a token budget with a receipt."""
