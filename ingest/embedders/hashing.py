"""Embeddings without a model: words hashed into a vector of fixed length."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from configs.part import BAKE_TIME
from ingest.embedders import Embedder, Vectors

WORD = re.compile(r"\w+")
REMEMBERED_WORDS = 1 << 17
LONGEST_SPELLED_WORD = 64
"""Of a longer word (base64, text without spaces) only the beginning is cut into character n-grams."""

PAIR_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, odd: tells (a, b) from (b, a)."""

Hashes = npt.NDArray[np.uint64]


class Hashing(Embedder):
    """Signed feature hashing (Weinberger et al. 2009) of lower-cased words: no model, the same everywhere.

    Each distinct feature adds sign * (1 + ln(its count)) to one place of the vector. Finds shared words, not shared
    meaning: for tests, for machines where no model can run, and as the floor a model has to beat.
    """

    kind: Literal["hashing"]
    dimensions: int = Field(
        256, ge=32, le=4096, description="length of a vector; more means fewer collisions", json_schema_extra=BAKE_TIME
    )
    word_pairs: bool = Field(
        False, description="also hash each two words that stand next to each other", json_schema_extra=BAKE_TIME
    )
    character_ngrams: Literal[0, 3, 4, 5] = Field(
        0,
        description="also hash the runs of so many characters within words, so that forms of a word and misspellings "
        "meet; 0 for none",
        json_schema_extra=BAKE_TIME,
    )

    @property
    def vector_dimensions(self) -> int:
        """Return `dimensions`."""
        return self.dimensions

    @property
    def window_tokens(self) -> int | None:
        """Return None: every word is read."""
        return None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimensions]; a text without words gives zeros."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.encode_query(text)
        return vectors

    def encode_query(self, text: str) -> Vectors:
        """Return float32 [dimensions], the same as `encode` gives."""
        features, counts = np.unique(self._features(_words(text)), return_counts=True)
        places = (features % np.uint64(self.dimensions)).astype(np.int64)
        weights = 1.0 + np.log(counts)
        signs = np.where(features >> np.uint64(63), -1.0, 1.0)
        vector = np.bincount(places, weights=signs * weights, minlength=self.dimensions)
        if features.size and not vector.any():  # opposite signs met in every place; a text with words is never zeros
            vector = np.bincount(places, weights=weights, minlength=self.dimensions)
        length = np.sqrt(vector @ vector)
        return (vector / length if length else vector).astype(np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of words of each text."""
        return [len(_words(text)) for text in texts]

    def _features(self, words: list[str]) -> Hashes:
        singles = np.fromiter(map(_hash_of, words), dtype=np.uint64, count=len(words))
        features = [singles]
        if self.word_pairs:
            features.append(singles[:-1] * PAIR_MULTIPLIER + singles[1:])
        if self.character_ngrams:
            features.extend(_hashes_of_ngrams(word, self.character_ngrams) for word in words)
        return np.concatenate(features)


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


@lru_cache(maxsize=REMEMBERED_WORDS)
def _hash_of(feature: str) -> int:
    return int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")


@lru_cache(maxsize=REMEMBERED_WORDS)
def _hashes_of_ngrams(word: str, size: int) -> Hashes:
    """Hash the n-grams of "<word>"; the brackets keep them apart from words and mark beginning and end."""
    marked = f"<{word[:LONGEST_SPELLED_WORD]}>"
    ngrams = [marked[start : start + size] for start in range(len(marked) - size + 1)]
    return np.array([_hash_of(f"#{ngram}") for ngram in ngrams], dtype=np.uint64)
