"""WholeDocument: one chunk, whatever the size."""

from __future__ import annotations

from hypothesis import given

from configs.span import Span
from ingest.chunkers.whole_document import WholeDocument
from ingest.document import ParsedDocument, Piece
from ingest.tokenizers import TokenizerTools
from tests.ingest.documents import documents


@given(document=documents())
def test_the_document_is_one_piece(document: ParsedDocument) -> None:
    pieces = list(WholeDocument(kind="whole_document").split(document, TokenizerTools()))
    whole = [Piece(span=Span(0, len(document.text)))] if document.text.strip() else []
    assert pieces == whole


def test_there_is_no_size_limit() -> None:
    chunker = WholeDocument(kind="whole_document")
    assert chunker.size_limit_tokens is None
    assert len(list(chunker.split(ParsedDocument(text="word " * 10_000), TokenizerTools()))) == 1
