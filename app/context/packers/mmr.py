"""The best first, unless it repeats what is sent already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from app.context.packers import Packer, PackItem, Room
from app.context.packers.gain import relevance_of
from app.context.packers.words import WordTable
from configs.part import LIVE

REPEATED = 2.0
"""Taken off an item that holds the very words of a sent one: more than relevance can make up for."""


class Mmr(Packer):
    """Take items by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998); skip what does not fit.

    - The next item is the one with the largest `relevance_weight` x relevance - (1 - `relevance_weight`) x its largest
      similarity to an item that is sent. Relevance is the score, stretched to [0, 1]. Similarity is the share of their
      words that two items have in common (weighted Jaccard index; the fewer items hold a word, the more it counts).
    - An item with exactly the words of a sent one comes after all others. With a weight of 1 nothing is compared, and
      the order is that of `greedy`.
    """

    kind: Literal["mmr"]
    relevance_weight: float = Field(
        0.7,
        ge=0,
        le=1,
        description="weight of an item's score against its likeness to what is sent already; 1 is the score alone",
        json_schema_extra=LIVE,
    )

    def fill(self, items: Sequence[PackItem], room: Room) -> None:
        """Offer the items by marginal relevance; those that can no longer fit are left for the end."""
        if self.relevance_weight == 1 or not items:
            return
        table = WordTable([item.text for item in items])
        relevance = self.relevance_weight * np.array(relevance_of(items))
        tokens = np.array([item.tokens for item in items])
        nearest = np.zeros(len(items))
        for number in room.taken():
            nearest = np.maximum(nearest, table.similarities(number))
        waits = np.array([room.fits(number) for number in range(len(items))])
        while waits.any():
            standing = relevance - (1 - self.relevance_weight) * nearest - REPEATED * (nearest >= 1)
            number = int(np.argmax(np.where(waits, standing, -np.inf)))
            waits[number] = False
            if room.offer(number):
                nearest = np.maximum(nearest, table.similarities(number))
                waits &= tokens <= room.left_tokens
