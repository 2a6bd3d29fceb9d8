"""Label-free screening: which strategies are worth keeping, told from the documents alone; never which one wins."""
