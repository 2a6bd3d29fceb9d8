"""The words that items share, weighted: what packers know of how much one repeats another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, count, pairwise

import numpy as np
import numpy.typing as npt

from ingest.simhash import LONGEST_AVERAGE_WORD_CHARACTERS

WEIGHT_STEPS = 64
"""Weights are whole numbers, so that sums are exact and the same in whatever order they are taken."""

Numbers = npt.NDArray[np.int64]

_SPACES = str.maketrans(dict.fromkeys("\"'()[]{}<>.,;:!?*_`#|=/\\-\u2013\u2014\u2026\u2018\u2019\u201c\u201d", " "))


def words_of(text: str) -> frozenset[str]:
    """Return the distinct words in lower case; in text written without spaces, its pairs of neighbouring characters."""
    words = text.lower().translate(_SPACES).split()
    if len(text) > LONGEST_AVERAGE_WORD_CHARACTERS * max(1, len(words)):
        return frozenset(first + second for first, second in pairwise("".join(words)))
    return frozenset(words)


class WordTable:
    """Which text holds which words, and what each word weighs. Texts and words go by number.

    The weight of a word grows with its rarity among the texts, log(1 + texts / texts that hold it): words that all
    texts share, such as articles and the topic itself, say little about whether two of them say the same.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        sets = [words_of(text) for text in texts]
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._ends = np.cumsum([0, *map(len, sets)])
        self._flat: Numbers = np.fromiter(
            map(numbers.__getitem__, chain.from_iterable(sets)), dtype=np.int64, count=int(self._ends[-1])
        )
        holders = np.bincount(self._flat, minlength=len(numbers))
        self.weights: Numbers = np.rint(WEIGHT_STEPS * np.log1p(len(sets) / holders)).astype(np.int64)
        """int64 [words]: the weight of each word."""
        self.text_weights: Numbers = self._sums(self.weights)
        """int64 [texts]: the weight of all words of each text."""

    def words(self, text: int) -> Numbers:
        """Return the words of a text, in no particular order."""
        return self._flat[self._ends[text] : self._ends[text + 1]]

    def similarities(self, text: int) -> npt.NDArray[np.float64]:
        """Return float64 [texts]: how much each has in common with `text`, from 0 to 1 for the same words.

        This is the weighted Jaccard index, the weight of the words both hold over that of the words either holds; two
        texts without words have nothing in common.
        """
        words = self.words(text)
        marked = np.zeros_like(self.weights)
        marked[words] = self.weights[words]
        both = self._sums(marked)
        either = self.text_weights + self.text_weights[text] - both
        similarities: npt.NDArray[np.float64] = both / np.maximum(either, 1)
        return similarities

    def _sums(self, values: Numbers) -> Numbers:
        """Return the sum over each text's words; `values` are by word."""
        running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values[self._flat])])
        sums: Numbers = running[self._ends[1:]] - running[self._ends[:-1]]
        return sums
