"""Detectable differences and further questions: the published factors, worked examples, what they grow with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.evaluation.statistics.power import detectable, more_to_detect, more_to_show_equivalence


def test_one_comparison_takes_2_80_standard_errors() -> None:
    assert detectable(np.array([1.0, 0.5, 0.0]), 0.05) == pytest.approx([2.8016, 1.4008, 0.0], abs=1e-4)


def test_a_family_takes_more() -> None:
    assert detectable(np.array([1.0]), 0.05, 10) == pytest.approx([2.8070 + 0.8416], abs=1e-4)
    assert detectable(np.array([1.0]), 0.0304) > detectable(np.array([1.0]), 0.05)


@pytest.mark.parametrize(("margin", "needed"), [(0.05, 283), (0.03, 785), (0.02, 1_766)])
def test_questions_to_detect_by_hand(margin: float, needed: int) -> None:
    error = 0.3 / math.sqrt(50)
    assert more_to_detect(error, 50, margin, 0.05, 1) == needed - 50


def test_questions_to_show_equivalence_by_hand() -> None:
    expected = math.ceil((2.9264 * 0.3 / 0.02) ** 2) - 50
    assert more_to_show_equivalence(0.3 / math.sqrt(50), 50, 0.02) == pytest.approx(expected, abs=1)


def test_no_more_are_needed_where_there_are_enough() -> None:
    assert more_to_detect(0.001, 500, 0.02, 0.05, 1) == 0
    assert more_to_show_equivalence(0.0, 10, 0.02) == 0


def test_one_cluster_tells_nothing() -> None:
    assert more_to_detect(math.inf, 50, 0.02, 0.05, 3) is None
    assert more_to_show_equivalence(math.inf, 50, 0.02) is None


def test_a_larger_family_needs_more_questions() -> None:
    needs = [more_to_detect(0.02, 100, 0.02, 0.05, comparisons) for comparisons in (1, 10, 300)]
    assert None not in needs
    assert needs == sorted(set(needs), key=needs.index)
    assert needs[0] < needs[1] < needs[2]  # type: ignore[operator]  # none of them is None here
