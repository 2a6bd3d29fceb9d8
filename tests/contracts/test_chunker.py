"""What every chunker promises, whatever it cuts by: tried on each registered member, with several settings each."""

from __future__ import annotations

import atexit
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from configs.span import Span, union
from ingest.chunkers import Chunker
from ingest.chunking import chunk_document
from ingest.document import Block, Encoder, ParsedDocument, Piece
from ingest.embedders import Vectors
from ingest.leads import PREFIX_SHARE, lead_text
from ingest.tokenizers import TokenizerTools, count_tokens, token_offsets
from tests.ingest.documents import code, document_of, documents, heading, prose, save_byte_tokenizer, table

FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)
BYTES = save_byte_tokenizer(Path(FOLDER.name))
ATOMIC = {"heading"}
"""Members that keep tables and fenced code whole, and say so."""
SMALLEST = {"cluster_semantic": {"piece_tokens": 8}}
"""What else members of a small size need to be set to."""


def chunker_of(kind: str, **settings: Any) -> Chunker:
    """Return the member; one that needs vectors gets those of the embedder without a model."""
    member = Chunker.members()[kind]
    if "embedder" in member.model_fields:
        settings = {"embedder": {"kind": "hashing"}, **settings}
    return member.model_validate({"kind": kind, **settings})


def variants() -> Iterator[Chunker]:
    """Yield each member with its defaults, with small sizes, and with another tokenizer."""
    for kind, member in Chunker.members().items():
        yield chunker_of(kind)
        yield chunker_of(kind, tokenizer=BYTES)
        smallest = SMALLEST.get(kind, {})
        if "size_tokens" in member.model_fields:
            for size in (16, 50):
                yield chunker_of(kind, size_tokens=size, **smallest)
            yield chunker_of(kind, size_tokens=16, tokenizer=BYTES, **smallest)
        if "overlap_tokens" in member.model_fields:
            for overlap in (1, 8, 15):
                yield chunker_of(kind, size_tokens=16, overlap_tokens=overlap)
            yield chunker_of(kind, size_tokens=16, overlap_tokens=15, tokenizer=BYTES)
        if "overlap_sentences" in member.model_fields:
            for overlap in (1, 10):
                yield chunker_of(kind, size_tokens=50, overlap_sentences=overlap)
        if "child_tokens" in member.model_fields:
            yield chunker_of(kind, child_tokens=16, parent_tokens=32)
            yield chunker_of(kind, child_tokens=16, parent_tokens=50, tokenizer=BYTES)


CHUNKERS = list(variants())
each_kind = pytest.mark.parametrize("kind", Chunker.members())


def of_kind(kind: str) -> list[Chunker]:
    return [chunker for chunker in CHUNKERS if chunker.kind_of_class() == kind]


def pieces_of(chunker: Chunker, document: ParsedDocument) -> list[Piece]:
    return list(chunker.split(document, TokenizerTools(chunker.tokenizer)))


def is_atomic_block(document: ParsedDocument, span: Span) -> bool:
    """Tell whether the span holds tables and code, headings right above them, and nothing else."""
    inside = [block for block in document.blocks if span.start <= block.span.start and block.span.end <= span.end]
    text = document.text
    left = [character for position, character in enumerate(text[span.start : span.end], start=span.start)
            if not any(block.span.start <= position < block.span.end for block in inside)]  # fmt: skip
    return bool(inside) and inside[-1].kind in ("table", "code") and not "".join(left).strip()


def check_promises(chunker: Chunker, document: ParsedDocument, tools: TokenizerTools) -> None:
    """Fail where a promise is broken with `tools` that others used before, or where new tools give other pieces."""
    text = document.text
    tokens = tools.tokens(text)
    pieces = list(chunker.split(document, tools))
    spans = [piece.span for piece in pieces]
    assert all(span.end <= len(text) and text[span.start : span.end].strip() for span in spans)
    assert spans == sorted(set(spans))
    edges = [0, *(edge for span in union(spans) for edge in (span.start, span.end)), len(text)]
    gaps = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    assert "".join(gaps).strip() == ""
    limit = chunker.size_limit_tokens
    for piece in pieces:
        assert (piece.parent is None) == (chunker.parents == "none")
        if piece.parent is not None:
            assert piece.parent.end <= len(text)
            assert piece.parent.overlap(piece.span) == len(piece.span)
        if limit is not None and tokens.count(piece.span.start, piece.span.end) > limit:
            assert chunker.kind_of_class() in ATOMIC
            assert is_atomic_block(document, piece.span)
        edges = [edge for span in piece.lead for edge in (span.start, span.end)]
        assert [*edges, piece.span.start] == sorted([*edges, piece.span.start])
        assert all(text[span.start : span.end].strip() for span in piece.lead)
    assert pieces == pieces_of(chunker, document)


