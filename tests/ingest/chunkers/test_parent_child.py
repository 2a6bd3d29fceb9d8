"""Children are cut from their parents, and parents are what `recursive` makes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.span import Span, union
from ingest.chunkers import Chunker
from ingest.chunkers.parent_child import ParentChild
from ingest.document import ParsedDocument, Piece
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.documents import documents

LONG = ParsedDocument(text="\n\n".join(f"Paragraph {n}. " + "some words here. " * 6 for n in range(12)))


def cut(document: ParsedDocument, child: int, parent: int) -> list[Piece]:
    chunker = ParentChild(kind="parent_child", child_tokens=child, parent_tokens=parent)
    return list(chunker.split(document, TokenizerTools()))


@settings(max_examples=20)
@given(document=documents(), child=st.integers(16, 40), more=st.integers(16, 200))
def test_every_child_lies_in_its_parent_and_parents_do_not_overlap(
    document: ParsedDocument, child: int, more: int
) -> None:
    pieces = cut(document, child, child + more)
    parents = sorted({piece.parent for piece in pieces if piece.parent is not None})
    for before, after in itertools.pairwise(parents):
        assert before.overlap(after) == 0
    for piece in pieces:
        assert piece.parent is not None
        assert piece.parent.start <= piece.span.start < piece.span.end <= piece.parent.end
    text = document.text
    for parent in parents:
        children = union([piece.span for piece in pieces if piece.parent == parent])
        edges = [parent.start, *(edge for span in children for edge in (span.start, span.end)), parent.end]
        assert not "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)).strip()


def test_parents_are_those_of_recursive() -> None:
    recursive = Chunker.members()["recursive"].model_validate({"kind": "recursive", "size_tokens": 100})
    expected = [piece.span for piece in recursive.split(LONG, TokenizerTools())]
    pieces = cut(LONG, 30, 100)
    assert list(dict.fromkeys(piece.parent for piece in pieces)) == expected
    assert len(pieces) > 2 * len(expected)
    assert max(count_tokens(LONG.text[piece.span.start : piece.span.end]) for piece in pieces) <= 30


def test_a_short_document_is_its_own_parent() -> None:
    (piece,) = cut(ParsedDocument(text="Only this."), 30, 100)
    assert piece == Piece(span=Span(0, 10), parent=Span(0, 10))


@pytest.mark.parametrize("parent", [64, 63])
def test_a_parent_that_is_no_larger_is_refused(parent: int) -> None:
    with pytest.raises(ValidationError, match="child_tokens 64 must be less than parent_tokens"):
        ParentChild(kind="parent_child", child_tokens=64, parent_tokens=parent)


def test_prefixes_are_held_against_the_child() -> None:
    assert ParentChild(kind="parent_child", child_tokens=80).size_limit_tokens == 80
