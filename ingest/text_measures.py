"""What assembling a context needs to know of a chunk's own text, worked out once, when the document is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.simhash import near_pairs, simhashes
from ingest.word_counts import WORD_COUNTS

LONGEST_HASHED_CHARACTERS = 200_000
"""Longer texts are near duplicates of nothing: hashing them would take memory and time without a use."""


@dataclass(frozen=True, slots=True)
class TextMeasure:
    """Of one text: `tokens` is how many the shipped WordPiece makes of it, `simhash` its 64 bits as a signed number.

    `simhash` is None for a text that is too long to be compared.
    """

    tokens: int
    simhash: int | None


def measures_of(texts: Sequence[str]) -> list[TextMeasure]:
    """Return the measure of each text."""
    hashed = [text for text in texts if len(text) <= LONGEST_HASHED_CHARACTERS]
    hashes = iter(simhashes(hashed).view(np.int64).tolist())
    counts = WORD_COUNTS.count_all(texts)
    return [
        TextMeasure(tokens, next(hashes) if len(text) <= LONGEST_HASHED_CHARACTERS else None)
        for text, tokens in zip(texts, counts, strict=True)
    ]


def near_duplicates(measures: Sequence[TextMeasure], distance: int) -> dict[int, dict[int, int]]:
    """Return, by number, the earlier texts whose simhash differs in at most `distance` bits, with how many do."""
    compared = [number for number, measure in enumerate(measures) if measure.simhash is not None]
    hashes = np.array([measures[number].simhash for number in compared], dtype=np.int64).view(np.uint64)
    return {
        compared[later]: {compared[earlier]: bits for earlier, bits in near.items()}
        for later, near in near_pairs(hashes, distance).items()
    }
