"""Tokens of places, by the text of the passages that hold them."""

from __future__ import annotations

from hypothesis import given

from app.evaluation.metrics import Judged
from app.evaluation.metrics.context_text import count_tokens_at
from app.evaluation.outcome import Gold
from app.evaluation.span_metrics import TokenMeter
from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import Spans, answer
from tests.app.evaluation.spans import characters, place, places, rankings


def tokens(where: Spans, ranked: Spans) -> int:
    judged = Judged(outcome=answer(ranked), gold=Gold(labels=()), meter=TokenMeter())
    return count_tokens_at([one if isinstance(one, VersionSpan) else place(*one) for one in where], judged)


def test_a_place_within_one_passage() -> None:
    assert tokens([(20, 40)], [(0, 100)]) == 10


def test_a_place_across_passages_that_overlap_counts_each_character_once() -> None:
    assert tokens([(20, 60)], [(30, 50), (0, 40), (44, 100)]) == 20


def test_a_place_that_holds_passages_counts_what_they_hold() -> None:
    assert tokens([(0, 100)], [(60, 80), (10, 20)]) == 15


def test_passages_of_other_versions_hold_nothing_of_it() -> None:
    assert tokens([(0, 100)], [place(0, 100, "w")]) == 0


def test_every_place_counts_on_its_own() -> None:
    assert tokens([(0, 10), (0, 10), place(0, 4, "w")], [(0, 10), place(0, 10, "w")]) == 5 + 5 + 2


def test_no_places_have_no_tokens() -> None:
    assert tokens([], [(0, 10)]) == 0


@given(places(), rankings())
def test_it_counts_the_letters_that_passages_hold(where: VersionSpan, ranked: list[VersionSpan]) -> None:
    held = characters([where]) & characters(ranked)
    assert tokens([where], ranked) == sum(offset % 2 == 0 for _, offset in held)
