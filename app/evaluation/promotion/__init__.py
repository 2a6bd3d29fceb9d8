"""Whether a strategy may answer for an alias: evidence, checks, and what an upgrade would change."""
