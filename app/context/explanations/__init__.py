"""Explanations of saved contexts: why a text is not in one, what would admit it, and how askers differ."""
