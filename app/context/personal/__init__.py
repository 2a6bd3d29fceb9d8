"""Whoever a context is for: what is known of them, and what of it enters a context."""
