"""How much of a context repeats itself, by hand and by sets of characters."""

from __future__ import annotations

import pytest
from hypothesis import given

from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import Spans, metric, score_sent, whole
from tests.app.evaluation.spans import characters, place, rankings

REDUNDANCY = metric("redundancy")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 20)], 0.0),
        ([(0, 20), (20, 40)], 0.0),
        ([(0, 20), (0, 20)], 0.5),
        ([(0, 20), (10, 30)], 1 - 30 / 40),
        ([(0, 20), place(0, 20, "w")], 0.0),
        ([(0, 40), (10, 20), (10, 20)], 1 - 40 / 60),
        ([(5, 5)], 0.0),
        ([], 0.0),
    ],
)
def test_a_place_that_is_sent_again_is_redundant(spans: Spans, expected: float) -> None:
    assert score_sent(REDUNDANCY, spans, whole()) == pytest.approx(expected)


@given(rankings(smallest=1))
def test_it_equals_what_sets_of_characters_say(spans: list[VersionSpan]) -> None:
    length = sum(map(len, spans))
    expected = 1 - len(characters(spans)) / length if length else 0.0
    assert score_sent(REDUNDANCY, spans, whole()) == expected


def test_it_describes_and_does_not_decide() -> None:
    assert not REDUNDANCY.can_decide
    assert (REDUNDANCY.reads, REDUNDANCY.budgets_tokens) == ("context", (1_000,))
