"""What was worked out for a text before: the same chunks are candidates again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

REMEMBERED_TEXTS = 50_000
"""About 8 MB; no text is kept, only a digest of it."""


class Remembered:
    """Works out a number for each text, once. Thread-safe: what is known is replaced when full, never emptied."""

    def __init__(self, work_out: Callable[[Sequence[str]], Sequence[int]]) -> None:
        self._work_out = work_out
        self._known: dict[bytes, int] = {}

    def of(self, texts: Sequence[str]) -> list[int]:
        """Return the number of each text, worked out now for those that are new."""
        known = self._known
        keys = [blake2b(text.encode("utf-8"), digest_size=16).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            if len(known) + len(new) > REMEMBERED_TEXTS:
                known = {key: known[key] for key in keys if key in known}
                self._known = known
            known.update(zip(new, self._work_out(list(new.values())), strict=True))
        return [known[key] for key in keys]
