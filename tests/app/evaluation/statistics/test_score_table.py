"""Score tables: what fits together, what is refused, and an order of their own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from app.evaluation.statistics.score_table import ScoreTable, numbered
from configs.errors import InvalidInputError
from tests.app.evaluation.statistics.tables import table_of

TABLE = table_of(np.array([[0.0, 0.5, 1.0], [1.0, 0.25, 0.0]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategies": ("a",)}, "strategies and questions"),
        ({"strategies": ("a", "a")}, "stands twice"),
        ({"questions": ("q", "q", "r")}, "stands twice"),
        ({"failed": np.zeros((2, 2), dtype=np.bool_)}, "flags"),
        ({"failed": np.ones((2, 3), dtype=np.bool_)}, "scores 0"),
        ({"clusters": np.array([0, 2, 2])}, "without a gap"),
        ({"clusters": np.array([-1, 0, 1])}, "without a gap"),
        ({"clusters": np.array([0, 1])}, "without a gap"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TABLE, **change)


def test_a_table_without_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="strategies and questions"):
        table_of(np.zeros((2, 0)))


@pytest.mark.parametrize("score", [1.5, -0.1, float("nan"), float("inf")])
def test_a_score_out_of_range_is_refused_with_its_value(score: float) -> None:
    with pytest.raises(InvalidInputError, match=str(score)) as caught:
        table_of(np.array([[0.5, score]]))
    assert caught.value.code == "metric_out_of_range"
    assert caught.value.hint


def test_questions_are_put_in_the_order_of_their_ids() -> None:
    table = ScoreTable(
        strategies=("a",),
        questions=("z", "x", "y"),
        scores=np.array([[0.1, 0.0, 0.3]]),
        failed=np.array([[False, True, False]]),
        clusters=np.array([0, 1, 0]),
    ).in_order()
    assert table.questions == ("x", "y", "z")
    assert table.scores.tolist() == [[0.0, 0.3, 0.1]]
    assert table.failed.tolist() == [[True, False, False]]
    assert table.clusters.tolist() == [0, 1, 1]


def test_names_are_numbered_by_first_appearance() -> None:
    assert numbered(["b", 3, "b", "a", 3]).tolist() == [0, 1, 0, 2, 1]
    assert numbered([]).tolist() == []
