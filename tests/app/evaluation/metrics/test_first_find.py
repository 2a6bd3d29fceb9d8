"""The first rank by which a marked span is held by half, or a marked document by any passage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.metrics import Judged
from app.evaluation.metrics.credited_spans import is_half_covered
from app.evaluation.metrics.first_find import rank_of_first_find
from app.evaluation.outcome import Gold, Label
from app.evaluation.span_metrics import TokenMeter
from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import Spans, answer, labels, marked, span_labels, whole
from tests.app.evaluation.spans import place, rankings


def rank(ranked: Spans, *marks: Label, k: int = 10) -> int | None:
    return rank_of_first_find(Judged(outcome=answer(ranked), gold=Gold(labels=marks), meter=TokenMeter()), k)


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ([(10, 20)], 1),
        ([(0, 10), (20, 30), (10, 15)], 3),
        ([(0, 14), (0, 14), (16, 30)], 3),
        ([(0, 12), (40, 50), (12, 14), (14, 16)], 4),
        ([(0, 14)], None),
        ([(110, 112), (17, 30)], 2),
        ([], None),
    ],
)
def test_a_span_is_found_by_the_passages_so_far(ranked: list[tuple[int, int]], expected: int | None) -> None:
    assert rank(ranked, marked(10, 20, copies=[place(110, 120)])) == expected


def test_a_document_is_found_with_its_first_passage() -> None:
    assert rank([place(0, 9, "w"), place(9, 18, "w"), place(0, 1)], whole()) == 3
    assert rank([place(0, 9, "w")], whole()) is None


def test_any_label_is_enough() -> None:
    ranked: Spans = [(0, 9), place(0, 9, "w"), (10, 19)]
    assert rank(ranked, marked(10, 20), marked(0, 9, "w")) == 2
    assert rank(ranked, marked(10, 20), whole("w")) == 2
    assert rank(ranked, marked(10, 20), whole("x")) == 3


def test_nothing_is_found_beyond_k() -> None:
    ranked: Spans = [(0, 9), (10, 19), place(0, 9, "w")]
    assert rank(ranked, marked(10, 20), k=2) == 2
    assert rank(ranked, marked(10, 20), k=1) is None
    assert rank(ranked, whole("w"), k=2) is None


@given(span_labels(), rankings())
def test_it_is_the_first_prefix_that_holds_half(label: Label, ranked: list[VersionSpan]) -> None:
    prefixes = range(1, len(ranked) + 1)
    expected = next((length for length in prefixes if is_half_covered(label, ranked[:length])), None)
    assert rank(ranked, label) == expected


@given(st.lists(labels(), min_size=1, max_size=4), rankings(), st.integers(1, 8))
def test_more_labels_are_found_no_later(marks: list[Label], ranked: list[VersionSpan], k: int) -> None:
    ranks = [rank(ranked, label, k=k) for label in marks]
    together = rank(ranked, *marks, k=k)
    found = [one for one in ranks if one is not None]
    if found:
        assert together is not None
        assert together <= min(found)
