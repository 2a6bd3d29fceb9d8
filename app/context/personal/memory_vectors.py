"""The vectors of a user's memories under an embedder: from this process, from the vector cache, or encoded now.

The vector cache knows them by the hash of the memory's text, so that erasing a memory erases them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.personal.remembered import Remembered
from app.context.users.memory_ranking import MemoryColumns
from app.context.users.tables import MemoryRow, UserRow
from indexes.database.engine import Database
from ingest.embedders import Embedder
from ingest.vector_cache import Floats, find_vectors, renewals_of, save_vectors

MOST_ENCODED = 256
"""So many texts are encoded for one request, the newest memories first; the next requests do the rest."""

MOST_BYTES = 256 << 20
IDS_PER_QUERY = 1_000

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMatrix:
    """The vectors of memories, float32 [memories, dimensions], in their order; where `known` is False it is zeros."""

    text_hashes: tuple[str, ...]
    vectors: Floats
    known: Mask

    @property
    def size_bytes(self) -> int:
        """Return about how much memory it takes, hashes included."""
        return self.vectors.nbytes + 128 * len(self.text_hashes)


class MemoryVectors:
    """Keeps the matrices that were used last, up to MOST_BYTES; safe from any thread.

    Two threads that miss the same vectors at once both encode them; the cache keeps one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._matrices: Remembered[tuple[str, str, str, int], MemoryMatrix] = Remembered(
            MOST_BYTES, lambda matrix: matrix.size_bytes
        )

    def of(self, workspace_id: str, user_id: str, columns: MemoryColumns, embedder: Embedder) -> MemoryMatrix:
        """Return the matrix of a user's memories, encoding and keeping at most MOST_ENCODED vectors that are missing.

        No database transaction is open while it encodes. What the embedder raises is raised.
        """
        fingerprint = embedder.fingerprint
        with self._database.read() as session:
            renewals = renewals_of(session, fingerprint)
        key = (workspace_id, user_id, fingerprint, renewals)
        before = self._matrices.get(key)
        if before is not None and before.known.all() and before.text_hashes == columns.text_hashes:
            return before
        found = _rows_of(before)
        absent = [one for one in dict.fromkeys(columns.text_hashes) if one not in found]
        if absent:
            with self._database.read() as session:
                found |= find_vectors(session, fingerprint, absent, least_renewal=renewals)
        found |= self._encoded(workspace_id, user_id, columns, embedder, fingerprint, found)
        matrix = _matrix(columns.text_hashes, found, embedder.vector_dimensions)
        self._matrices.put(key, matrix)
        return matrix

    def clear(self) -> None:
        """Forget every vector in this process."""
        self._matrices.clear()

    def _encoded(
        self, workspace_id: str, user_id: str, columns: MemoryColumns, embedder: Embedder, fingerprint: str,
        found: dict[str, Floats],
    ) -> dict[str, Floats]:  # fmt: skip
        """Encode the texts of the newest memories that have no vector, keep the vectors, and return them by hash."""
        texts: dict[str, str] = {}
        for memory, text_hash in zip(reversed(columns.memories), reversed(columns.text_hashes), strict=True):
            if len(texts) == MOST_ENCODED:
                break
            if text_hash not in found:
                texts[text_hash] = memory.text
        if not texts:
            return {}
        made = dict(zip(texts, embedder.encode(list(texts.values())), strict=True))
        ids = {
            one: text_hash for one, text_hash in zip(columns.ids, columns.text_hashes, strict=True) if text_hash in made
        }
        with self._database.write() as session:
            kept = {ids[one] for one in _still_there(session, workspace_id, user_id, list(ids))}
            save_vectors(session, fingerprint, sorted(kept), np.array([made[one] for one in sorted(kept)], np.float32))
        return made


def _still_there(session: Session, workspace_id: str, user_id: str, memory_ids: Sequence[str]) -> set[str]:
    """Return which of the memories nobody deleted while they were encoded: an erasure leaves no vector behind.

    They and the user stay locked until the vectors are kept; whoever erases them comes before or after.
    """
    there: set[str] = set()
    mine = MemoryRow.workspace_id == workspace_id, MemoryRow.user_id == user_id, MemoryRow.hidden_at.is_(None)
    lives = UserRow.workspace_id == workspace_id, UserRow.id == user_id, UserRow.deleted_at.is_(None)
    if session.scalar(select(UserRow.id).where(*lives).with_for_update(read=True)) is None:
        return there
    for first in range(0, len(memory_ids), IDS_PER_QUERY):
        chosen = MemoryRow.id.in_(memory_ids[first : first + IDS_PER_QUERY])
        there.update(session.scalars(select(MemoryRow.id).where(*mine, chosen).with_for_update(read=True)))
    return there


def _rows_of(matrix: MemoryMatrix | None) -> dict[str, Floats]:
    if matrix is None:
        return {}
    rows = zip(matrix.text_hashes, matrix.vectors, matrix.known, strict=True)
    return {text_hash: vector for text_hash, vector, known in rows if known}


def _matrix(text_hashes: tuple[str, ...], found: dict[str, Floats], dimensions: int) -> MemoryMatrix:
    known = np.array([one in found for one in text_hashes], np.bool_)
    vectors = np.zeros((len(text_hashes), dimensions), np.float32)
    if known.any():
        vectors[known] = np.stack([found[one] for one in text_hashes if one in found])
    return MemoryMatrix(text_hashes=text_hashes, vectors=vectors, known=known)
