"""Chunks of a document: tokens, heading paths and prefixes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.span import Span
from ingest.chunkers import Chunker
from ingest.chunkers.fixed import Fixed
from ingest.chunkers.recursive import Recursive
from ingest.chunkers.whole_document import WholeDocument
from ingest.chunking import SEPARATOR, chunk_document, context_prefix, indexed_text
from ingest.document import ParsedDocument, Piece
from ingest.tokenizers import TokenizerTools, TokenOffsets, count_tokens
from tests.ingest.documents import document_of, documents, heading, prose, sentences

GUIDE = document_of(
    prose("Words before any heading."),
    heading(1, "Guide"),
    prose("Intro text."),
    heading(2, "Setup"),
    prose("Setup text."),
    heading(4, "Linux"),
    prose("Linux text."),
    heading(2, "Use"),
    prose("Use text, with some more words than fit."),
)
LINES = Recursive(kind="recursive", size_tokens=16, separators=("\n\n",))


def sized(size_tokens: int) -> Fixed:
    return Fixed(kind="fixed", size_tokens=size_tokens)


def paths_and_texts(document: ParsedDocument, chunker: Chunker) -> list[tuple[tuple[str, ...], str]]:
    chunks = chunk_document(document, chunker, title="", with_prefix=False)
    return [(chunk.heading_path, document.text[chunk.span.start : chunk.span.end]) for chunk in chunks]


def test_a_chunk_has_the_heading_path_of_its_first_character() -> None:
    assert paths_and_texts(GUIDE, LINES) == [
        ((), "Words before any heading.\n\n# Guide\n\nIntro text.\n\n## Setup\n\nSetup text.\n\n"),
        (("Guide", "Setup", "Linux"), "#### Linux\n\nLinux text.\n\n## Use\n\n"),
        (("Guide", "Use"), "Use text, with some more words than fit.\n\n"),
    ]


def test_white_space_before_a_heading_does_not_hide_it() -> None:
    document = document_of(prose("\n"), heading(1, "Guide"), prose("Text."))
    assert [path for path, _ in paths_and_texts(document, LINES)] == [("Guide",)]


@settings(max_examples=40)
@given(document=documents(), title=sentences(), with_prefix=st.booleans())
def test_chunks_carry_what_their_spans_say(document: ParsedDocument, title: str, with_prefix: bool) -> None:
    chunker = sized(16)
    tokens = TokenizerTools().tokens(document.text)
    pieces = list(chunker.split(document, TokenizerTools()))
    chunks = chunk_document(document, chunker, title=title, with_prefix=with_prefix)
    assert [chunk.span for chunk in chunks] == [piece.span for piece in pieces]
    for chunk in chunks:
        text = document.text[chunk.span.start : chunk.span.end]
        first = chunk.span.start + len(text) - len(text.lstrip())
        assert chunk.tokens == tokens.count(chunk.span.start, chunk.span.end)
        assert chunk.heading_path == document.heading_path(first)
        assert chunk.prefix == (context_prefix(title, chunk.heading_path, chunker) if with_prefix else "")
        assert indexed_text(document.text, chunk) == chunk.prefix + text
        assert count_tokens(chunk.prefix) <= 16 // 4


def test_spans_do_not_depend_on_the_prefix() -> None:
    with_prefix, without = (
        chunk_document(GUIDE, sized(16), title="A title of some length", with_prefix=choice) for choice in (True, False)
    )
    assert [(chunk.span, chunk.tokens) for chunk in with_prefix] == [(chunk.span, chunk.tokens) for chunk in without]
    assert all(chunk.prefix for chunk in with_prefix)
    assert not any(chunk.prefix for chunk in without)


def test_a_larger_span_that_a_piece_stands_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [Piece(span=Span(0, 5), parent=Span(0, 20)), Piece(span=Span(6, 20))]
    monkeypatch.setattr(Fixed, "split", lambda *_: iter(pieces))
    chunks = chunk_document(GUIDE, sized(16), title="", with_prefix=False)
    assert [chunk.parent for chunk in chunks] == [Span(0, 20), None]


def test_tools_are_used_where_they_are_given() -> None:
    class FixedTools(TokenizerTools):
        def tokens(self, text: str) -> TokenOffsets:
            return TokenOffsets(range(len(text)), range(1, len(text) + 1))

    document = ParsedDocument(text="x" * 40)
    chunks = chunk_document(document, sized(16), title="", with_prefix=True, tools=FixedTools())
    assert [chunk.tokens for chunk in chunks] == [16, 16, 8]


def test_the_separator_is_one_token() -> None:
    assert SEPARATOR == " \u203a "
    assert count_tokens(SEPARATOR) == 1


@pytest.mark.parametrize(
    ("title", "path", "prefix"),
    [
        ("Handbook", ("Travel", "Refunds"), "Handbook > Travel > Refunds\n\n"),
        ("Handbook", (), "Handbook\n\n"),
        ("", ("Travel", "Refunds"), "Travel > Refunds\n\n"),
        ("", (), ""),
        (" \n ", (" ",), ""),
        ("Handbook", ("Handbook", "Refunds"), "Handbook > Refunds\n\n"),
        ("Hand  book", ("HAND\nBOOK", "Refunds"), "Hand book > Refunds\n\n"),
        ("A\tnew\r\ntitle ", (" One\n two ",), "A new title > One two\n\n"),
    ],
)
def test_a_prefix_is_title_and_headings_on_one_line(title: str, path: tuple[str, ...], prefix: str) -> None:
    assert context_prefix(title, path, sized(200)) == prefix.replace(" > ", SEPARATOR)


@pytest.mark.parametrize(
    ("size_tokens", "prefix"),
    [
        (64, "title > one two three > four five six > seven eight nine\n\n"),
        (48, "title > four five six > seven eight nine\n\n"),
        (36, "title > four five six > seven eight nine\n\n"),
        (32, "title > seven eight nine\n\n"),
        (20, "title > seven eight nine\n\n"),
        (16, "title > seven eight\n\n"),
    ],
)
def test_a_long_prefix_loses_its_outermost_headings_then_words(size_tokens: int, prefix: str) -> None:
    path = ("one two three", "four five six", "seven eight nine")
    assert context_prefix("title", path, sized(size_tokens)) == prefix.replace(" > ", SEPARATOR)
    assert count_tokens(prefix) <= size_tokens // 4


@pytest.mark.parametrize(
    ("size_tokens", "title", "prefix"),
    [
        (64, "title", "title > source.py > one two three > four five six\n\n"),
        (48, "title", "title > source.py > four five six\n\n"),
        (32, "title", "title > four five six\n\n"),
        (16, "title", "title > four five\n\n"),
        (48, "", "source.py > one two three > four five six\n\n"),
        (32, "", "source.py > four five six\n\n"),
    ],
)
def test_a_long_prefix_loses_the_name_of_the_file_after_outer_headings(
    size_tokens: int, title: str, prefix: str
) -> None:
    path = ("one two three", "four five six")
    made = context_prefix(title, path, sized(size_tokens), file_name="source.py")
    assert made == prefix.replace(" > ", SEPARATOR)
    assert count_tokens(made) <= size_tokens // 4


def test_of_headings_without_a_title_the_outermost_and_the_innermost_stay() -> None:
    assert context_prefix("", ("one", "two", "three", "four"), sized(16)) == f"one{SEPARATOR}four\n\n"


@pytest.mark.parametrize(
    ("title", "path", "prefix"),
    [
        ("a b c d e f", (), "a b c d\n\n"),
        ("a b c d e f", ("one two three",), "a b > one\n\n"),
        ("", ("one two three four five",), "one two three four\n\n"),
        ("unbelievablyunbelievable wording", (), ""),
        ("unbelievablyunbelievable", ("one two three four",), "one\n\n"),
        ("one", ("unbelievablyunbelievable",), "one\n\n"),
    ],
)
def test_words_that_do_not_fit_are_left_out_at_the_end(title: str, path: tuple[str, ...], prefix: str) -> None:
    assert context_prefix(title, path, sized(16)) == prefix.replace(" > ", SEPARATOR)


@settings(max_examples=60)
@given(
    title=sentences() | st.just(""),
    file_name=st.sampled_from(["", "a.py", "source/billing/refunds.py", "two words.py"]),
    path=st.lists(sentences(), max_size=4),
    size_tokens=st.integers(16, 200),
)
def test_a_prefix_never_has_more_than_a_quarter_of_the_size(
    title: str, file_name: str, path: list[str], size_tokens: int
) -> None:
    prefix = context_prefix(title, tuple(path), sized(size_tokens), file_name=file_name)
    assert count_tokens(prefix) <= size_tokens // 4
    assert prefix == "" or prefix.endswith("\n\n")
    assert "\n" not in prefix.removesuffix("\n\n")


def test_a_chunker_without_a_size_keeps_the_whole_prefix() -> None:
    title = "word " * 5_000 + "end"
    assert context_prefix(title, ("A",), WholeDocument(kind="whole_document")) == f"{title}{SEPARATOR}A\n\n"


def test_equal_paths_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[tuple[str, ...]] = []

    def noting(_title: str, path: tuple[str, ...], _chunker: Chunker, *, file_name: str, below: str) -> str:
        assert file_name == below == ""
        measured.append(path)
        return ""

    monkeypatch.setattr("ingest.chunking.context_prefix", noting)
    document = document_of(heading(1, "A"), prose("word " * 400), heading(2, "B"), prose("word " * 400))
    assert len(chunk_document(document, sized(16), title="T", with_prefix=True)) > 40
    assert measured == [("A",), ("A", "B")]
