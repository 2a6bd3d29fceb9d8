"""What every layer agrees on: parts, spans, settings, errors and named strategies."""
