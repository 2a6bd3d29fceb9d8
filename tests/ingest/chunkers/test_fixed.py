"""Fixed: the number of chunks, the overlap, and where it refuses."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.chunkers.fixed import Fixed
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools
from tests.ingest.documents import save_byte_tokenizer, sentences


def fixed(size_tokens: int = 16, overlap_tokens: int = 0, tokenizer: str = "all-MiniLM-L6-v2") -> Fixed:
    return Fixed(kind="fixed", size_tokens=size_tokens, overlap_tokens=overlap_tokens, tokenizer=tokenizer)


def ranges(chunker: Fixed, text: str) -> list[tuple[int, int]]:
    pieces = chunker.split(ParsedDocument(text=text), TokenizerTools(chunker.tokenizer))
    return [(piece.span.start, piece.span.end) for piece in pieces]


@given(words=st.integers(1, 120), size_tokens=st.integers(16, 40), data=st.data())
def test_the_number_of_chunks_follows_the_formula(words: int, size_tokens: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size_tokens - 1))
    text = "word " * words
    chunks = ranges(fixed(size_tokens, overlap), text)
    assert len(chunks) == 1 + math.ceil(max(0, words - size_tokens) / (size_tokens - overlap))
    step = 5 * (size_tokens - overlap)
    assert [start for start, _ in chunks] == [number * step for number in range(len(chunks))]
    assert chunks[-1][1] == len(text)


@given(text=st.lists(sentences(), min_size=1, max_size=6).map(" ".join), data=st.data())
def test_neighbours_share_exactly_the_overlap(text: str, data: st.DataObject) -> None:
    size_tokens = data.draw(st.integers(16, 24))
    overlap = data.draw(st.integers(0, size_tokens - 1))
    tokens = TokenizerTools().tokens(text)
    chunks = ranges(fixed(size_tokens, overlap), text)
    assert all(tokens.count(start, end) == size_tokens for start, end in chunks[:-1])
    for (_, end), (start, _) in itertools.pairwise(chunks):
        assert tokens.count(start, end) == overlap
        assert (start < end) == (overlap > 0)
    assert (chunks[0][0], chunks[-1][1]) == (0, len(text))


def test_no_last_chunk_lies_inside_the_one_before() -> None:
    assert ranges(fixed(20, 10), "word " * 30) == [(0, 100), (50, 150)]
    assert ranges(fixed(20, 10), "word " * 31) == [(0, 100), (50, 150), (100, 155)]
    assert ranges(fixed(20, 10), "word " * 20) == [(0, 100)]


def test_characters_without_a_token_stay_with_the_token_before_them() -> None:
    text = "\u200b\n" + "word " * 15 + "word\u200b\u200b \u200b " + "word \u200b"
    assert ranges(fixed(16), text) == [(0, text.rindex("word")), (text.rindex("word"), len(text))]


def test_characters_of_several_tokens_are_not_split(tmp_path: Path) -> None:
    name = save_byte_tokenizer(tmp_path)
    assert ranges(fixed(18, 0, name), "🎉" * 9) == [(0, 4), (4, 8), (8, 9)]
    assert ranges(fixed(18, 6, name), "🎉" * 9) == [(0, 4), (3, 7), (6, 9)]
    assert ranges(fixed(16, 15, name), "🎉" * 6) == [(0, 4), (1, 5), (2, 6)]


def test_a_run_of_counted_white_space_makes_no_blank_chunk(tmp_path: Path) -> None:
    name = save_byte_tokenizer(tmp_path)
    assert ranges(fixed(16, 0, name), "ab" + " " * 40 + "c") == [(0, 16), (32, 43)]


@pytest.mark.parametrize(("size_tokens", "overlap_tokens"), [(16, 16), (16, 17), (200, 8191)])
def test_an_overlap_that_is_not_smaller_is_refused(size_tokens: int, overlap_tokens: int) -> None:
    with pytest.raises(ValidationError, match=f"overlap_tokens \\({overlap_tokens}\\) must be smaller"):
        fixed(size_tokens, overlap_tokens)


@pytest.mark.parametrize("settings", [{"size_tokens": 15}, {"size_tokens": 8193}, {"overlap_tokens": -1}, {"size": 20}])
def test_settings_out_of_bounds_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Fixed.model_validate({"kind": "fixed", **settings})
