"""Reports: an experiment's findings as one page that can be pasted into a decision."""
