"""The Pareto front: what quality allows, what overlapping intervals forbid, missing resources, circles."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.statistics.analysis import Analysis, analyse
from app.evaluation.statistics.pareto import QUALITY, Range, pareto_front
from tests.app.evaluation.statistics.tables import PLAN, table_of


def analysis_of(*means: float) -> Analysis:
    random = np.random.default_rng(4)
    base = random.uniform(-0.1, 0.1, 400)
    own = random.uniform(-0.04, 0.04, (len(means), 400))
    return analyse(table_of(base + own + np.array(means)[:, np.newaxis]), PLAN)


ALIKE, APART = analysis_of(0.5, 0.5), analysis_of(0.7, 0.3)


def takes(**resources: tuple[float, float]) -> dict[str, Range]:
    return {name: Range(low=low, high=high) for name, (low, high) in resources.items()}


def test_the_better_one_dominates_at_the_same_cost() -> None:
    front = pareto_front(APART, {"a": takes(cost=(1, 1)), "b": takes(cost=(1, 1))})
    assert front.labels == ["a"]
    assert [(one.by, one.over, one.surely_better_in) for one in front.dominances] == [("a", "b", [QUALITY])]


def test_the_worse_one_stays_where_it_is_cheaper() -> None:
    front = pareto_front(APART, {"a": takes(cost=(2, 2)), "b": takes(cost=(1, 1))})
    assert front.labels == ["a", "b"]
    assert front.dominances == []


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ({"cost": (1, 1)}, {"cost": (2, 2)}, ["a"]),
        ({"cost": (2, 2)}, {"cost": (1, 1)}, ["b"]),
        ({"cost": (1, 1)}, {"cost": (1, 1)}, ["a", "b"]),
        ({"p95": (1, 3)}, {"p95": (2, 4)}, ["a", "b"]),
        ({"p95": (1, 2)}, {"p95": (2, 4)}, ["a", "b"]),
        ({"cost": (1, 1), "p95": (1, 3)}, {"cost": (2, 2), "p95": (2, 4)}, ["a"]),
        ({"cost": (1, 1), "p95": (5, 6)}, {"cost": (2, 2), "p95": (2, 4)}, ["a", "b"]),
        ({"cost": (1, 1), "p95": (3, 6)}, {"cost": (2, 2), "p95": (2, 4)}, ["a"]),
        ({"cost": (1, 1)}, {"cost": (2, 2), "p95": (2, 4)}, ["a", "b"]),
        ({}, {}, ["a", "b"]),
    ],
)
def test_strategies_of_like_quality(
    first: dict[str, tuple[float, float]], second: dict[str, tuple[float, float]], labels: list[str]
) -> None:
    assert ALIKE.pairs[0].verdict == "equivalent"
    assert pareto_front(ALIKE, {"a": takes(**first), "b": takes(**second)}).labels == labels


def test_a_small_loss_is_within_the_bound_and_a_large_one_is_not() -> None:
    analysis = analysis_of(0.5, 0.53)
    resources = {"a": takes(cost=(1, 1)), "b": takes(cost=(2, 2))}
    assert analysis.pairs[0].verdict == "worse"
    assert pareto_front(analysis, resources, loss_tolerance=0.06).labels == ["a"]
    assert pareto_front(analysis, resources, loss_tolerance=0.03).labels == ["a", "b"]


def test_a_circle_of_dominance_empties_no_front() -> None:
    resources = {
        "a": takes(cost=(1, 1), tokens=(1, 9), p95=(1, 9)),
        "b": takes(cost=(2, 9), tokens=(1, 1), p95=(1, 9)),
        "c": takes(cost=(1, 9), tokens=(2, 9), p95=(1, 1)),
    }
    resources["a"]["p95"] = Range(low=1.5, high=9)
    resources["c"]["p95"] = Range(low=1, high=1.2)
    front = pareto_front(analysis_of(0.5, 0.5, 0.5), resources)
    assert {(one.by, one.over) for one in front.dominances} >= {("a", "b"), ("b", "c")}
    assert front.labels
