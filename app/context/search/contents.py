"""What search options read of hits beyond their scores: texts, vectors, and when they were uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Version
from indexes.search import Hit
from ingest.recipe import IndexRecipe
from ingest.vector_cache import find_vectors

Vectors = npt.NDArray[np.float32]
KEYS_PER_QUERY = 200


class HitContents(Protocol):
    """Reads what hits hold, each in the order of the hits. Whoever asks may see every one of them.

    A hit that was erased since it was found has no text, a vector of zeros and no moment.
    """

    def texts(self, hits: Sequence[Hit]) -> list[str]:
        """Return the text of each hit, what stands in front of it in the index left out."""
        ...

    def indexed_texts(self, hits: Sequence[Hit]) -> list[str]:
        """Return the text of each hit as it was indexed: title and heading path first, where the setup has it so."""
        ...

    def vectors(self, hits: Sequence[Hit]) -> Vectors:
        """Return float32 [hits, dimensions], as they were indexed; [hits, 0] where the setup has no embedder."""
        ...

    def uploaded_at(self, hits: Sequence[Hit]) -> list[datetime | None]:
        """Return when the version of each hit was uploaded."""
        ...


class StoredContents:
    """The contents of hits of one recipe (`HitContents`), read from the database; texts are read once."""

    def __init__(self, database: Database, recipe: IndexRecipe) -> None:
        self._database = database
        resolved = recipe.resolved()
        self._chunking = resolved.chunking
        self._embedder = resolved.embedder
        self._pools_tokens = resolved.chunker.pools_tokens
        self._rows: dict[tuple[str, int], tuple[str, str, str]] = {}

    def texts(self, hits: Sequence[Hit]) -> list[str]:
        """Return the text of each hit."""
        return [text for _, text, _ in self._chunks(hits)]

    def indexed_texts(self, hits: Sequence[Hit]) -> list[str]:
        """Return prefix and text of each hit."""
        return [prefix + text for prefix, text, _ in self._chunks(hits)]

    def vectors(self, hits: Sequence[Hit]) -> Vectors:
        """Return the cached vectors, which are those that were indexed, whatever a store made of them; one that is not
        cached any more is made anew, or of zeros where its chunker takes it from the whole document.
        """
        if self._embedder is None or not hits:
            return np.zeros((len(hits), 0), dtype=np.float32)
        chunks = self._chunks(hits)
        with self._database.read() as session:
            found = find_vectors(session, self._embedder.fingerprint, [indexed for _, _, indexed in chunks if indexed])
        absent = {indexed: prefix + text for prefix, text, indexed in chunks if indexed and indexed not in found}
        if absent and not self._pools_tokens:
            found.update(zip(absent, self._embedder.encode(list(absent.values())), strict=True))
        zeros = np.zeros(max((len(one) for one in found.values()), default=0), dtype=np.float32)
        return np.stack([found.get(indexed, zeros) for _, _, indexed in chunks])

    def uploaded_at(self, hits: Sequence[Hit]) -> list[datetime | None]:
        """Return when the version of each hit was uploaded."""
        version_ids = sorted({hit.version_id for hit in hits})
        moments: dict[str, datetime] = {}
        with self._database.read() as session:
            for first in range(0, len(version_ids), KEYS_PER_QUERY):
                some = version_ids[first : first + KEYS_PER_QUERY]
                rows = session.execute(select(Version.id, Version.created_at).where(Version.id.in_(some)))
                moments.update({row.id: row.created_at for row in rows})
        return [moments.get(hit.version_id) for hit in hits]

    def _chunks(self, hits: Sequence[Hit]) -> list[tuple[str, str, str]]:
        """Return prefix, text and hash of what was indexed of each hit, all empty where there is no such chunk."""
        keys = list(dict.fromkeys((hit.version_id, hit.ordinal) for hit in hits))
        absent = [key for key in keys if key not in self._rows]
        if absent:
            with self._database.read() as session:
                for first in range(0, len(absent), KEYS_PER_QUERY):
                    self._load(session, absent[first : first + KEYS_PER_QUERY])
        return [self._rows.get((hit.version_id, hit.ordinal), ("", "", "")) for hit in hits]

    def _load(self, session: Session, keys: Sequence[tuple[str, int]]) -> None:
        text = func.substr(Version.text, ChunkRow.start + 1, ChunkRow.end - ChunkRow.start)
        columns = select(ChunkRow.version_id, ChunkRow.ordinal, ChunkRow.prefix, text, ChunkRow.indexed_sha256)
        statement = columns.join(Version, Version.id == ChunkRow.version_id).where(
            ChunkRow.chunking == self._chunking, tuple_(ChunkRow.version_id, ChunkRow.ordinal).in_(keys)
        )
        for version_id, ordinal, prefix, said, indexed in session.execute(statement):
            self._rows[version_id, ordinal] = prefix, said or "", indexed
