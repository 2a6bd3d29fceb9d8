"""Totals by cluster: sums, means over questions, standard errors against formulas and a drawn bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.statistics.cluster_totals import cluster_totals

VALUES = np.array([[1.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.0, 0.25]])
CLUSTERS = np.array([1, 0, 1, 0])


def test_totals_by_hand() -> None:
    totals = cluster_totals(VALUES, CLUSTERS)
    assert totals.sums.tolist() == [[1.0, 1.5], [0.25, 0.0]]
    assert totals.sizes.tolist() == [2.0, 2.0]
    assert totals.means.tolist() == [0.625, 0.0625]
    assert totals.non_zero.tolist() == [2, 1]
    assert (totals.questions, totals.clusters) == (4, 2)


def test_every_question_counts_the_same_whatever_its_cluster() -> None:
    values = np.random.default_rng(3).random((3, 50))
    clusters = np.minimum(np.arange(50) // 7, 4)
    assert cluster_totals(values, clusters).means == pytest.approx(values.mean(axis=1))


def test_values_that_cancel_in_a_cluster_are_exactly_zero() -> None:
    totals = cluster_totals(np.array([[0.1, 0.2, -0.3]]), np.array([0, 0, 0]))
    assert totals.non_zero.tolist() == [0]


def test_the_standard_error_of_single_questions_is_the_usual_one() -> None:
    values = np.random.default_rng(4).random((2, 30))
    found = cluster_totals(values, np.arange(30)).standard_errors
    assert found == pytest.approx(values.std(axis=1, ddof=1) / np.sqrt(30))


def test_the_standard_error_of_clusters_is_that_of_drawn_clusters() -> None:
    random = np.random.default_rng(5)
    clusters = np.repeat(np.arange(200), random.integers(1, 6, 200))
    values = random.normal(0, 1, 200)[clusters] + random.normal(0, 0.5, len(clusters))
    totals = cluster_totals(values[np.newaxis], clusters)
    drawn = random.integers(0, 200, (4_000, 200))
    means = totals.sums[0][drawn].sum(axis=1) / totals.sizes[drawn].sum(axis=1)
    assert totals.standard_errors[0] == pytest.approx(means.std(), rel=0.05)


def test_a_single_cluster_tells_nothing_of_the_spread() -> None:
    assert cluster_totals(VALUES, np.zeros(4, dtype=np.int64)).standard_errors.tolist() == [np.inf, np.inf]


def test_equal_values_have_no_spread() -> None:
    assert cluster_totals(np.full((1, 7), 0.1), np.arange(7) // 2).standard_errors.tolist() == [0.0]


def test_differences_and_rows() -> None:
    totals = cluster_totals(VALUES, CLUSTERS)
    assert totals.differences(np.array([0, 1]), np.array([1, 0])).sums.tolist() == [[0.75, 1.5], [-0.75, -1.5]]
    assert totals.rows(np.array([1])).sums.tolist() == [[0.25, 0.0]]
