"""What a store takes and how much of the nearest it finds, over the segments of an index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from indexes.measured_recall import RECALL_DEPTH
from indexes.stores import Store


class StoreFigures(BaseModel):
    """One store of an index: its room by measure, and its recall where it approximates."""

    model_config = ConfigDict(frozen=True)

    kind: str
    is_exact: bool = Field(description="whether it promises to find every one of the nearest")
    chunks: int = Field(description="rows in its segments, those of replaced documents included")
    disk_bytes: int = Field(description="what it wrote, wherever that lies")
    memory_bytes: int = Field(description="what searches read throughout: they are fast while so much stays in memory")
    disk_bytes_per_chunk: float | None = Field(description="null without chunks")
    memory_bytes_per_chunk: float | None = Field(description="null without chunks")
    recall_at_10: float = Field(
        description=f"share of the {RECALL_DEPTH} nearest that a search of all chunks finds with the store's live "
        "settings, beside comparing every vector: measured with 64 of each segment's own vectors as questions, mean of "
        "the segments by their chunks; 1 for an exact store, and in segments so small that nothing is approximated"
    )


def figures_of(store: Store, segment_folders: Sequence[Path]) -> StoreFigures:
    """Return the figures of a store with its live settings; raises UnavailableError where a segment is unreadable."""
    kind = store.kind_of_class()
    locations = [folder / kind for folder in segment_folders]
    chunks = [store.open(location).rows for location in locations]
    total = sum(chunks)
    disk = sum(store.disk_bytes(location) for location in locations)
    memory = sum(store.memory_bytes(location) for location in locations)
    found = sum(_recall(location, store) * rows for location, rows in zip(locations, chunks, strict=True))
    return StoreFigures(
        kind=kind,
        is_exact=store.is_exact,
        chunks=total,
        disk_bytes=disk,
        memory_bytes=memory,
        disk_bytes_per_chunk=disk / total if total else None,
        memory_bytes_per_chunk=memory / total if total else None,
        recall_at_10=found / total if total else 1.0,
    )


@lru_cache(maxsize=1_024)
def _recall(location: Path, store: Store) -> float:
    """Return the measured recall of a segment, once: a segment never changes, and another has another folder."""
    return store.recall(location)
