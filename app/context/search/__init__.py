"""Search as a strategy has it: what was found first, expanded, aged, reranked and capped."""
