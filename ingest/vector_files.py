"""The vectors of an index as a file that numpy reads, with a line for each that says whose it is."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from configs.errors import ConflictError
from configs.part import JsonObject
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, IndexRow, Served
from ingest.recipe import IndexRecipe
from ingest.vector_cache import load_vectors
from ingest.zip_stream import ZipStream

VECTORS = "vectors.npy"
ROWS = "rows.jsonl"
DESCRIPTION = "index.json"
VERSIONS_PER_BATCH = 64
BYTES_PER_NUMBER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """A version that the index serves, with what its document is called."""

    version_id: str
    document_id: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorExport:
    """What an index holds at this moment: its chunks and vectors never change, so they can be read one batch at a
    time.
    """

    chunking: str
    embedder: str
    served: Sequence[_Served]
    rows: int
    dimensions: int
    description: JsonObject

    def stream(self, database: Database) -> Iterator[bytes]:
        """Yield the bytes of a zip file: `vectors.npy`, float32 [rows, dimensions]; `rows.jsonl`, the chunk of each
        row; `index.json`, the recipe. numpy's `load` opens the zip file itself.

        Raises ConflictError `index_changed` where a document is erased meanwhile; the file then ends in the middle.
        """
        zipped = ZipStream()
        size_bytes = self.rows * self.dimensions * BYTES_PER_NUMBER
        yield zipped.add(DESCRIPTION, json.dumps(self.description, indent=1).encode())
        yield from zipped.add_parts(VECTORS, self._vectors(database), size_bytes, zipfile.ZIP_STORED)
        yield from zipped.add_parts(ROWS, self._rows(database), 0)
        yield zipped.end()

    def _vectors(self, database: Database) -> Iterator[bytes]:
        header = io.BytesIO()
        shape = {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self.dimensions)}
        np.lib.format.write_array_header_1_0(header, shape)
        yield header.getvalue()
        rows = 0
        for some in self._batches():
            with database.read() as session:
                hashes = [chunk.indexed_sha256 for chunk in self._chunks(session, some)]
                try:
                    vectors = load_vectors(session, self.embedder, hashes)
                except KeyError:
                    raise _changed() from None
            rows += len(hashes)
            yield vectors.astype("<f4").tobytes()
        if rows != self.rows:
            raise _changed()

    def _rows(self, database: Database) -> Iterator[bytes]:
        by_version = {one.version_id: one for one in self.served}
        row = 0
        for some in self._batches():
            with database.read() as session:
                chunks = self._chunks(session, some)
            lines = []
            for chunk in chunks:
                of = by_version[chunk.version_id]
                lines.append(
                    {
                        "row": row, "document_id": of.document_id, "external_id": of.external_id,
                        "version_id": of.version_id, "ordinal": chunk.ordinal, "start": chunk.start, "end": chunk.end,
                        "indexed_sha256": chunk.indexed_sha256,
                    }
                )  # fmt: skip
                row += 1
            yield "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        if row != self.rows:
            raise _changed()

    def _batches(self) -> Iterator[Sequence[_Served]]:
        for first in range(0, len(self.served), VERSIONS_PER_BATCH):
            yield self.served[first : first + VERSIONS_PER_BATCH]

    def _chunks(self, session: Session, some: Sequence[_Served]) -> Sequence[ChunkRow]:
        """Return the chunks of the versions, in the order of the versions, then as written."""
        places = {one.version_id: place for place, one in enumerate(some)}
        chosen = ChunkRow.version_id.in_(places), ChunkRow.chunking == self.chunking
        chunks = session.scalars(select(ChunkRow).where(*chosen)).all()
        return sorted(chunks, key=lambda chunk: (places[chunk.version_id], chunk.ordinal))


def plan_vectors(session: Session, index: IndexRow) -> VectorExport:
    """Return what the index serves of live documents, by external id.

    Raises ConflictError: `no_vectors` where it has no dense store, `index_empty` where it serves nothing yet.
    """
    recipe = IndexRecipe.model_validate(index.recipe)
    if recipe.embedder is None:
        raise ConflictError(
            f"index {index.id} has no vectors: it has no dense store",
            hint="name an index whose recipe has an embedder; GET …/indexes lists them",
            code="no_vectors",
        )
    columns = select(Served.version_id, Document.id, Document.external_id)
    joined = columns.join(Document, Document.id == Served.document_id)
    live = joined.where(Served.index_id == index.id, Document.deleted_at.is_(None)).order_by(Document.external_id)
    served = [
        _Served(version_id=version_id, document_id=document_id, external_id=external_id)
        for version_id, document_id, external_id in session.execute(live)
    ]
    matches = (ChunkRow.version_id == Served.version_id) & (ChunkRow.chunking == recipe.chunking)
    counted = select(func.count()).select_from(Served).join(ChunkRow, matches)
    counted = counted.join(Document, Document.id == Served.document_id)
    rows = session.scalar(counted.where(Served.index_id == index.id, Document.deleted_at.is_(None))) or 0
    if not rows:
        raise ConflictError(
            f"index {index.id} serves no chunk", hint="send documents, or build the index", code="index_empty"
        )
    return VectorExport(
        chunking=recipe.chunking, embedder=recipe.embedder.fingerprint, served=served, rows=rows,
        dimensions=_dimensions(session, recipe, served), description={"index_id": index.id, "recipe": index.recipe},
    )  # fmt: skip


def _dimensions(session: Session, recipe: IndexRecipe, served: Sequence[_Served]) -> int:
    """Return how long a vector is, by one of the index's own."""
    assert recipe.embedder is not None
    for one in served:
        chosen = ChunkRow.version_id == one.version_id, ChunkRow.chunking == recipe.chunking
        found = session.scalar(select(ChunkRow.indexed_sha256).where(*chosen).limit(1))
        if found is not None:
            return int(load_vectors(session, recipe.embedder.fingerprint, [found]).shape[1])
    raise _changed()


def _changed() -> ConflictError:
    return ConflictError(
        "a document of the index was erased while its vectors were sent", hint="export again", code="index_changed"
    )
