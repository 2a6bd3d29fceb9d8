"""Whether an index is what it should be: files as they were written, rows as SQL has them, vectors as cached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from configs.errors import PlaygroundError
from indexes.database.catalog import count_served, list_segments, load_index, load_workspace
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, Segment, Served
from indexes.opened_locations import evict
from indexes.segments import RowTable, open_rows, segment_folder
from indexes.soundness import damaged_everywhere
from indexes.stores import Query, Rows, Searcher, Statistics
from ingest.baking import IDS_PER_QUERY, batches
from ingest.recipe import IndexRecipe
from ingest.vector_cache import load_vectors, renewals_of

VECTORS_COMPARED = 256
"""About so many vectors of a segment, evenly spread, are compared with the cache; checksums cover all of them."""
NEAREST_OTHER = 0.99
"""A stored vector counts as the cached one where its product with it comes this near; stores may round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexIntegrity:
    """What a check of an index found: by segment, the files that are damaged and how its rows disagree with SQL."""

    segments_checked: int
    damaged: dict[str, list[str]]
    mismatches: dict[str, list[str]]
    rows_in_segments: int
    rows_served: int
    quarantined: list[Segment]

    @property
    def unsound(self) -> list[str]:
        """Return the segments in use that must not answer."""
        return sorted({*self.damaged, *self.mismatches})

    @property
    def is_intact(self) -> bool:
        """Tell whether nothing is wrong with what the index answers with."""
        return not self.unsound


def check_index(database: Database, data_folder: Path, workspace_id: str, index_id: str) -> IndexIntegrity:
    """Compare every file of the index with its checksum, every row it answers with with its chunk in SQL, the rows of
    each store with those of the segment, and vectors with the cache.
    """
    damaged: dict[str, list[str]] = {}
    mismatches: dict[str, list[str]] = {}
    with database.read() as session:
        load_workspace(session, workspace_id)
        recipe = IndexRecipe.model_validate(load_index(session, workspace_id, index_id).recipe)
        segments = list_segments(session, index_id)
        rows_served = count_served(session, index_id)[1]
        set_aside = select(Segment).where(Segment.index_id == index_id, Segment.state == "quarantined")
        quarantined = list(session.scalars(set_aside.order_by(Segment.retired_at, Segment.id)))
        for segment in segments:
            folder = segment_folder(data_folder, index_id, segment.id)
            files = damaged_everywhere(folder, segment.checksums)
            if files:
                damaged[segment.id] = files
            elif disagreements := list(_disagreements(session, recipe, segment, folder)):
                mismatches[segment.id] = disagreements
    return IndexIntegrity(
        segments_checked=len(segments),
        damaged=damaged,
        mismatches=mismatches,
        rows_in_segments=sum(segment.rows for segment in segments),
        rows_served=rows_served,
        quarantined=quarantined,
    )


def _disagreements(session: Session, recipe: IndexRecipe, segment: Segment, folder: Path) -> Iterator[str]:
    """Yield a sentence for each way in which a segment whose files are whole is not what SQL says."""
    evict(folder)  # a store may keep its rows elsewhere, and has them looked at again
    try:
        table = open_rows(folder)
        searchers = {store.kind_of_class(): store.open(folder / store.kind_of_class()) for store in recipe.stores}
    except PlaygroundError as error:
        yield error.detail
        return
    counts = {"row table": len(table), **{name: searcher.rows for name, searcher in searchers.items()}}
    wrong = {name: count for name, count in counts.items() if count != segment.rows}
    if wrong:
        yield from (f"{name} has {count} rows, the manifest {segment.rows}" for name, count in wrong.items())
        return
    served = _served(session, segment.id)
    yield from _misplaced(served, len(table))
    hashes: dict[int, str] = {}
    for batch in batches(served, IDS_PER_QUERY):
        yield from _unlike_chunks(session, recipe, batch, table, hashes)
    if recipe.embedder is not None and segment.renewal >= renewals_of(session, recipe.embedder.fingerprint):
        dense = [searchers[store.kind_of_class()] for store in recipe.stores if store.signal == "dense"]
        yield from _unlike_cache(session, recipe.embedder.fingerprint, dense, hashes)


def _served(session: Session, segment_id: str) -> list[Served]:
    """Return what the segment answers for, of live documents, by its place."""
    statement = select(Served).join(Document, Document.id == Served.document_id)
    live = Served.segment_id == segment_id, Document.deleted_at.is_(None)
    return list(session.scalars(statement.where(*live).order_by(Served.first_row)))


def _misplaced(served: Sequence[Served], rows: int) -> Iterator[str]:
    end = 0
    for one in served:
        if one.first_row < end:
            yield f"rows {one.first_row} to {end} belong to two documents"
        end = one.first_row + one.row_count
    if end > rows:
        yield f"rows up to {end} are served, of {rows}"


def _unlike_chunks(
    session: Session, recipe: IndexRecipe, served: Sequence[Served], table: RowTable, hashes: dict[int, str]
) -> Iterator[str]:
    """Yield versions whose rows are not their chunks; note the text hash of each row of the others in `hashes`."""
    columns = select(
        ChunkRow.version_id, ChunkRow.ordinal, ChunkRow.start, ChunkRow.end, ChunkRow.tokens, ChunkRow.indexed_sha256
    ).where(ChunkRow.chunking == recipe.chunking, ChunkRow.version_id.in_([one.version_id for one in served]))
    chunks: dict[str, list[tuple[int, int, int, int]]] = {one.version_id: [] for one in served}
    texts: dict[str, list[str]] = {one.version_id: [] for one in served}
    ordered = columns.order_by(ChunkRow.version_id, ChunkRow.ordinal)
    for version_id, ordinal, start, end, tokens, indexed_sha256 in session.execute(ordered):
        chunks[version_id].append((ordinal, start, end, tokens))
        texts[version_id].append(indexed_sha256)
    for one in served:
        rows = slice(one.first_row, one.first_row + one.row_count)
        columns_of_rows = (table.ordinals, table.starts, table.ends, table.tokens)
        stored = list(zip(*(column[rows].tolist() for column in columns_of_rows), strict=True))
        if chunks[one.version_id] != stored:
            yield f"the rows of version {one.version_id} are not its chunks"
        else:
            hashes.update(enumerate(texts[one.version_id], one.first_row))


def _unlike_cache(
    session: Session, embedder: str, searchers: Sequence[Searcher], hashes: dict[int, str]
) -> Iterator[str]:
    """Yield rows whose vector is not the cached one of their text; vectors missing in the cache are no fault."""
    for row in sorted(hashes)[:: max(1, len(hashes) // VECTORS_COMPARED)]:
        try:
            vector = load_vectors(session, embedder, [hashes[row]])[0]
        except KeyError:
            continue
        own = float(np.square(vector, dtype=np.float64).sum())
        wanted: Rows = np.array([row], dtype=np.int64)
        for searcher in searchers:
            said = float(searcher.scores(Query(text="", vector=vector), wanted, Statistics())[0])
            if said < own * NEAREST_OTHER:
                yield f"row {row} holds another vector than the cache"
