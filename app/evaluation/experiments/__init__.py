"""Experiments: strategies times questions, scored, compared pairwise, with a verdict."""
