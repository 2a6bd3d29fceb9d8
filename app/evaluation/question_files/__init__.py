"""Question sets as files: read into a workspace that has the documents already, and written for other programs."""
