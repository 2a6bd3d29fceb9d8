"""Abstention against hand-computed examples and a count over all pairs of questions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.abstention import Flags, Signals, abstention_at, abstention_auroc, abstention_curve

FEW_VALUES = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 0.75, 2.0])
"""Few, so that signals tie."""
QUESTIONS = st.lists(st.tuples(FEW_VALUES, st.booleans()), max_size=12)


def arrays(questions: list[tuple[float, bool]]) -> tuple[Signals, Flags]:
    """Return signals and whether each question is answerable."""
    signals = np.array([signal for signal, _ in questions], dtype=np.float64)
    return signals, np.array([is_answerable for _, is_answerable in questions], dtype=np.bool_)


@given(QUESTIONS)
def test_auroc_is_the_share_of_pairs_in_order(questions: list[tuple[float, bool]]) -> None:
    answerable = [signal for signal, is_answerable in questions if is_answerable]
    unanswerable = [signal for signal, is_answerable in questions if not is_answerable]
    won = [(one > other) + (one == other) / 2 for one in answerable for other in unanswerable]
    found = abstention_auroc(*arrays(questions))
    assert found == (pytest.approx(sum(won) / len(won)) if won else None)


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ([(3.0, True), (2.0, True), (1.0, False)], 1.0),
        ([(3.0, False), (2.0, True), (1.0, True)], 0.0),
        ([(1.0, True), (1.0, False), (1.0, True)], 0.5),
        ([(3.0, True), (2.0, False), (1.0, True), (1.0, False)], (2 + 0.5) / 4),
    ],
)
def test_auroc_by_hand(questions: list[tuple[float, bool]], expected: float) -> None:
    assert abstention_auroc(*arrays(questions)) == pytest.approx(expected)


@given(QUESTIONS)
def test_swapping_the_kinds_mirrors_auroc(questions: list[tuple[float, bool]]) -> None:
    signals, is_answerable = arrays(questions)
    one, other = abstention_auroc(signals, is_answerable), abstention_auroc(signals, ~is_answerable)
    assert (one is None) == (other is None)
    assert one is None or other is None or one + other == pytest.approx(1.0)


def test_permuted_labels_give_about_one_half() -> None:
    random = np.random.default_rng(5)
    signals, is_answerable = random.normal(size=4_000), np.arange(4_000) < 2_500
    assert (abstention_auroc(signals + 2 * is_answerable, is_answerable) or 0.0) > 0.9
    assert abstention_auroc(signals, random.permutation(is_answerable)) == pytest.approx(0.5, abs=0.03)


def test_a_threshold_by_hand() -> None:
    signals, is_answerable = arrays([(0.9, True), (0.5, True), (0.4, True), (0.6, False), (0.2, False)])
    found = abstention_at(0.5, signals, is_answerable)
    assert (found.threshold, found.answerable, found.unanswerable) == (0.5, 3, 2)
    assert (found.false_answers, found.false_refusals) == (1, 1)


@given(QUESTIONS, FEW_VALUES)
def test_a_threshold_counts_each_question(questions: list[tuple[float, bool]], threshold: float) -> None:
    found = abstention_at(threshold, *arrays(questions))
    assert found.false_answers == sum(signal >= threshold and not right for signal, right in questions)
    assert found.false_refusals == sum(signal < threshold and right for signal, right in questions)
    assert found.answerable + found.unanswerable == len(questions)


def test_what_is_no_number_is_refused() -> None:
    signals, is_answerable = arrays([(np.nan, True), (1.0, False)])
    with pytest.raises(ValueError, match="a signal is not a number"):
        abstention_auroc(signals, is_answerable)
    with pytest.raises(ValueError, match="the threshold is not a number"):
        abstention_at(np.nan, signals[1:], is_answerable[1:])
    with pytest.raises(ValueError, match="one signal for each question"):
        abstention_at(0.5, signals, is_answerable[1:])


@given(questions=QUESTIONS, share=st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.5, 1.0]))
def test_the_curve_takes_the_highest_threshold_that_refuses_no_more(
    questions: list[tuple[float, bool]], share: float
) -> None:
    signals, is_answerable = arrays(questions)
    found = abstention_curve(signals, is_answerable, [share])
    if is_answerable.all() or not is_answerable.any():
        assert found == []
        return
    allowed = [
        one
        for threshold in set(signals[is_answerable].tolist())
        if (one := abstention_at(threshold, signals, is_answerable)).false_refusals <= share * is_answerable.sum()
    ]
    assert found == [max(allowed, key=lambda one: -np.inf if one.threshold is None else one.threshold)]


def test_a_curve_by_hand() -> None:
    signals, is_answerable = arrays([(4.0, True), (3.0, True), (2.5, False), (2.0, True), (1.0, True), (0.5, False)])
    found = abstention_curve(signals, is_answerable, [0.0, 0.1, 0.25, 0.5])
    assert [(one.threshold, one.false_answers, one.false_refusals) for one in found] == [
        (1, 1, 0),
        (2, 1, 1),
        (3, 0, 2),
    ]
