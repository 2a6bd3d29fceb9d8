"""Vectors by (embedder fingerprint, hash of the indexed text), shared by every recipe of the installation.

Where a changed model was accepted, vectors of before are outdated: they count as missing and are made anew, and until
then whoever moves rows about still finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from indexes.database.tables import Vector
from ingest.canaries import CanaryRow

BATCH = 1_000
Floats = npt.NDArray[np.float32]


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), BATCH):
        yield values[first : first + BATCH]


def renewals_of(session: Session, embedder: str, *, until_commit: bool = False) -> int:
    """Return how often a changed model of the embedder was accepted; with `until_commit` none is before the caller's
    unit of work ends.
    """
    statement = select(CanaryRow.renewals).where(CanaryRow.embedder == embedder)
    return session.scalar(statement.with_for_update(read=True) if until_commit else statement) or 0


def oldest_renewal(session: Session, embedder: str, hashes: Sequence[str]) -> int:
    """Return the renewal of the oldest of the vectors, the present one where there is none.

    Ask before they are loaded: what is loaded later is at least as new.
    """
    oldest = renewals_of(session, embedder)
    for batch in _batches(hashes):
        chosen = Vector.embedder == embedder, Vector.indexed_sha256.in_(batch)
        found = session.scalar(select(func.min(Vector.renewal)).where(*chosen))
        oldest = oldest if found is None else min(oldest, found)
    return oldest


def missing_vectors(session: Session, embedder: str, hashes: Sequence[str]) -> list[str]:
    """Return the distinct `hashes` that have no vector yet, or an outdated one, in their order."""
    known: set[str] = set()
    present = Vector.embedder == embedder, Vector.renewal >= renewals_of(session, embedder)
    for batch in _batches(hashes):
        known.update(session.scalars(select(Vector.indexed_sha256).where(*present, Vector.indexed_sha256.in_(batch))))
    return [value for value in dict.fromkeys(hashes) if value not in known]


def save_vectors(session: Session, embedder: str, hashes: Sequence[str], vectors: Floats) -> None:
    """Store float32 [len(hashes), dimensions]; what is there already stays, unless it is outdated."""
    insert = insert_postgresql if session.get_bind().dialect.name == "postgresql" else insert_sqlite
    renewal = renewals_of(session, embedder)
    rows = [
        {"embedder": embedder, "indexed_sha256": value, "vector": vector.astype("<f4").tobytes(), "renewal": renewal}
        for value, vector in zip(hashes, vectors, strict=True)
    ]
    statement = insert(Vector)
    kept = statement.on_conflict_do_update(
        index_elements=[Vector.embedder, Vector.indexed_sha256],
        set_={"vector": statement.excluded.vector, "renewal": statement.excluded.renewal},
        where=Vector.renewal < statement.excluded.renewal,
    )
    for first in range(0, len(rows), BATCH):
        session.execute(kept, rows[first : first + BATCH])


def find_vectors(
    session: Session, embedder: str, hashes: Iterable[str], *, least_renewal: int = 0
) -> dict[str, Floats]:
    """Return the vectors by hash, float32 [dimensions] each, as far as there are any of `least_renewal` or
    later; of 0 they may be outdated.
    """
    found: dict[str, Floats] = {}
    for batch in _batches(list(dict.fromkeys(hashes))):
        chosen = Vector.embedder == embedder, Vector.indexed_sha256.in_(batch), Vector.renewal >= least_renewal
        for name, stored in session.execute(select(Vector.indexed_sha256, Vector.vector).where(*chosen)):
            found[name] = np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False)
    return found


def load_vectors(session: Session, embedder: str, hashes: Sequence[str]) -> Floats:
    """Return float32 [len(hashes), dimensions] in the order of `hashes`; raise KeyError where one is missing."""
    found = find_vectors(session, embedder, hashes)
    return np.stack([found[value] for value in hashes]) if hashes else np.zeros((0, 0), np.float32)
