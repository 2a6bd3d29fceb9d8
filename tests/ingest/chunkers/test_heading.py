"""Heading: sections, what is packed, and what stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.span import Span
from ingest.chunkers.heading import Heading
from ingest.document import Block, ParsedDocument
from ingest.tokenizers import TokenizerTools
from tests.ingest.documents import Part, code, document_of, heading, prose, table


def words(count: int) -> Part:
    """Return a paragraph of so many tokens."""
    return prose(" ".join(["word"] * count))


def chunker(size_tokens: int = 50, min_tokens: int = 0) -> Heading:
    return Heading(kind="heading", size_tokens=size_tokens, min_tokens=min_tokens)


def openings(document: ParsedDocument, heading_chunker: Heading) -> list[str]:
    """Return the first line of each chunk, and check that the chunks together are the document."""
    pieces = list(heading_chunker.split(document, TokenizerTools()))
    texts = [document.text[piece.span.start : piece.span.end] for piece in pieces]
    assert "".join(texts).lstrip() == document.text.lstrip()
    return [text.lstrip().splitlines()[0] for text in texts]


def test_each_large_section_is_a_chunk() -> None:
    document = document_of(
        words(30), heading(1, "A"), words(30), heading(2, "B"), words(30), heading(3, "C"), words(30)
    )
    assert openings(document, chunker()) == ["word " * 29 + "word", "# A", "## B", "### C"]


def test_small_sections_below_one_heading_are_packed_up_to_the_size() -> None:
    parts = [part for name in "abcde" for part in (heading(3, name), words(11))]
    document = document_of(heading(2, "Top"), words(11), *parts)
    assert openings(document, chunker(size_tokens=50)) == ["## Top", "### c"]
    assert openings(document, chunker(size_tokens=30)) == ["## Top", "### b", "### d"]


@pytest.mark.parametrize("level", [1, 2])
def test_headings_of_level_1_and_2_are_not_crossed(level: int) -> None:
    document = document_of(heading(2, "A"), words(5), heading(level, "B"), words(5), heading(3, "C"), words(5))
    assert openings(document, chunker()) == ["## A", f"{'#' * level} B"]


def test_a_section_below_the_minimum_joins_the_next_or_at_the_end_the_one_before() -> None:
    document = document_of(heading(2, "A"), words(5), heading(2, "B"), words(20), heading(2, "C"), words(5))
    assert openings(document, chunker(min_tokens=9)) == ["## A"]
    assert openings(document, chunker(min_tokens=8)) == ["## A", "## B", "## C"]
    assert openings(document, chunker(size_tokens=31, min_tokens=9)) == ["## A", "## C"]
    document = document_of(heading(2, "A"), words(20), heading(2, "B"), words(5))
    assert openings(document, chunker(size_tokens=31, min_tokens=9)) == ["## A"]
    assert openings(document, chunker(size_tokens=30, min_tokens=9)) == ["## A", "## B"]


def test_text_before_the_first_heading_is_a_section_and_white_space_is_not() -> None:
    assert openings(document_of(words(5), heading(1, "A"), words(5)), chunker()) == ["word word word word word", "# A"]
    assert openings(document_of(prose("\n \n"), heading(1, "A"), words(5)), chunker()) == ["# A"]


def test_a_heading_without_text_belongs_to_what_follows() -> None:
    document = document_of(heading(1, "A"), words(30), heading(1, "B"), heading(2, "B.1"), words(30), heading(2, "B.2"))
    assert openings(document, chunker()) == ["# A", "# B", "## B.2"]
    assert openings(document, chunker(min_tokens=10)) == ["# A", "# B"]


def test_a_heading_without_text_is_not_packed_with_what_stands_before_it() -> None:
    document = document_of(heading(2, "A"), words(5), heading(1, "B"), heading(3, "B.1"), words(5))
    assert openings(document, chunker()) == ["## A", "# B"]
    document = document_of(heading(2, "A"), words(5), heading(3, "B"), heading(4, "B.1"), words(5))
    assert openings(document, chunker()) == ["## A"]


def test_a_section_that_is_too_large_is_cut_but_not_right_below_its_heading() -> None:
    document = document_of(heading(2, "A"), words(49), words(3), heading(2, "B"), words(20))
    assert openings(document, chunker()) == ["## A", "word word", "word word word", "## B"]
    sentence = "Six words are in this one. "
    document = document_of(heading(2, "A"), prose(sentence * 8))
    pieces = [piece.span for piece in chunker().split(document, TokenizerTools())]
    assert [document.text[span.start : span.end] for span in pieces] == [
        "## A\n\n" + sentence * 6,
        sentence * 2 + "\n\n",
    ]


@pytest.mark.parametrize("block", [table(4), code(5)], ids=["table", "code"])
def test_tables_and_code_stay_whole_and_may_exceed_the_size(block: Part) -> None:
    document = document_of(heading(2, "A"), words(30), block, words(20), words(20))
    assert openings(document, chunker(size_tokens=40)) == ["## A", block.source.splitlines()[0], "word " * 19 + "word"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_headings_right_above_a_large_block_stay_with_it(newline: str) -> None:
    document = document_of(
        heading(1, "A"), heading(2, "A.1"), table(9), words(30), heading(2, "A.2"), code(9), newline=newline
    )
    assert openings(document, chunker(size_tokens=40)) == ["# A", "word " * 29 + "word", "## A.2"]


def test_a_block_of_more_than_four_sizes_is_cut_at_its_lines() -> None:
    document = document_of(heading(2, "A"), table(5), heading(2, "B"), table(6))
    tokens = TokenizerTools().tokens(document.text)
    blocks = [block.span for block in document.blocks if block.kind == "table"]
    assert [tokens.count(span.start, span.end) for span in blocks] == [57, 65]
    pieces = [piece.span for piece in chunker(size_tokens=16).split(document, TokenizerTools())]
    assert [tokens.count(span.start, span.end) for span in pieces] == [60, 10, 10, 16, 16, 16]
    assert all(document.text[span.end - 1] == "\n" for span in pieces)


def test_a_long_run_of_headings_and_a_long_heading_keep_the_size() -> None:
    for parts in ([heading(2, "A b c")] * 40, [heading(2, "word " * 100 + "end"), words(5)]):
        document = document_of(*parts)
        tokens = TokenizerTools().tokens(document.text)
        pieces = list(chunker(size_tokens=16).split(document, TokenizerTools()))
        assert len(pieces) > 5
        assert all(tokens.count(piece.span.start, piece.span.end) <= 16 for piece in pieces)


def test_a_document_without_headings_is_one_section() -> None:
    assert openings(document_of(words(10), words(30), words(30)), chunker()) == [
        "word " * 9 + "word",
        "word " * 29 + "word",
    ]


def test_other_blocks_do_not_matter() -> None:
    text = "one two\n\nthree"
    pages = tuple(Block(kind="page", span=span, label="1") for span in (Span(0, 7), Span(9, 14)))
    assert openings(ParsedDocument(text=text, blocks=pages), chunker()) == ["one two"]


@given(sections=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 90)), min_size=1, max_size=10))
def test_sections_that_fit_stay_whole_and_large_headings_are_not_crossed(sections: list[tuple[int, int]]) -> None:
    parts = [part for level, count in sections for part in (heading(level, "A"), words(count))]
    document = document_of(*parts)
    tokens = TokenizerTools().tokens(document.text)
    spans = [piece.span for piece in chunker(size_tokens=60, min_tokens=20).split(document, TokenizerTools())]
    headings = [block for block in document.blocks if block.kind == "heading"]
    ends = [*(block.span.start for block in headings[1:]), len(document.text)]
    for block, end in zip(headings, ends, strict=True):
        start = block.span.start
        holding = [span for span in spans if span.start <= start and end <= span.end]
        assert len(holding) == (tokens.count(start, end) <= 60)
        for span in holding:
            before = tokens.count(span.start, start)
            rest = tokens.count(start, len(document.text))  # a small end joins what is before it
            assert block.level > 2 or span.start == start or before < 20 or rest < 20


@pytest.mark.parametrize("settings", [{"size_tokens": 15}, {"min_tokens": -1}, {"min_tokens": 8193}, {"overlap": 1}])
def test_settingsout_of_bounds_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Heading.model_validate({"kind": "heading", **settings})
