"""Semchunk: the library's own chunks, held to the laws."""

from __future__ import annotations

import time

import pytest
import semchunk
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunkers.recursive import Recursive
from ingest.chunkers.semchunk import Semchunk
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.documents import documents

ENGLISH = (
    "Refunds are paid within fourteen days. They go to the account that paid, not to another one.\n\n"
    "Fees are kept; they are shown on the bill (see the last page).\tWhoever asks gets a copy!\n"
) * 12


def chunks_of(text: str, size_tokens: int = 40) -> list[str]:
    pieces = Semchunk(kind="semchunk", size_tokens=size_tokens).split(ParsedDocument(text=text), TokenizerTools())
    return [text[piece.span.start : piece.span.end] for piece in pieces]


@pytest.mark.parametrize("size_tokens", [16, 40, 100, 1_000])
def test_chunks_are_those_of_the_library(size_tokens: int) -> None:
    expected = semchunk.chunk(ENGLISH, size_tokens, count_tokens, memoize=False)
    assert chunks_of(ENGLISH, size_tokens) == expected


@settings(max_examples=60)
@given(document=documents(), size_tokens=st.sampled_from([16, 50]))
def test_no_chunk_is_too_large_and_nothing_but_white_space_is_lost(document: ParsedDocument, size_tokens: int) -> None:
    text = document.text
    pieces = list(Semchunk(kind="semchunk", size_tokens=size_tokens).split(document, TokenizerTools()))
    tokens = TokenizerTools().tokens(text)
    assert all(tokens.count(piece.span.start, piece.span.end) <= size_tokens for piece in pieces)
    chunks = [text[piece.span.start : piece.span.end] for piece in pieces]
    assert "".join("".join(chunks).split()) == "".join(text.split())


def test_the_library_remembers_no_text() -> None:
    before = len(semchunk.semchunk._memoized_token_counters)
    chunks_of(ENGLISH)
    assert len(semchunk.semchunk._memoized_token_counters) == before


def test_a_word_that_counts_for_more_when_cut_is_cut_again() -> None:
    text = "x" * 2_000
    assert count_tokens(text) == 1  # unknown to WordPiece as a whole
    chunks = chunks_of(text, 16)
    assert "".join(chunks) == text
    assert len(chunks) > 10


def test_a_text_that_the_library_gives_up_on_is_cut_as_by_recursive() -> None:
    text = "".join("word" + " " * number for number in range(1, 1_100))
    with pytest.raises(RecursionError):
        semchunk.chunk(text, 16, lambda said: len(said.split()), memoize=False)
    recursive = Recursive(kind="recursive", size_tokens=16).split(ParsedDocument(text=text), TokenizerTools())
    assert chunks_of(text, 16) == [text[piece.span.start : piece.span.end] for piece in recursive]


@pytest.mark.parametrize("run", [" \n", "\u200b \n", "(\u200b", " \t", "\u3000\n"])
def test_runs_without_tokens_take_no_quadratic_time(run: str) -> None:
    text = "word " * 500 + run * 50_000 + " word" * 500
    begun = time.process_time()
    assert "".join("".join(chunks_of(text, 200)).split()) == "".join(text.split())
    assert time.process_time() - begun < 5
