"""The widest coverage for the tokens."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.context.packers import Packer, PackItem, Room
from app.context.packers.gain import relevance_of
from app.context.packers.words import WordTable

RELEVANCE_STEPS = 1 << 20
"""Relevance is counted in whole steps, so that sums are exact and the same in whatever order they are taken."""

Levels = npt.NDArray[np.int64]


class Submodular(Packer):
    """Take items by how much they add to what is covered, per token (after Lin and Bilmes, ACL 2011).

    - A word is covered as well as the most relevant sent item that holds it: coverage is the sum over all words of the
      word's weight x the largest relevance of a sent item with that word. Relevance is the score, stretched to [0, 1];
      the fewer items hold a word, the more it weighs. What repeats sent text adds nothing.
    - Coverage is monotone and submodular. The better of gain per token and the single item that covers most reaches at
      least (1 - 1/e) / 2 of the best possible coverage where no cap bites (Khuller, Moss and Naor, 1999).
    - What adds nothing comes last, best first.
    """

    kind: Literal["submodular"]

    def fill(self, items: Sequence[PackItem], room: Room) -> None:
        """Offer the items by coverage gained per token, behind the one that covers most where that alone is more."""
        coverage = Coverage(items)
        taken = room.taken()
        gains = coverage.gains(room)
        trial = room.copy()
        coverage.fill(trial)
        largest = max(gains, key=gains.__getitem__, default=None)
        if largest is not None and coverage.of([*taken, largest]) > coverage.of(trial.taken()):
            room.offer(largest)
            coverage.fill(room)
        for number in trial.taken():
            room.offer(number)


class Coverage:
    """What sets of items cover, in steps of weight x relevance. Items go by number."""

    def __init__(self, items: Sequence[PackItem]) -> None:
        self._table = WordTable([item.text for item in items])
        self._relevance = [round(RELEVANCE_STEPS * relevance) for relevance in relevance_of(items)]
        self._tokens = [max(1, item.tokens) for item in items]

    def of(self, numbers: Iterable[int]) -> int:
        """Return what the items cover together."""
        return int((self._table.weights * self._levels(numbers)).sum())

    def gains(self, room: Room) -> dict[int, int]:
        """Return what each item that fits would add to what is covered by those taken."""
        levels = self._levels(room.taken())
        return {number: self._gain(number, levels) for number in range(len(self._tokens)) if room.fits(number)}

    def fill(self, room: Room) -> None:
        """Offer the items that add something, the largest gain per token first.

        Gains only shrink as more is covered, so one that was worked out before is an upper bound: an item whose fresh
        gain is no less than all bounds is the next (lazy greedy, Minoux 1978).
        """
        levels = self._levels(room.taken())
        bounds = [(-gain / self._tokens[number], number) for number, gain in self.gains(room).items()]
        heapq.heapify(bounds)
        while bounds:
            _, number = heapq.heappop(bounds)
            if not room.fits(number):
                continue
            density = self._gain(number, levels) / self._tokens[number]
            if bounds and (-density, number) > bounds[0]:
                heapq.heappush(bounds, (-density, number))
            elif density > 0 and room.offer(number):
                self._raise(levels, number)

    def _levels(self, numbers: Iterable[int]) -> Levels:
        levels: Levels = np.zeros_like(self._table.weights)
        for number in numbers:
            self._raise(levels, number)
        return levels

    def _raise(self, levels: Levels, number: int) -> None:
        words = self._table.words(number)
        levels[words] = np.maximum(levels[words], self._relevance[number])

    def _gain(self, number: int, levels: Levels) -> int:
        words = self._table.words(number)
        return int((self._table.weights[words] * np.maximum(self._relevance[number] - levels[words], 0)).sum())
