"""Texts packed into batches under a token budget, so that padding and memory stay small."""

from __future__ import annotations

from collections.abc import Sequence


def token_batches(lengths: Sequence[int], budget_tokens: int) -> list[list[int]]:
    """Return the indices of `lengths` in batches, longest texts first.

    A batch, padded to its longest text, holds at most `budget_tokens`, or a single text that is longer. Texts of a
    batch are alike in length, so little is padded; longest first, several workers finish at about the same time.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if not batches or (len(batches[-1]) + 1) * longest > budget_tokens:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    return batches
