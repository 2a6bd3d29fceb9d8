"""The family of query expansions: a better question out of the question and what it found first."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.context.search.contents import HitContents
from configs.part import Part, import_members
from indexes.search import Hit
from indexes.stores import Query, Store

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSearch:
    """What the question found as it was asked, best first: permitted and filtered like every search.

    `encode` returns the vector of another wording, None where the setup has no embedder.
    """

    query: Query
    hits: Sequence[Hit]
    stores: Sequence[Store]
    contents: HitContents
    encode: Callable[[str], Vector | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """The questions to search with, by name; one of them may be the question as it was asked.

    The hits of several are fused by reciprocal rank with `rank_constant`. `details` are numbers for receipts; `terms`
    are what was added out of documents, with weights: for whoever asked, never kept.
    """

    queries: Mapping[str, Query]
    rank_constant: int = 60
    details: Mapping[str, int | float] = field(default_factory=dict)
    terms: Sequence[tuple[str, float]] = ()


class QueryExpansion(Part):
    """Searches again with a question that was made without a language model.

    Promises: reads only what the first search found, which the principal may see; returns at least one question; where
    it changes nothing the question is the very object of the first search, and the hits keep their order; the same
    input gives the same questions. Costs a second search for each new question.
    """

    def check_setup(self, signals: Sequence[str], candidates: int) -> None:  # some work with any
        """Raise ValueError where a setup with stores of these signals and so many candidates lacks what the expansion
        needs, or cannot honour one of its settings.
        """

    @abstractmethod
    def expand(self, first: FirstSearch) -> Expanded:
        """Return the questions to search with."""


import_members(__name__, __path__)
