"""Cutting at separators: what stays together, where it splits, and that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.span import Span
from ingest.cutting import SEPARATORS, Cutting, is_blank, next_character, token_boundary
from ingest.tokenizers import TokenOffsets, token_offsets
from tests.ingest.documents import sentences


def cut(
    text: str, size_tokens: int, separators: tuple[str, ...] = SEPARATORS, whole: tuple[Span, ...] = ()
) -> list[str]:
    cutting = Cutting(text, token_offsets(text), size_tokens, separators, whole)
    return [text[span.start : span.end] for span in cutting.cut(Span(0, len(text)))]


@pytest.mark.parametrize(
    ("text", "size_tokens", "pieces"),
    [
        ("one two\n\nthree four", 4, ["one two\n\nthree four"]),
        ("one two\n\nthree four", 3, ["one two\n\n", "three four"]),
        ("one two\nthree four", 3, ["one two\n", "three four"]),
        ("one. two. three.", 4, ["one. two. ", "three."]),
        ("one? two! three; four, five", 2, ["one? ", "two! ", "three; ", "four, ", "five"]),
        ("one two three four five", 2, ["one two ", "three four ", "five"]),
        ("a b\n\nc d e f g\n\nh i", 3, ["a b\n\n", "c d e ", "f g\n\n", "h i"]),
        ("a b\n\nc\n\nd e", 3, ["a b\n\nc\n\n", "d e"]),
        ("漢字漢字漢", 2, ["漢字", "漢字", "漢"]),
    ],
)
def test_the_coarsest_separator_that_fits_is_taken(text: str, size_tokens: int, pieces: list[str]) -> None:
    assert cut(text, size_tokens) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a b\r\n\r\nc d", ["a b\r\n\r\n", "c d"]),
        ("a b\n  \t\nc d", ["a b\n  \t\n", "c d"]),
        ("a b\n\n\n  c d", ["a b\n\n\n", "  c d"]),
        ("a b\n \r\n\n\n\t\nc d", ["a b\n \r\n\n\n\t\n", "c d"]),
        ("a b    c d", ["a b    ", "c d"]),
        ("a b\r\nc d", ["a b\r\n", "c d"]),
        ("  a b\n\n  ", ["  a b\n\n  "]),
    ],
)
def test_blank_lines_and_spaces_stay_on_the_left(text: str, pieces: list[str]) -> None:
    assert cut(text, 2) == pieces


def test_separators_are_taken_literally_and_in_their_order() -> None:
    assert cut("a.*b.*c", 3, (".*",)) == ["a.*", "b.*", "c"]
    assert cut("a|b\nc|d", 3, ("|", "\n")) == ["a|", "b\nc|", "d"]
    assert cut("a|b\nc|d", 3, ("\n", "|")) == ["a|b\n", "c|d"]
    assert cut("one two three", 2, ()) == ["one two ", "three"]


def test_three_newlines_as_a_separator_match_with_blanks_and_carriage_returns() -> None:
    assert cut("a b\r\n \r\n\r\nc d\n\ne", 3, ("\n\n\n",)) == ["a b\r\n \r\n\r\n", "c d\n\ne"]


@settings(max_examples=60)
@given(text=sentences(), copies=st.integers(1, 8), size_tokens=st.integers(1, 40))
def test_pieces_together_are_the_text(text: str, copies: int, size_tokens: int) -> None:
    text *= copies
    offsets = token_offsets(text)
    pieces = cut(text, size_tokens)
    assert "".join(pieces).lstrip() == text.lstrip()
    position = 0
    for piece in pieces:
        position = text.index(piece, position)
        assert offsets.count(position, position + len(piece)) <= size_tokens
        position += len(piece)


@settings(max_examples=60)
@given(paragraphs=st.lists(st.integers(1, 9), min_size=1, max_size=12), size_tokens=st.integers(9, 30))
def test_paragraphs_that_fit_are_merged_greedily_and_never_split(paragraphs: list[int], size_tokens: int) -> None:
    sources = ["word " * (words - 1) + "word\n\n" for words in paragraphs]
    expected: list[str] = []
    used = size_tokens + 1
    for source, words in zip(sources, paragraphs, strict=True):
        if used + words <= size_tokens:
            expected[-1] += source
            used += words
        else:
            expected.append(source)
            used = words
    assert cut("".join(sources), size_tokens) == expected


def test_a_whole_span_is_not_split_even_where_it_is_too_large() -> None:
    text = "a b c\n\nd e\n\nf g\n\nh i"
    whole = Span(text.index("d"), text.index("g") + 1)
    assert cut(text, 3) == ["a b c\n\n", "d e\n\n", "f g\n\n", "h i"]
    assert cut(text, 3, whole=(whole,)) == ["a b c\n\n", "d e\n\nf g\n\n", "h i"]
    assert cut(text, 5, whole=(whole,)) == ["a b c\n\n", "d e\n\nf g\n\n", "h i"]
    assert cut(text, 7, whole=(whole,)) == ["a b c\n\nd e\n\nf g\n\n", "h i"]


def test_overlapping_whole_spans_are_one() -> None:
    text = "a b\n\nc d\n\ne f\n\ng h"
    first, second = Span(0, text.index("d")), Span(text.index("c"), text.index("f") + 1)
    assert cut(text, 2, whole=(second, first)) == ["a b\n\nc d\n\ne f\n\n", "g h"]


def test_a_stretch_is_cut_within_its_bounds() -> None:
    text = "zero one two three four five six"
    span = Span(text.index("one"), text.index("six"))
    pieces = Cutting(text, token_offsets(text), 2).cut(span)
    assert [text[piece.start : piece.end] for piece in pieces] == ["one two ", "three four ", "five "]


def test_white_space_that_counts_is_dropped_where_it_fits_nowhere() -> None:
    text = "ab" + " " * 10 + "c"
    each = TokenOffsets(list(range(len(text))), list(range(1, len(text) + 1)))
    pieces = Cutting(text, each, 3).cut(Span(0, len(text)))
    assert pieces == [Span(0, 3), Span(12, 13)]


def test_tokens_that_share_a_character_are_not_separated() -> None:
    tokens = TokenOffsets([0, 1, 1, 1, 2], [1, 2, 2, 2, 3])
    assert [token_boundary(tokens, index, least=1) for index in (1, 2, 3, 4)] == [1, 1, 1, 4]
    assert token_boundary(tokens, 3, least=2) == 3
    assert Cutting("a🎉b", tokens, 3, ()).cut(Span(0, 3)) == [Span(0, 1), Span(1, 2), Span(2, 3)]


@pytest.mark.parametrize(("text", "blank"), [("", True), (" \n", True), (" x ", False), ("\u200b", False)])
def test_blank_means_white_space_only(text: str, blank: bool) -> None:
    assert is_blank(text, Span(0, len(text))) is blank


def test_the_next_character_is_found_or_the_end() -> None:
    assert [next_character(" \n x ", position) for position in range(6)] == [3, 3, 3, 3, 5, 5]
