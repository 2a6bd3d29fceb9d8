"""SQL: the truth about every workspace."""
