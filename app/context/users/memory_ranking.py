"""Which memories fit a question: recency, importance and relevance, added up with weights.

After Park et al., Generative Agents (UIST 2023): recency is the factor 0.995 for each hour since the memory was last
used, importance a tenth of its mark, relevance the cosine to the question. Only memories that were sent count as used,
which is the caller's part: else what ranks high would stay high for having ranked high.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from app.context.users.known import Memory, MemoryKind
from configs.part import LIVE
from indexes.ranking import rounded

Floats = npt.NDArray[np.float64]

KINDS: tuple[MemoryKind, ...] = ("semantic", "episodic", "procedural")
MOST_IMPORTANT = 10

_KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_HOUR = 3_600.0
_SMALLEST_SPREAD = 1e-9


class MemoryWeights(BaseModel):
    """How much each side of a memory weighs, and how fast it fades."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recency: float = Field(
        1.0, ge=0, le=100, allow_inf_nan=False, description="weight of how lately it was used", json_schema_extra=LIVE
    )
    importance: float = Field(
        1.0, ge=0, le=100, allow_inf_nan=False, description="weight of its mark from 1 to 10", json_schema_extra=LIVE
    )
    relevance: float = Field(
        1.0,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="weight of how well it fits the question",
        json_schema_extra=LIVE,
    )
    semantic_hourly_decay: float = Field(
        0.9995,
        gt=0,
        le=1,
        description="factor for each hour since a semantic memory was used: what is generally so; 0.9995 halves in 58 "
        "days, 1 never fades",
        json_schema_extra=LIVE,
    )
    episodic_hourly_decay: float = Field(
        0.995,
        gt=0,
        le=1,
        description="factor for each hour since an episodic memory was used: what happened; 0.995 halves in 138 hours",
        json_schema_extra=LIVE,
    )
    procedural_hourly_decay: float = Field(
        0.9995,
        gt=0,
        le=1,
        description="factor for each hour since a procedural memory was used: how something is done",
        json_schema_extra=LIVE,
    )
    scale: Literal["candidates", "absolute"] = Field(
        "candidates",
        description="`candidates`: the candidates' recency and relevance are stretched to 0 to 1, so that small "
        "differences decide where there are no large ones; `absolute`: factor and cosine count as they are",
        json_schema_extra=LIVE,
    )

    @property
    def decays(self) -> tuple[float, ...]:
        """Return the hourly factors in the order of KINDS."""
        return self.semantic_hourly_decay, self.episodic_hourly_decay, self.procedural_hourly_decay


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryColumns:
    """What ranking asks of memories, in their order: numbers, and `text_hashes`, the SHA-256 of each text."""

    memories: tuple[Memory, ...]
    ids: tuple[str, ...]
    id_places: npt.NDArray[np.int64]
    """Where each id stands among all of them in order: what breaks ties."""
    text_hashes: tuple[str, ...]
    used_seconds: Floats
    kinds: npt.NDArray[np.int64]
    marks: Floats

    def __len__(self) -> int:
        return len(self.memories)

    def used_anew(self, memories: tuple[Memory, ...]) -> MemoryColumns | None:
        """Return the columns of memories that differ from these in their last use alone, else None."""
        if len(memories) != len(self.memories):
            return None
        used_seconds = self.used_seconds.copy()
        for number, (before, after) in enumerate(zip(self.memories, memories, strict=True)):
            if before is not after:
                if replace(before, last_used_at=after.last_used_at) != after:
                    return None
                used_seconds[number] = _seconds(after.last_used_at)
        return replace(self, memories=memories, used_seconds=used_seconds)


