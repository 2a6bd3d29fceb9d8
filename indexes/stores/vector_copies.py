"""Rows of a segment that have one and the same vector, told apart from distinct vectors.

What estimates nearness holds each vector once: many copies would link to each other only in a graph, and crowd others
out of the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexes.array_file import map_arrays, write_arrays
from indexes.stores import Mask, Rows

COPIES_FILE = "copies.bin"

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class VectorCopies:
    """Which rows share a vector.

    `rows` int32 [rows], those of the first distinct vector first, ascending; `begins` int32 [distinct vectors], where
    the rows of each begin in it. Distinct vectors are in the order of their first rows.
    """

    rows: Int32
    begins: Int32

    def __len__(self) -> int:
        return len(self.begins)

    @property
    def first_rows(self) -> Int32:
        """Return one row of each distinct vector."""
        return self.rows[self.begins]

    def allowed(self, allowed: Mask | None) -> Mask | None:
        """Return which distinct vectors an allowed row has."""
        if allowed is None:
            return None
        return np.logical_or.reduceat(allowed[self.rows], self.begins)

    def allowed_rows(self, numbers: Rows, allowed: Mask | None, most: int) -> Rows:
        """Return the first `most` allowed rows of each of the distinct vectors `numbers`."""
        ends = np.append(self.begins[1:], len(self.rows))
        found = []
        for number in numbers.tolist():
            rows = self.rows[self.begins[number] : ends[number]]
            found.append((rows if allowed is None else rows[allowed[rows]])[:most])
        return np.concatenate([np.zeros(0, dtype=np.int64), *found])

    def write(self, location: Path) -> None:
        """Write and sync them as a file of the location."""
        write_arrays(location / COPIES_FILE, {"rows": self.rows, "begins": self.begins})

    @classmethod
    def read(cls, location: Path) -> VectorCopies | None:
        """Return what `write` wrote, mapped; None where it was not called."""
        path = location / COPIES_FILE
        return cls(**map_arrays(path)) if path.exists() else None


def find_copies(vectors: Float32) -> VectorCopies | None:
    """Return which rows share a vector, to the last bit; None where all differ."""
    whole = np.ascontiguousarray(vectors).view(np.dtype((np.void, vectors.shape[1] * vectors.itemsize)))[:, 0]
    _, firsts, groups = np.unique(whole, return_index=True, return_inverse=True)
    if len(firsts) == len(vectors):
        return None
    rows = np.argsort(firsts[groups], kind="stable").astype(np.int32)
    ordered = firsts[groups][rows]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])).astype(np.int32)
    return VectorCopies(rows, begins)
