"""Which release this is."""

VERSION = "0.1.0"
"""As pyproject.toml has it; every experiment records it."""