def columns_of(memories: Sequence[Memory]) -> MemoryColumns:
    """Return the memories as columns; they stay true as long as the memories do, whatever is asked and when."""
    ids = tuple([memory.id for memory in memories])
    return MemoryColumns(
        memories=tuple(memories),
        ids=ids,
        id_places=np.argsort(np.argsort(np.array(ids, np.str_))),
        text_hashes=tuple([hashlib.sha256(memory.text.encode()).hexdigest() for memory in memories]),
        used_seconds=np.array([_seconds(memory.last_used_at) for memory in memories], np.float64),
        kinds=np.array([_KIND_NUMBERS[memory.kind] for memory in memories], np.int64),
        marks=np.array([memory.importance for memory in memories], np.float64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryScore:
    """Why a memory stands where it does: `score` is the weighted sum of the three parts, each from 0 to 1.

    `rank` counts from 1, `position` is the memory's place among those given; `decay` and `cosine` are what recency and
    relevance were made from.
    """

    memory_id: str
    position: int
    rank: int
    score: float
    recency: float
    importance: float
    relevance: float
    decay: float
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRanking:
    """The scores of memories in the order given, and `order`: their positions, best first."""

    memory_ids: tuple[str, ...]
    order: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    recency: Floats
    importance: Floats
    relevance: Floats
    decay: Floats
    cosine: Floats

    def best(self, count: int | None = None) -> tuple[MemoryScore, ...]:
        """Return the best `count` with the parts of their scores, best first; all where None."""
        chosen = self.order[:count]
        parts = (self.scores, self.recency, self.importance, self.relevance, self.decay, self.cosine)
        rows = zip(chosen.tolist(), *(part[chosen].tolist() for part in parts), strict=True)
        return tuple(
            [
                MemoryScore(
                    memory_id=self.memory_ids[position], position=position, rank=rank, score=score, recency=recency,
                    importance=importance, relevance=relevance, decay=decay, cosine=cosine,
                )
                for rank, (position, score, recency, importance, relevance, decay, cosine) in enumerate(rows, start=1)
            ]
        )  # fmt: skip


def rank_memories(
    memories: Sequence[Memory] | MemoryColumns,
    relevance: npt.NDArray[np.float32],
    at: datetime,
    weights: MemoryWeights,
) -> MemoryRanking:
    """Return the memories ranked for a question asked `at` a moment; `relevance` holds each one's cosine to it.

    What was last used after `at` counts as used then. Where all candidates are alike in recency or relevance, that part
    is 0.5 for each. Ties are broken by later use, then by id. Raises ValueError where lengths differ or a cosine is not
    finite.
    """
    if relevance.shape != (len(memories),) or not np.isfinite(relevance).all():
        raise ValueError(f"{len(memories)} memories need as many finite cosines, got shape {relevance.shape}")
    columns = memories if isinstance(memories, MemoryColumns) else columns_of(memories)
    hours = np.maximum(0.0, _seconds(at) - columns.used_seconds) / _SECONDS_PER_HOUR
    decay = np.asarray(weights.decays)[columns.kinds] ** hours
    cosine = relevance.astype(np.float64)
    recency, similarity = (
        (_stretched(decay), _stretched(cosine)) if weights.scale == "candidates" else (decay, np.clip(cosine, 0.0, 1.0))
    )
    importance = columns.marks / MOST_IMPORTANT
    scores = rounded(weights.recency * recency + weights.importance * importance + weights.relevance * similarity)
    return MemoryRanking(
        memory_ids=columns.ids,
        order=np.lexsort((columns.id_places, -columns.used_seconds, -scores)),
        scores=scores,
        recency=recency,
        importance=importance,
        relevance=similarity,
        decay=decay,
        cosine=cosine,
    )


def _seconds(moment: datetime) -> float:
    return (moment - _EPOCH).total_seconds()


def _stretched(values: Floats) -> Floats:
    """Return the values mapped to 0 to 1; 0.5 where all are equal."""
    if not len(values):
        return values
    lowest, spread = values.min(), np.ptp(values)
    return (values - lowest) / spread if spread > _SMALLEST_SPREAD else np.full(len(values), 0.5)
