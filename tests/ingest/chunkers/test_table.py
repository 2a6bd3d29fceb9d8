"""Table: whole where it fits, else groups of rows that each read as a table of their own."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from configs.span import Chunk, Span
from ingest.chunkers.recursive import Recursive
from ingest.chunkers.table import Table
from ingest.chunking import SEPARATOR, chunk_document
from ingest.document import Block, ParsedDocument, Piece
from ingest.leads import lead_text
from ingest.parsers import parser_for
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.documents import document_of, documents, heading, prose, table

READER = MarkdownIt("commonmark").enable("table")


def chunker(size_tokens: int = 70) -> Table:
    return Table(kind="table", size_tokens=size_tokens)


def pieces_of(document: ParsedDocument, size_tokens: int = 70) -> list[Piece]:
    return list(chunker(size_tokens).split(document, TokenizerTools()))


def said(document: ParsedDocument, piece: Piece | Chunk) -> str:
    """Return what is sent of the piece."""
    return lead_text(document.text, piece.lead) + document.text[piece.span.start : piece.span.end]


def cells(source: str) -> list[list[str]]:
    """Return the rows of a text that is nothing but one Markdown table, the header first."""
    tokens = READER.parse(source)
    assert (tokens[0].type, tokens[-1].type) == ("table_open", "table_close")
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content)
    return rows


def test_a_table_that_fits_is_whole_together_with_text_that_fits() -> None:
    document = document_of(prose("Before."), table(3), prose("After."))
    (piece,) = pieces_of(document, 70)
    assert (piece.span, piece.lead) == (Span(0, len(document.text)), ())
    assert [said(document, piece).strip() for piece in pieces_of(document, 41)] == [
        "Before.",
        table(3).source,
        "After.",
    ]


def test_a_large_table_becomes_groups_of_rows_with_the_header_in_front() -> None:
    document = document_of(heading(1, "Prices"), prose("Before."), table(20), prose("After."))
    pieces = pieces_of(document, 70)
    groups = [said(document, piece) for piece in pieces[1:-1]]
    assert [document.text[piece.span.start :][:8] for piece in (pieces[0], pieces[-1])] == ["# Prices", "\n\nAfter."]
    header = "| name | size | price |\n|--|--|--|\n"
    start, end = document.text.index(header), document.text.index(header) + len(header)
    rows = start + header.index("|--|")
    lead = (Span(start, rows + 3), Span(rows + 3, rows + 6), Span(rows + 6, rows + 9), Span(rows + 9, end))
    assert [piece.lead for piece in pieces[1:-1]] == [(), lead, lead]
    assert groups == [
        header + "".join(f"| row {number} | one | two |\n" for number in range(6)),
        header + "".join(f"| row {number} | one | two |\n" for number in range(6, 14)),
        (header + "".join(f"| row {number} | one | two |\n" for number in range(14, 20))).rstrip(),
    ]


@settings(max_examples=60)
@given(
    columns=st.integers(1, 4),
    rows=st.integers(1, 40),
    edges=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    size_tokens=st.integers(110, 150),
    words=st.lists(st.sampled_from(["one", "zwei", "é", "漢", "3.5 %", "**b**", "a. b"]), min_size=1, max_size=5),
)
def test_each_group_reads_as_a_table_and_together_they_have_every_row_once(
    columns: int, rows: int, edges: bool, newline: str, size_tokens: int, words: list[str]
) -> None:
    def line(values: list[str]) -> str:
        return f"| {' | '.join(values)} |" if edges or columns == 1 else " | ".join(values)

    cycle = itertools.cycle(words)
    data = [[f"{next(cycle)} {number}" for _ in range(columns)] for number in range(rows)]
    header = [f"h{number}" for number in range(columns)]
    source = newline.join([line(header), line(["---"] * columns), *map(line, data)])
    document = parser_for("a.md").parse(source.encode())
    assert [block.kind for block in document.blocks] == ["table"]
    groups = [cells(said(document, piece)) for piece in pieces_of(document, size_tokens)]
    assert all(group[0] == header for group in groups)
    assert [row for group in groups for row in group[1:]] == data


def test_a_quoted_table_and_one_of_html_have_headers_too() -> None:
    rows = "\n".join(f"> | row {number} | one | two |" for number in range(20))
    document = parser_for("a.md").parse(f"> | a | b | c |\n> | --- | --- | --- |\n{rows}\n".encode())
    assert all(said(document, piece).startswith("> | a | b | c |\n> | -") for piece in pieces_of(document, 100))
    html = "".join(f"<tr><td>row {number}</td><td>one</td></tr>" for number in range(30))
    document = parser_for("a.html").parse(f"<table><tr><th>name</th><th>size</th></tr>{html}</table>".encode())
    pieces = pieces_of(document)
    assert len(pieces) == 2
    assert all(said(document, piece).startswith("name | size\nrow ") for piece in pieces)


def test_rows_of_a_csv_file_stay_whole() -> None:
    rows = "".join(f'{number},"A text; with. signs, in it, {number}"\n' for number in range(30))
    document = parser_for("a.csv").parse(f"name,note\n{rows}".encode())
    pieces = pieces_of(document, 40)
    texts = [said(document, piece).strip() for piece in pieces]
    assert "\n\n".join(texts) == document.text.strip()
    assert all(text.count("name:") == text.count("note:") >= 1 and text.startswith("name:") for text in texts)
    assert not any(piece.lead for piece in pieces)


def test_a_header_of_more_than_a_quarter_stands_with_the_first_rows_only() -> None:
    header = "| " + " | ".join(f"a long column name {number}" for number in range(4)) + " |\n|--|--|--|--|\n"
    source = header + "| one | two | three | four |\n" * 20
    document = ParsedDocument(text=source, blocks=(Block(kind="table", span=Span(0, len(source.rstrip()))),))
    repeated = count_tokens(header)
    too_small, large_enough = 4 * repeated - 1, 4 * repeated
    pieces = pieces_of(document, too_small)
    assert len(pieces) > 1
    assert not any(piece.lead for piece in pieces)
    assert said(document, pieces[0]).startswith(header)
    (remark,) = chunker(too_small).remarks(document, TokenizerTools())
    assert remark.startswith("1 of the tables")
    assert chunker(large_enough).remarks(document, TokenizerTools()) == []
    assert [bool(piece.lead) for piece in pieces_of(document, large_enough)] == [False, True]


def test_of_a_padded_delimiter_row_two_dashes_a_column_are_repeated() -> None:
    source = f"| name{' ' * 60} | size |\n|:{'-' * 64}|{'-' * 10}:|\n" + "| a name | 7 |\n" * 40
    document = ParsedDocument(text=source, blocks=(Block(kind="table", span=Span(0, len(source.rstrip()))),))
    pieces = pieces_of(document, 120)
    assert said(document, pieces[1]).startswith(f"| name{' ' * 60} | size |\n|:--|--:|\n| a name | 7 |\n")
    assert [cells(said(document, piece))[0] for piece in pieces] == [["name", "size"]] * len(pieces)


def test_a_row_that_is_too_large_is_cut_like_text() -> None:
    source = "| a |\n|--|\n| one |\n| " + "word " * 100 + "|\n| two |"
    document = ParsedDocument(text=source, blocks=(Block(kind="table", span=Span(0, len(source))),))
    pieces = pieces_of(document, 30)
    assert "".join(source[piece.span.start : piece.span.end] for piece in pieces) == source
    assert [bool(piece.lead) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert said(document, pieces[-1]) == "| a |\n|--|\n| two |"


@pytest.mark.parametrize("source", ["| a | b |\n|--|--|", "|  |\n|--|\n" + "|  |\n" * 60, "x | y"])
def test_tables_without_rows_are_cut_all_the_same(source: str) -> None:
    document = ParsedDocument(text=source, blocks=(Block(kind="table", span=Span(0, len(source.rstrip()))),))
    assert (
        "".join(source[piece.span.start : piece.span.end] for piece in pieces_of(document, 16)).strip()
        == source.strip()
    )


@settings(max_examples=40)
@given(document=documents())
def test_chunks_together_are_the_document(document: ParsedDocument) -> None:
    chunks = [document.text[piece.span.start : piece.span.end] for piece in pieces_of(document, 40)]
    assert "".join("".join(chunks).split()) == "".join(document.text.split())


@given(text=st.text(st.sampled_from("ab .,\n"), max_size=300))
def test_what_is_no_table_is_cut_as_by_recursive(text: str) -> None:
    document = ParsedDocument(text=text)
    recursive = Recursive(kind="recursive", size_tokens=16).split(document, TokenizerTools())
    assert pieces_of(document, 16) == list(recursive)


def test_what_is_indexed_of_a_group_begins_with_title_headings_and_header() -> None:
    document = document_of(heading(1, "Prices"), table(40))
    header = "| name | size | price |\n|--|--|--|\n"
    assert count_tokens(header) == 17
    for size_tokens, named in ((80, f"Shop{SEPARATOR}Prices\n\n"), (70, "")):
        first, second, *others = chunk_document(document, chunker(size_tokens), title="Shop", with_prefix=True)
        assert first.prefix == second.prefix == f"Shop{SEPARATOR}Prices\n\n"
        assert {one.prefix for one in others} == {named + header}
        without = chunk_document(document, chunker(size_tokens), title="Shop", with_prefix=False)
        assert [one.prefix for one in without] == ["", "", *[header] * len(others)]
