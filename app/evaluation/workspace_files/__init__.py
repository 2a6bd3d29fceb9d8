"""A workspace as one zip file: its documents, strategies and question sets, written and read back."""
