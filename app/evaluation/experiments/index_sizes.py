"""How much a strategy's index holds, over the versions an experiment pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.estimate import CHARACTERS_PER_TOKEN
from app.context.strategy import SearchSetup
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.specification import Contestant
from indexes.database.tables import ChunkRow
from indexes.view import IndexView
from ingest.baking import IDS_PER_QUERY, batches


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSize:
    """Chunks, their tokens by the chunker's tokenizer, what is embedded of them, and the bytes of the stores' files.

    `embedded_tokens` has the prefixes on top, estimated by their characters; it is 0 without an embedder.
    """

    chunks: int
    indexed_tokens: int
    embedded_tokens: int
    index_bytes: int


def index_sizes(
    session: Session, experiment: ExperimentRow, contestants: Sequence[Contestant], views: Mapping[str, IndexView]
) -> list[IndexSize | None]:
    """Return the size of each strategy's index; None for a baseline."""
    return [
        index_size(session, experiment, one.strategy.retrieval, views[one.retrieval_fingerprint])
        if isinstance(one.strategy.retrieval, SearchSetup)
        else None
        for one in contestants
    ]


def index_size(session: Session, experiment: ExperimentRow, setup: SearchSetup, view: IndexView) -> IndexSize:
    """Return the size of the index that answers the setup."""
    chunks = tokens = prefix_characters = 0
    columns = select(
        func.count(),
        func.coalesce(func.sum(ChunkRow.tokens), 0),
        func.coalesce(func.sum(func.length(ChunkRow.prefix)), 0),
    )
    for batch in batches(sorted(experiment.pins.values()), IDS_PER_QUERY):
        matches = (ChunkRow.version_id.in_(batch), ChunkRow.chunking == setup.recipe.chunking)
        some = session.execute(columns.where(*matches)).one()
        chunks, tokens, prefix_characters = chunks + some[0], tokens + some[1], prefix_characters + some[2]
    kinds = [store.kind_of_class() for store in setup.stores]
    return IndexSize(
        chunks=chunks,
        indexed_tokens=tokens,
        embedded_tokens=tokens + round(prefix_characters / CHARACTERS_PER_TOKEN) if setup.embedder is not None else 0,
        index_bytes=sum(_bytes(segment.folder / kind) for segment in view.segments for kind in kinds),
    )


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