@each_kind
@pytest.mark.parametrize("text", ["the. \n\n### Étendue\n\n\xad the. \n\n", "\n\n\n### Étendue\n\n\xade"])
def test_white_space_around_what_just_fits_passes_no_limit(kind: str, text: str) -> None:
    start = text.index("#")
    block = Block(kind="heading", span=Span(start, start + 11), level=3, label="Étendue")
    document = ParsedDocument(text=text, title="", blocks=(block,))
    for chunker in of_kind(kind):
        check_promises(chunker, document, TokenizerTools(chunker.tokenizer))


@each_kind
@given(document=documents())
def test_pieces_keep_every_promise(kind: str, document: ParsedDocument) -> None:
    tools = {name: TokenizerTools(name) for name in {chunker.tokenizer for chunker in of_kind(kind)}}
    for chunker in of_kind(kind):
        check_promises(chunker, document, tools[chunker.tokenizer])


@each_kind
@given(document=documents())
def test_prefixes_end_with_the_lead_and_have_at_most_a_quarter_of_the_size(kind: str, document: ParsedDocument) -> None:
    for chunker in of_kind(kind):
        for chunk in chunk_document(document, chunker, title="A title of several words", with_prefix=True):
            said = lead_text(document.text, chunk.lead)
            assert chunk.prefix.endswith(said)
            if chunker.size_limit_tokens is not None:
                assert count_tokens(chunk.prefix, chunker.tokenizer) <= chunker.size_limit_tokens // PREFIX_SHARE


@each_kind
@pytest.mark.parametrize("text", ["", " ", "\n\n", " \t\r\n\u3000\x0c"])
def test_a_blank_text_has_no_pieces(kind: str, text: str) -> None:
    for chunker in of_kind(kind):
        assert pieces_of(chunker, ParsedDocument(text=text)) == []


@each_kind
@pytest.mark.parametrize("text", ["a", "\u200b", "\u0301\u0301", " \n\u200b ", "🎉", "  a\n"])
def test_a_text_of_one_character_is_one_piece(kind: str, text: str) -> None:
    for chunker in of_kind(kind):
        pieces = pieces_of(chunker, ParsedDocument(text=text))
        assert [text[piece.span.start : piece.span.end].strip() for piece in pieces] == [text.strip()]


@each_kind
def test_equal_settings_give_equal_pieces_in_another_instance(kind: str) -> None:
    document = document_of(heading(1, "A"), table(9), prose("One two three. " * 40), code(9), heading(2, "B"))
    for chunker in of_kind(kind):
        again = type(chunker).model_validate_json(chunker.model_dump_json())
        assert again.fingerprint == chunker.fingerprint
        assert pieces_of(again, document) == pieces_of(chunker, document)


@each_kind
def test_settings_that_move_cuts_change_the_fingerprint(kind: str) -> None:
    assert len({chunker.fingerprint for chunker in of_kind(kind)}) == len(of_kind(kind)) > 1


class CountingTools:
    """Tokens that count how often they are asked."""

    def __init__(self, text: str, name: str) -> None:
        self.asked = 0
        self._offsets = token_offsets(text, name)
        self.starts, self.ends = self._offsets.starts, self._offsets.ends

    def tokens(self, text: str) -> CountingTools:
        assert self.ends[-1] <= len(text)
        return self

    def count(self, start: int, end: int) -> int:
        self.asked += 1
        return self._offsets.count(start, end)

    def vectors(self, embedder: Encoder, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        return embedder.encode(texts)


@pytest.mark.parametrize("unit", ["a", "word ", "a. ", "漢", "ab cd\n", "x\n\n", "-"])
@each_kind
def test_the_number_of_counts_grows_no_faster_than_the_text(kind: str, unit: str) -> None:
    chunker = chunker_of(kind)
    asked = []
    for characters in (10_000, 40_000):
        document = ParsedDocument(text=unit * (characters // len(unit)))
        tools = CountingTools(document.text, chunker.tokenizer)
        assert list(chunker.split(document, tools))
        asked.append(tools.asked)
    assert asked[1] <= 5 * asked[0] + 20


@pytest.mark.parametrize(
    "run",
    [" " * 100_000, "\n" * 100_000, " \n" * 50_000, "\r" * 100_000, "\u200b" * 100_000, "a" * 100_000, "." * 100_000],
    ids=["spaces", "newlines", "blank lines", "carriage returns", "no tokens", "one word", "full stops"],
)
@each_kind
def test_long_runs_take_no_quadratic_time(kind: str, run: str) -> None:
    chunker = chunker_of(kind)
    text = "word " * 500 + run + " word" * 500
    tools = TokenizerTools()
    assert tools.tokens(text).count(0, len(text)) >= 1_000
    begun = time.process_time()
    assert list(chunker.split(ParsedDocument(text=text), tools))
    assert time.process_time() - begun < 5
