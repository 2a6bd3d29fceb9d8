"""The family of rerankers: another order of the best hits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from pydantic import Field

from app.context.search.contents import HitContents
from configs.part import LIVE, Part, import_members
from indexes.search import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """A new order of the first hits: `order` holds their old places from 0, each once; `details` belong to the hits in
    their old order. `totals` are of the whole call, for receipts.
    """

    order: Sequence[int]
    details: Sequence[Mapping[str, int | float]]
    totals: Mapping[str, int | float] = field(default_factory=dict)


class Reranker(Part):
    """Orders the best hits anew; hits beyond its depth stay behind them in their order.

    Promises: returns a permutation of the hits it was given, or of as many of the first ones as it reached; reads only
    those; equal input gives an equal order unless a time budget ends it early, and then says how deep it went. The
    score of a hit after it is that of the place it takes, so that scores keep falling with the rank; what the reranker
    itself made of a hit stands in its step.
    """

    depth: int = Field(
        50, ge=2, le=1_000, description="how many of the best hits are reranked; at most `candidates`",
        json_schema_extra=LIVE,
    )  # fmt: skip

    def as_deep_as(self, reached: int) -> Self:  # noqa: ARG002  # only a time budget ends a reranking early
        """Return the reranker as it acts again where it once reached so many hits."""
        return self

    @abstractmethod
    def rerank(self, question: str, hits: Sequence[Hit], contents: HitContents) -> Reranked:
        """Return the order of `hits`, which come best first, at most `depth` of them."""


import_members(__name__, __path__)
