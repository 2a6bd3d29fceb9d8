"""Merging neighbours, and the three orders."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.extracts import MERGED_GAP_CHARACTERS, Extract, edges, lay_out
from app.context.passages import Selected
from app.context.policy import Order
from configs.span import Span
from tests.app.context.library import Library

LIBRARY = Library(
    {
        "a-1": "One two.\n\nThree four.  Five-six." + " " * 70 + "Seven.",
        "b-1": "Alpha. Beta. Gamma. Delta. Epsilon. Zeta.",
        "b-2": "Alpha! Beta! Gamma! Delta! Epsilon! Zeta!",
    }
)


def selected(*places: tuple[str, int, int]) -> list[Selected]:
    candidates = [LIBRARY.candidate(rank, *place) for rank, place in enumerate(places, start=1)]
    return [Selected(candidate=candidate, span=candidate.hit.span) for candidate in candidates]


def laid_out(parts: list[Selected], order: Order = "document", merge: bool = True) -> list[Extract]:
    return lay_out(parts, order=order, merge_adjacent=merge, text_of=LIBRARY.text_of)


def places(extracts: list[Extract]) -> list[tuple[str, int, int]]:
    return [(extract.version_id, extract.span.start, extract.span.end) for extract in extracts]


def test_touching_passages_become_one() -> None:
    (extract,) = laid_out(selected(("b-1", 7, 13), ("b-1", 0, 7)))
    assert (extract.span, extract.text) == (Span(0, 13), "Alpha. Beta. ")
    assert [part.candidate.hit.rank for part in extract.parts] == [2, 1]
    assert extract.best.candidate.hit.rank == 1
    assert (extract.document_id, extract.version_id, extract.origin.title) == ("b", "b-1", "Title of b-1")


def test_white_space_between_passages_is_merged_with_them() -> None:
    (extract,) = laid_out(selected(("a-1", 0, 8), ("a-1", 10, 21), ("a-1", 23, 32)))
    assert extract.text == "One two.\n\nThree four.  Five-six."


def test_a_chain_of_many_becomes_one() -> None:
    parts = selected(*(("b-1", start, start + 1) for start in range(20, -1, -1)))
    assert places(laid_out(parts)) == [("b-1", 0, 21)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a-1", 23, 27), ("a-1", 28, 32)),  # a hyphen between them
        (("a-1", 23, 32), ("a-1", 102, 108)),  # seventy spaces
        (("b-1", 0, 7), ("b-2", 7, 13)),  # another version
    ],
    ids=["text between", "much space between", "another version"],
)
def test_what_is_no_neighbour_stays_apart(one: tuple[str, int, int], other: tuple[str, int, int]) -> None:
    assert places(laid_out(selected(one, other))) == [one, other]


@pytest.mark.parametrize(("spaces", "extracts"), [(MERGED_GAP_CHARACTERS, 1), (MERGED_GAP_CHARACTERS + 1, 2)])
def test_a_gap_has_a_limit(spaces: int, extracts: int) -> None:
    library = Library({"c-1": "a" + " " * spaces + "b"})
    candidates = [library.candidate(1, "c-1", 0, 1), library.candidate(2, "c-1", spaces + 1, spaces + 2)]
    parts = [Selected(candidate=candidate, span=candidate.hit.span) for candidate in candidates]
    assert len(lay_out(parts, order="document", merge_adjacent=True, text_of=library.text_of)) == extracts


def test_merging_can_be_turned_off() -> None:
    assert places(laid_out(selected(("b-1", 7, 13), ("b-1", 0, 7)), merge=False)) == [("b-1", 0, 7), ("b-1", 7, 13)]


def test_text_is_read_for_gaps_alone() -> None:
    asked: list[tuple[str, Span]] = []

    def text_of(version_id: str, span: Span) -> str:
        asked.append((version_id, span))
        return LIBRARY.text_of(version_id, span)

    parts = selected(("b-1", 0, 7), ("b-1", 7, 13), ("a-1", 0, 8), ("a-1", 10, 21), ("b-2", 0, 6))
    lay_out(parts, order="document", merge_adjacent=True, text_of=text_of)
    assert asked == [("a-1", Span(8, 10))]


SCATTERED = [("b-1", 20, 26), ("a-1", 10, 21), ("b-1", 0, 6), ("a-1", 0, 5), ("b-1", 36, 41)]


@pytest.mark.parametrize(
    ("order", "ranks"),
    [("document", [3, 1, 5, 4, 2]), ("relevance", [1, 2, 3, 4, 5]), ("edges", [1, 3, 5, 4, 2])],
)
def test_the_three_orders(order: Order, ranks: list[int]) -> None:
    extracts = laid_out(selected(*SCATTERED), order=order)
    assert [extract.best.candidate.hit.rank for extract in extracts] == ranks


def test_a_merged_passage_stands_where_its_best_part_would() -> None:
    parts = selected(("a-1", 0, 8), ("b-1", 0, 7), ("a-1", 23, 32), ("b-1", 7, 13), ("a-1", 102, 108))
    assert places(laid_out(parts, order="relevance")) == [
        ("a-1", 0, 8), ("b-1", 0, 13), ("a-1", 23, 32), ("a-1", 102, 108),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], []),
        ([1], [1]),
        ([1, 2], [1, 2]),
        ([1, 2, 3], [1, 3, 2]),
        ([1, 2, 3, 4], [1, 3, 4, 2]),
        ([1, 2, 3, 4, 5], [1, 3, 5, 4, 2]),
        ([1, 2, 3, 4, 5, 6], [1, 3, 5, 6, 4, 2]),
    ],
)
def test_edges_by_hand(items: list[int], expected: list[int]) -> None:
    assert edges(items) == expected


@given(size=st.integers(0, 60))
def test_at_the_edges_relevance_falls_towards_the_middle(size: int) -> None:
    order = edges(range(size))
    assert sorted(order) == list(range(size))
    deepest = order.index(size - 1) if size else 0
    assert order[: deepest + 1] == sorted(order[: deepest + 1])
    assert order[deepest:] == sorted(order[deepest:], reverse=True)


@given(
    cuts=st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=8).map(sorted),
    data=st.data(),
    order=st.sampled_from(["document", "relevance", "edges"]),
)
def test_laying_out_keeps_every_passage_and_its_text(cuts: list[int], data: st.DataObject, order: Order) -> None:
    borders = [0, *cuts, 41]
    pieces = [("b-1", start, end) for start, end in itertools.pairwise(borders)]
    chosen = data.draw(st.permutations(pieces).flatmap(lambda some: st.integers(0, len(some)).map(lambda n: some[:n])))
    extracts = laid_out(selected(*chosen), order=order)
    parts = [part for extract in extracts for part in extract.parts]
    assert sorted(part.candidate.hit.rank for part in parts) == list(range(1, len(chosen) + 1))
    for extract in extracts:
        assert extract.text == LIBRARY.text_of("b-1", extract.span)
        assert all(part.text in extract.text for part in extract.parts)
    ends = {extract.span.end for extract in extracts}
    assert not any(extract.span.start in ends for extract in extracts)
