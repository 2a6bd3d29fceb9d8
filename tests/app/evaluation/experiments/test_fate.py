"""What became of a marked answer: every label has exactly one fate, worked out by hand."""

from __future__ import annotations

import pytest

from app.evaluation.experiments.fate import FATES, Fate, fates_of, total
from app.evaluation.outcome import Gold, Label
from app.evaluation.version_span import VersionSpan
from configs.span import Span


def label(start: int, end: int, version: str = "v", copies: tuple[VersionSpan, ...] = ()) -> Label:
    return Label(document_id="d", place=VersionSpan(version, Span(start, end)), copies=copies)


def hit(start: int, end: int, version: str = "v", document: str = "d") -> list[object]:
    return [document, version, start, end, 0.5]


def sent(start: int, end: int, version: str = "v") -> list[object]:
    return [version, start, end]


@pytest.mark.parametrize(
    ("ranked", "packed", "fate"),
    [
        ([hit(0, 100)], [sent(0, 100)], "sent"),
        ([hit(0, 15)], [sent(0, 15)], "sent"),  # half of [10, 20)
        ([hit(0, 14)], [sent(0, 14)], "cut_in_two"),  # four of ten characters
        ([hit(0, 100)], [], "found_not_packed"),
        ([hit(0, 12), hit(17, 30)], [sent(17, 30)], "found_not_packed"),
        ([hit(20, 100)], [sent(20, 100)], "not_found"),  # touching is not overlapping
        ([hit(0, 100, version="other")], [], "not_found"),
        ([], [], "not_found"),
    ],
)
def test_the_fate_of_one_answer(ranked: list[list[object]], packed: list[list[object]], fate: Fate) -> None:
    assert fates_of(Gold(labels=(label(10, 20),)), ranked, packed) == {fate: 1}


@pytest.mark.parametrize(
    ("ranked", "packed", "capped", "fate"),
    [
        ([], [], [hit(0, 100)], "capped_by_source"),
        ([hit(0, 14)], [sent(0, 14)], [hit(14, 30)], "capped_by_source"),  # not cut: the rest of it was found
        ([hit(0, 14)], [sent(0, 14)], [hit(50, 90)], "cut_in_two"),
        ([hit(0, 100)], [], [hit(0, 100)], "found_not_packed"),
        ([hit(0, 100)], [sent(0, 100)], [hit(0, 100)], "sent"),
        ([], [], [hit(19, 30)], "not_found"),  # one of ten characters
        ([], [], [hit(0, 100, version="other")], "not_found"),
    ],
)
def test_what_a_cap_dropped_is_not_called_unfound(
    ranked: list[list[object]], packed: list[list[object]], capped: list[list[object]], fate: Fate
) -> None:
    assert fates_of(Gold(labels=(label(10, 20),)), ranked, packed, capped) == {fate: 1}


def test_a_whole_document_that_a_cap_dropped_is_capped() -> None:
    gold = Gold(labels=(Label(document_id="d", place=None), Label(document_id="e", place=None)))
    capped = [hit(0, 9, document="e")]
    assert fates_of(gold, [hit(0, 10)], [], capped) == {"sent": 1, "capped_by_source": 1}


def test_a_copy_counts() -> None:
    gold = Gold(labels=(label(10, 20, copies=(VersionSpan("w", Span(0, 10)),)),))
    assert fates_of(gold, [hit(0, 50, version="w")], [sent(0, 50, version="w")]) == {"sent": 1}


def test_a_whole_document_is_there_or_not() -> None:
    gold = Gold(labels=(Label(document_id="d", place=None), Label(document_id="e", place=None)))
    assert fates_of(gold, [hit(0, 10)], []) == {"sent": 1, "not_found": 1}


def test_the_sum_names_every_fate() -> None:
    one = fates_of(Gold(labels=(label(10, 20), label(40, 50))), [hit(0, 30)], [sent(0, 30)])
    assert total([one, one]) == dict.fromkeys(FATES, 0) | {"sent": 2, "not_found": 2}
    assert list(total([])) == list(FATES)
