"""Office files, read by a library that is trusted with nothing but a process of its own."""
