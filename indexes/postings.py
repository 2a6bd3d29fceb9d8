"""The inverted lists of one segment: for each term the rows that hold it, and how often."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexes.analysis import words
from indexes.array_file import Array, map_arrays, write_arrays

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

LOOKUPS_KEPT = 1024


class Postings:
    """Term i (sorted by UTF-8 bytes) is `term_bytes[term_offsets[i]:term_offsets[i + 1]]`; its rows, ascending, and its
    counts there are `rows` and `counts` [posting_offsets[i]:posting_offsets[i + 1]]. `lengths` int32 [rows of the
    segment] counts the terms of each row. Immutable; thread-safe.
    """

    def __init__(
        self,
        *,
        lengths: Int32,
        term_bytes: npt.NDArray[np.uint8],
        term_offsets: Int64,
        posting_offsets: Int64,
        rows: Int32,
        counts: Int32,
    ) -> None:
        self.lengths = lengths
        self.rows = rows
        self.counts = counts
        self.total_tokens = int(lengths.sum(dtype=np.int64))
        self._term_bytes = term_bytes
        self._term_offsets = term_offsets
        self._posting_offsets = posting_offsets
        self.places = lru_cache(maxsize=LOOKUPS_KEPT)(self._places)

    def _places(self, term: str) -> slice:
        """Return where in `rows` and `counts` the term's postings lie; empty for a term that no row holds."""
        wanted = term.encode("utf-8")
        text, offsets = self._term_bytes.data, self._term_offsets.data

        def term_at(number: int) -> bytes:
            return text[offsets[number] : offsets[number + 1]].tobytes()

        number = bisect_left(range(len(offsets) - 1), wanted, key=term_at)
        if number == len(offsets) - 1 or term_at(number) != wanted:
            return slice(0, 0)
        return slice(int(self._posting_offsets[number]), int(self._posting_offsets[number + 1]))

    def write(self, path: Path) -> None:
        """Write and sync the postings as one file; its name is durable after `sync_directory`."""
        arrays: dict[str, Array] = {
            "lengths": self.lengths,
            "term_bytes": self._term_bytes,
            "term_offsets": self._term_offsets,
            "posting_offsets": self._posting_offsets,
            "rows": self.rows,
            "counts": self.counts,
        }
        write_arrays(path, arrays)

    @classmethod
    def open(cls, path: Path) -> Postings:
        """Map what `write` wrote; raises OSError, ValueError or TypeError where it is missing or damaged."""
        return cls(**map_arrays(path))


def build_postings(texts: Sequence[str], make_term: Callable[[str], str | None]) -> Postings:
    """Count the terms of every text; `make_term` maps a word to its term, None for one that is not indexed."""
    numbers = _TermNumbers(make_term)
    tokens = array("i")
    ends = array("q", [0])
    for text in texts:
        tokens.extend(map(numbers.__getitem__, words(text)))
        ends.append(len(tokens))
    terms = [term.encode("utf-8") for term in numbers.terms]
    order = sorted(range(len(terms)), key=terms.__getitem__)
    sorted_number = np.empty(len(terms), dtype=np.int64)
    sorted_number[order] = np.arange(len(terms))

    found = np.array(tokens, dtype=np.int64)
    lengths = np.diff(np.array(ends)).astype(np.int64)
    row_of_token = np.repeat(np.arange(len(texts)), lengths)
    is_term = found >= 0
    row_of_token = row_of_token[is_term]
    keys = (sorted_number[found[is_term]] << 32) | row_of_token  # one sort brings equal (term, row) together
    keys.sort()
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    pairs = keys[firsts]
    return Postings(
        lengths=np.bincount(row_of_token, minlength=len(texts)).astype(np.int32),
        term_bytes=np.frombuffer(b"".join(terms[number] for number in order), dtype=np.uint8),
        term_offsets=_offsets(np.array([len(terms[number]) for number in order], dtype=np.int64)),
        posting_offsets=_offsets(np.bincount(pairs >> 32, minlength=len(terms))),
        rows=(pairs & 0xFFFFFFFF).astype(np.int32),
        counts=np.diff(firsts, append=len(keys)).astype(np.int32),
    )


class _TermNumbers(dict[str, int]):
    """Numbers the terms of words in order of first appearance; -1 for words that are not indexed."""

    def __init__(self, make_term: Callable[[str], str | None]) -> None:
        super().__init__()
        self.terms: dict[str, int] = {}
        self._make_term = make_term

    def __missing__(self, word: str) -> int:
        term = self._make_term(word)
        number = -1 if term is None else self.terms.setdefault(term, len(self.terms))
        self[word] = number
        return number


def _offsets(lengths: Int64) -> Int64:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])
