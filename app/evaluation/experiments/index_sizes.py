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
from configs.errors import UnavailableError
from indexes.database.tables import ChunkRow
from indexes.store_figures import StoreFigures, figures_of
from indexes.view import IndexView
from ingest.baking import IDS_PER_QUERY, batches


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSize:
    """Chunks, their tokens by the chunker's tokenizer, what is embedded of them, and what the stores take and find.

    `embedded_tokens` has the prefixes on top, estimated by their characters; it is 0 without an embedder. `stores` is
    empty where a segment can no longer be read.
    """

    chunks: int
    indexed_tokens: int
    embedded_tokens: int
    index_bytes: int
    stores: tuple[StoreFigures, ...]


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
    folders = [segment.folder for segment in view.segments]
    return IndexSize(
        chunks=chunks,
        indexed_tokens=tokens,
        embedded_tokens=tokens + round(prefix_characters / CHARACTERS_PER_TOKEN) if setup.embedder is not None else 0,
        index_bytes=sum(
            store.disk_bytes(folder / store.kind_of_class()) for folder in folders for store in setup.stores
        ),
        stores=_figures(setup, folders),
    )


def _figures(setup: SearchSetup, folders: Sequence[Path]) -> tuple[StoreFigures, ...]:
    try:
        return tuple(figures_of(store, folders) for store in setup.stores)
    except UnavailableError:
        return ()
