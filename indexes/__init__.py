"""Everything stored per workspace, and search over it."""
