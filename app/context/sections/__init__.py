"""The sections of a context: what each may take of the budget, and what goes where it wants more."""
