"""Rules about the project itself: imports, sizes, documentation, packaging."""
