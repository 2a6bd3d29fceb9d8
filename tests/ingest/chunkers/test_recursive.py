"""Recursive: the document put together again from its chunks, and the settings."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.chunkers.recursive import Recursive
from ingest.cutting import SEPARATORS
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.documents import documents


def recursive(size_tokens: int = 16, **more: object) -> Recursive:
    return Recursive.model_validate({"kind": "recursive", "size_tokens": size_tokens, **more})


def chunks_of(chunker: Recursive, text: str) -> list[str]:
    pieces = chunker.split(ParsedDocument(text=text), TokenizerTools())
    return [text[piece.span.start : piece.span.end] for piece in pieces]


def test_the_defaults_are_the_measured_ones() -> None:
    chunker = Recursive(kind="recursive")
    assert (chunker.size_tokens, chunker.separators) == (200, SEPARATORS)
    assert chunker.size_limit_tokens == 200


@settings(max_examples=40)
@given(document=documents())
def test_chunks_together_are_the_document(document: ParsedDocument) -> None:
    for size_tokens in (16, 60):
        chunks = chunks_of(recursive(size_tokens), document.text)
        assert "".join(chunks).lstrip() == document.text.lstrip()


def reference(text: str, size_tokens: int, separators: tuple[str, ...]) -> list[str]:
    """Return the chunks as the definition reads: split, merge greedily, go on with the next separator."""
    if count_tokens(text) <= size_tokens:
        return [text]
    run_of_lines = "\n+" if separators[0] == "\n" else re.escape(separators[0])
    stops = [match.end() for match in re.finditer(run_of_lines, text)]
    chunks, group = [], ""
    for part in [text[start:stop] for start, stop in itertools.pairwise([0, *stops, len(text)])]:
        if count_tokens(group + part) <= size_tokens:
            group += part
            continue
        chunks.append(group)
        fits = count_tokens(part) <= size_tokens
        group = part if fits else ""
        chunks.extend([] if fits else reference(part, size_tokens, separators[1:]))
    return [chunk for chunk in [*chunks, group] if chunk]


@settings(max_examples=40)
@given(gaps=st.lists(st.sampled_from(["\n\n", "\n", ". ", ", ", " ", " ", " "]), min_size=1, max_size=150))
def test_chunks_are_those_of_the_definition(gaps: list[str]) -> None:
    text = "".join(f"word{gap}" for gap in gaps) + "word"
    assert chunks_of(recursive(16), text) == reference(text, 16, SEPARATORS)


def test_a_long_paragraph_is_cut_at_its_sentences() -> None:
    text = "Short one.\n\n" + "Nine words are in this very sentence of mine. " * 3 + "\n\nLast one."
    sentence = "Nine words are in this very sentence of mine. "
    assert chunks_of(recursive(20), text) == [
        "Short one.\n\n",
        sentence * 2,
        sentence + "\n\n",
        "Last one.",
    ]


def test_own_separators_are_used_in_their_order() -> None:
    text = "one two three four five six seven eight;nine ten eleven twelve thirteen fourteen fifteen sixteen"
    assert chunks_of(recursive(16, separators=[";"]), text) == text.replace(";", ";|").split("|")
    assert chunks_of(recursive(16, separators=[]), text) == [text.removesuffix("sixteen"), "sixteen"]


def test_own_separators_are_part_of_the_fingerprint() -> None:
    assert recursive(separators=["\n"]).fingerprint != recursive().fingerprint
    assert recursive(separators=list(SEPARATORS)).fingerprint == recursive().fingerprint


@pytest.mark.parametrize("separators", [[""], ["x" * 21], ["\x00"], ["\ud800"], ["a"] * 21, "ab"])
def test_unusable_separators_are_refused(separators: object) -> None:
    with pytest.raises(ValidationError):
        recursive(separators=separators)


@pytest.mark.parametrize("size_tokens", [15, 8193])
def test_sizes_out_of_bounds_are_refused(size_tokens: int) -> None:
    with pytest.raises(ValidationError):
        recursive(size_tokens)


def test_there_is_no_overlap_to_set() -> None:
    with pytest.raises(ValidationError):
        recursive(overlap_tokens=5)
