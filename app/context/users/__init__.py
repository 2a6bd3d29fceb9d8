"""What is known of the users a context is assembled for, and how it shapes what they get."""
