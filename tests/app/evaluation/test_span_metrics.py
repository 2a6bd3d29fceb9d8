"""Span recall and precision against hand-computed examples and sets of characters; the budget cuts where it says."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.span_metrics import (
    TOKENIZER,
    SentText,
    TokenMeter,
    cut_at_budget,
    shared_characters,
    span_precision,
    span_recall,
)
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens
from tests.app.evaluation.spans import characters, place, places, rankings

GOLD = st.lists(places(smallest=1), min_size=1, max_size=5)
WORDS = ["one", "two", "three", "four", "five", "bear", "city", "river"]
"""Each is a single token of the shipped tokenizer."""


@pytest.mark.parametrize(
    ("sent", "recall", "precision"),
    [
        ([(900, 1100), (1100, 1500)], 1.0, 200 / 600),
        ([(900, 1100)], 0.5, 0.5),
        ([(1000, 1200)], 1.0, 1.0),
        ([(1050, 1100)], 0.25, 1.0),
        ([(1000, 1200), (1000, 1200)], 1.0, 0.5),
        ([(900, 1100), (1000, 1200)], 1.0, 0.5),
        ([(800, 1000), (1200, 1300)], 0.0, 0.0),
        ([], 0.0, 0.0),
    ],
)
def test_one_marked_span_by_hand(sent: list[tuple[int, int]], recall: float, precision: float) -> None:
    gold, spans = [place(1000, 1200)], [place(*one) for one in sent]
    assert span_recall(gold, spans) == pytest.approx(recall)
    assert span_precision(gold, spans) == pytest.approx(precision)


def test_two_marked_spans_by_hand() -> None:
    gold = [place(0, 30), place(100, 110, "w")]
    sent = [place(20, 60), place(95, 105, "w"), place(0, 10, "x")]
    assert shared_characters(gold, sent) == 10 + 5
    assert span_recall(gold, sent) == pytest.approx(15 / 40)
    assert span_precision(gold, sent) == pytest.approx(15 / 60)


def test_gold_that_is_marked_twice_counts_once() -> None:
    gold = [place(0, 20), place(10, 30), place(0, 20)]
    assert span_recall(gold, [place(0, 15)]) == pytest.approx(15 / 30)


def test_the_same_offsets_of_another_version_share_nothing() -> None:
    assert span_recall([place(0, 20)], [place(0, 20, "w")]) == 0.0


@given(GOLD, rankings())
def test_both_equal_what_sets_of_characters_say(gold: list[VersionSpan], sent: list[VersionSpan]) -> None:
    wanted, found = characters(gold), characters(sent)
    length = sum(len(one) for one in sent)
    assert shared_characters(gold, sent) == len(wanted & found)
    assert span_recall(gold, sent) == len(wanted & found) / len(wanted)
    assert span_precision(gold, sent) == (len(wanted & found) / length if length else 0.0)


@given(GOLD, rankings())
def test_both_lie_between_0_and_1(gold: list[VersionSpan], sent: list[VersionSpan]) -> None:
    assert 0.0 <= span_recall(gold, sent) <= 1.0
    assert 0.0 <= span_precision(gold, sent) <= 1.0


@given(GOLD, rankings(), places())
def test_more_text_never_lowers_recall(gold: list[VersionSpan], sent: list[VersionSpan], more: VersionSpan) -> None:
    assert span_recall(gold, [*sent, more]) >= span_recall(gold, sent)


@given(GOLD, st.lists(places(smallest=1), min_size=1, max_size=8), st.data())
def test_a_duplicate_costs_precision_and_not_recall(
    gold: list[VersionSpan], sent: list[VersionSpan], data: st.DataObject
) -> None:
    twice = [*sent, data.draw(st.sampled_from(sent))]
    assert span_recall(gold, twice) == span_recall(gold, sent)
    if span_precision(gold, sent):
        assert span_precision(gold, twice) < span_precision(gold, sent)


@given(places(smallest=1), st.integers(1, 30))
def test_touching_spans_share_nothing(gold: VersionSpan, length: int) -> None:
    after = VersionSpan(gold.version_id, Span(gold.span.end, gold.span.end + length))
    before = VersionSpan(gold.version_id, Span(max(0, gold.span.start - length), gold.span.start))
    assert shared_characters([gold], [before, after]) == 0
    assert span_recall([gold], [before, after]) == 0.0


@given(GOLD, rankings(), st.randoms(use_true_random=False))
def test_order_does_not_matter_to_what_was_sent(
    gold: list[VersionSpan], sent: list[VersionSpan], random: Random
) -> None:
    shuffled = sorted(sent, key=lambda _: random.random())
    assert span_recall(gold, shuffled) == span_recall(gold, sent)
    assert span_precision(gold, shuffled) == span_precision(gold, sent)


def text_of(number: int, words: int) -> tuple[VersionSpan, str]:
    """Return a passage of so many words, all of different versions."""
    text = " ".join((WORDS * words)[:words])
    return place(7, 7 + len(text), f"v{number}"), text


@pytest.mark.parametrize(
    ("budget_tokens", "spans", "tokens"),
    [
        (16, [(0, 13), (20, 34)], 6),
        (6, [(0, 13), (20, 34)], 6),
        (5, [(0, 13), (20, 29)], 5),
        (4, [(0, 13), (20, 24)], 4),
        (3, [(0, 13)], 3),
        (2, [(0, 7)], 2),
        (1, [(0, 3)], 1),
        (0, [], 0),
    ],
)
def test_the_last_text_is_cut_by_hand(budget_tokens: int, spans: list[tuple[int, int]], tokens: int) -> None:
    ranked = [(place(0, 13), "one two three"), (place(20, 34), "four five city")]
    expected = SentText(tuple(place(*span) for span in spans), tokens)
    assert cut_at_budget(ranked, budget_tokens, TokenMeter()) == expected


def test_nothing_follows_a_text_that_was_cut() -> None:
    ranked = [text_of(1, 3), text_of(2, 10), text_of(3, 1)]
    sent = cut_at_budget(ranked, 5, TokenMeter())
    assert [one.version_id for one in sent.spans] == ["v1", "v2"]


def test_text_that_is_sent_twice_pays_twice() -> None:
    ranked = [text_of(1, 4), text_of(1, 4), text_of(2, 4)]
    sent = cut_at_budget(ranked, 8, TokenMeter())
    assert sent == SentText((ranked[0][0], ranked[0][0]), 8)


def test_text_without_tokens_is_sent_for_nothing() -> None:
    ranked = [(place(0, 3), " \n "), text_of(1, 2)]
    assert cut_at_budget(ranked, 2, TokenMeter()) == SentText((place(0, 3), ranked[1][0]), 2)


def test_a_text_that_just_fits_is_sent_whole() -> None:
    ranked = [(place(0, 10), "one two \n "), (place(10, 12), "  ")]
    assert cut_at_budget(ranked, 2, TokenMeter()) == SentText((place(0, 10), place(10, 12)), 2)


def test_a_word_of_many_pieces_is_cut_within() -> None:
    text = "unbelievably"
    assert count_tokens(text) > 1
    sent = cut_at_budget([(place(0, len(text)), text)], 1, TokenMeter())
    assert sent.tokens == 1
    assert 0 < len(sent.spans[0]) < len(text)


def test_offsets_are_code_points_of_the_version() -> None:
    text = "Ünïcode 🎉🎉 one two"
    sent = cut_at_budget([(place(100, 100 + len(text)), text)], TokenMeter().count(place(0, 1), text) - 1, TokenMeter())
    assert sent.spans == (place(100, 100 + text.index(" two")),)


@given(st.lists(st.integers(0, 12), max_size=6), st.integers(0, 60))
def test_the_budget_is_kept_and_used(lengths: list[int], budget_tokens: int) -> None:
    ranked = [text_of(number, length) for number, length in enumerate(lengths)]
    sent = cut_at_budget(ranked, budget_tokens, TokenMeter())
    assert sent.tokens == min(budget_tokens, sum(lengths))
    for (one, text), span in zip(ranked, sent.spans, strict=False):
        assert span.span.start == one.span.start
        assert count_tokens(text[: len(span)]) == len(text[: len(span)].split())
    assert list(sent.spans[:-1]) == [one for one, _ in ranked[: max(0, len(sent.spans) - 1)]]


@given(st.lists(st.integers(0, 12), max_size=6), st.integers(0, 40), st.integers(0, 40))
def test_a_larger_budget_sends_the_same_text_and_more(lengths: list[int], smaller: int, more: int) -> None:
    ranked = [text_of(number, length) for number, length in enumerate(lengths)]
    few = cut_at_budget(ranked, smaller, TokenMeter())
    many = cut_at_budget(ranked, smaller + more, TokenMeter())
    assert characters(few.spans) <= characters(many.spans)
    gold = [one for one, _ in ranked if len(one)] or [place(0, 1)]
    assert span_recall(gold, few.spans) <= span_recall(gold, many.spans)


def test_the_meter_counts_each_place_once(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = TokenMeter()
    assert meter.count(place(0, 7), "one two") == 2
    monkeypatch.setattr("app.evaluation.span_metrics.token_offsets", None)
    assert meter.count(place(0, 7), "one two") == 2


def test_the_tokenizer_is_the_shipped_one() -> None:
    assert TOKENIZER == DEFAULT_TOKENIZER
    assert TokenMeter().count(place(0, 1), "the bear lives in berlin") == count_tokens("the bear lives in berlin")


def test_an_overlong_unknown_word_pays_by_its_length() -> None:
    text = "x" * 150
    assert count_tokens(text) == 1
    assert TokenMeter().count(place(0, 150), text) == 50
    assert cut_at_budget([(place(0, 150), text)], 20, TokenMeter()) == SentText((place(0, 60),), 20)
