"""Vectors by (embedder fingerprint, hash of the indexed text), shared by every recipe of the installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from indexes.database.tables import Vector

BATCH = 1_000
Floats = npt.NDArray[np.float32]


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), BATCH):
        yield values[first : first + BATCH]


def missing_vectors(session: Session, embedder: str, hashes: Sequence[str]) -> list[str]:
    """Return the distinct `hashes` that have no vector yet, in their order."""
    known: set[str] = set()
    for batch in _batches(hashes):
        statement = select(Vector.indexed_sha256).where(Vector.embedder == embedder, Vector.indexed_sha256.in_(batch))
        known.update(session.scalars(statement))
    return [value for value in dict.fromkeys(hashes) if value not in known]


def save_vectors(session: Session, embedder: str, hashes: Sequence[str], vectors: Floats) -> None:
    """Store float32 [len(hashes), dimensions]; what is there already stays."""
    insert_or_keep = insert_postgresql if session.get_bind().dialect.name == "postgresql" else insert_sqlite
    rows = [
        {"embedder": embedder, "indexed_sha256": value, "vector": vector.astype("<f4").tobytes()}
        for value, vector in zip(hashes, vectors, strict=True)
    ]
    for first in range(0, len(rows), BATCH):
        session.execute(insert_or_keep(Vector).on_conflict_do_nothing(), rows[first : first + BATCH])


def find_vectors(session: Session, embedder: str, hashes: Iterable[str]) -> dict[str, Floats]:
    """Return the vectors by hash, float32 [dimensions] each, as far as there are any."""
    found: dict[str, Floats] = {}
    for batch in _batches(list(dict.fromkeys(hashes))):
        chosen = Vector.embedder == embedder, Vector.indexed_sha256.in_(batch)
        for name, stored in session.execute(select(Vector.indexed_sha256, Vector.vector).where(*chosen)):
            found[name] = np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False)
    return found


def load_vectors(session: Session, embedder: str, hashes: Sequence[str]) -> Floats:
    """Return float32 [len(hashes), dimensions] in the order of `hashes`; raise KeyError where one is missing."""
    found = find_vectors(session, embedder, hashes)
    return np.stack([found[value] for value in hashes]) if hashes else np.zeros((0, 0), np.float32)
