"""Source code, in the languages that an extension names."""
