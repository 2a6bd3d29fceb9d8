"""Which strategies no other makes pointless: quality against cost, tokens and latency, with all their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.analysis import Analysis
from app.evaluation.statistics.score_table import Flags

QUALITY = "quality"


class Range(BaseModel):
    """What a resource takes: an interval, or twice the same number where it is known."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float


class Dominance(BaseModel):
    """One strategy is as good as another or nearly so, takes no more, and is surely ahead in something."""

    model_config = ConfigDict(frozen=True)

    by: str
    over: str
    surely_better_in: list[str] = Field(description="`quality`, or names of resources")


class ParetoFront(BaseModel):
    """What is worth choosing from."""

    model_config = ConfigDict(frozen=True)

    labels: list[str] = Field(description="strategies that no other dominates, in the analysis' order")
    dominances: list[Dominance]


def pareto_front(
    analysis: Analysis, resources: Mapping[str, Mapping[str, Range]], loss_tolerance: float = 0.05
) -> ParetoFront:
    """Return the front over an analysis; `resources` are by strategy, then by name (cost, tokens, p95), less is better.

    A dominates B where A is better or equivalent, or loses at most the tolerance against B; no resource of A lies
    above B's interval; and A is better or lies below B's interval in one resource. A resource that one of the two
    lacks decides against dominance. Strategies that dominate each other round a circle all stay.
    """
    labels = [score.label for score in analysis.strategies]
    verdicts = {(pair.first, pair.second): pair.verdict for pair in analysis.pairs}
    dominances = []
    for one, other in permutations(labels, 2):
        is_better = verdicts.get((one, other)) == "better" or verdicts.get((other, one)) == "worse"
        is_equivalent = "equivalent" in (verdicts.get((one, other)), verdicts.get((other, one)))
        if not (is_better or is_equivalent or analysis.loss_bounds[one][other] <= loss_tolerance):
            continue
        less = _surely_less(resources.get(one, {}), resources.get(other, {}))
        ahead = [QUALITY] * is_better + (less or [])
        if less is not None and ahead:
            dominances.append(Dominance(by=one, over=other, surely_better_in=ahead))
    return ParetoFront(labels=_undominated(labels, dominances), dominances=dominances)


def _surely_less(mine: Mapping[str, Range], theirs: Mapping[str, Range]) -> list[str] | None:
    """Return the resources of which surely less is taken, None where one takes surely more or is not known."""
    if set(mine) != set(theirs) or any(mine[name].low > theirs[name].high for name in mine):
        return None
    return [name for name in mine if mine[name].high < theirs[name].low]


def _undominated(labels: list[str], dominances: list[Dominance]) -> list[str]:
    number = {label: place for place, label in enumerate(labels)}
    reaches: Flags = np.zeros((len(labels), len(labels)), dtype=np.bool_)
    for one in dominances:
        reaches[number[one.by], number[one.over]] = True
    for middle in range(len(labels)):
        reaches |= reaches[:, middle, np.newaxis] & reaches[middle]
    is_dominated = np.asarray((reaches & ~reaches.T).any(axis=0))
    return [label for label in labels if not is_dominated[number[label]]]
