"""From files to chunks and vectors."""
