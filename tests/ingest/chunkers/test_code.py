"""Code: definitions whole where they fit, and what stands in front of what was cut."""

from __future__ import annotations

import ast
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.span import Span
from ingest.chunkers.code import DEEPEST, Code
from ingest.chunkers.recursive import Recursive
from ingest.chunking import SEPARATOR, chunk_document
from ingest.document import Block, ParsedDocument, Piece
from ingest.grammars import GRAMMARS
from ingest.leads import lead_text
from ingest.parsers import parser_for
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.chunkers.sources import SOURCES
from tests.ingest.documents import code, definitions, document_of, documents, prose


def source_document(text: str, language: str = "python") -> ParsedDocument:
    """Return a file of source code, as its parser makes it."""
    return ParsedDocument(text=text, blocks=(Block(kind="code", span=Span(0, len(text)), label=language),))


def pieces_of(document: ParsedDocument, size_tokens: int = 60) -> list[Piece]:
    return list(Code(kind="code", size_tokens=size_tokens).split(document, TokenizerTools()))


def texts_of(document: ParsedDocument, pieces: list[Piece]) -> list[str]:
    return [document.text[piece.span.start : piece.span.end] for piece in pieces]


def leads_of(document: ParsedDocument, pieces: list[Piece]) -> list[str]:
    return [lead_text(document.text, piece.lead) for piece in pieces]


SMALL = '''"""Été: a module."""

import os


def first(argument):
    return argument + 1 + 2 + 3


# Says what second does.
def second():
    return 2 + 3 + 4
'''


def test_a_file_that_fits_is_one_chunk() -> None:
    document = source_document(SMALL)
    (piece,) = pieces_of(document, 200)
    assert (piece.span, piece.lead) == (Span(0, len(SMALL)), ())


def test_neighbours_are_packed_and_a_comment_stays_with_what_it_is_about() -> None:
    document = source_document(SMALL)
    assert texts_of(document, pieces_of(document, 21)) == [
        SMALL[: SMALL.index("def first")],
        SMALL[SMALL.index("def first") : SMALL.index("# Says")],
        SMALL[SMALL.index("# Says") :],
    ]


def test_a_large_class_is_cut_between_methods_with_its_signature_in_front() -> None:
    methods = [f"    def method_{number}(self):\n        return 'é' * {number}\n\n" for number in range(4)]
    text = "é = 1\n\n\n@decorated\nclass Étendue(Base):\n" + "".join(methods)
    document = source_document(text)
    pieces = pieces_of(document, 50)
    texts, leads = texts_of(document, pieces), leads_of(document, pieces)
    assert "".join(texts) == text
    assert texts[1].startswith("@decorated\nclass Étendue(Base):\n    def method_0")
    assert leads == ["", ""] + ["class Étendue(Base):\n"] * (len(pieces) - 2)
    assert len(pieces) > 2
    assert all(sum(method.rstrip() in one for one in texts) == 1 for method in methods)


def test_a_large_function_is_cut_between_statements_with_all_signatures_in_front() -> None:
    body = "".join(f"        value_{number} = compute({number})\n" for number in range(20))
    text = f"class Outer:\n    def method(self, one: int) -> None:\n{body}"
    document = source_document(text)
    pieces = pieces_of(document, 80)
    texts = texts_of(document, pieces)
    assert texts[0].startswith("class Outer:\n    def method(self, one: int) -> None:\n        value_0")
    assert "".join(texts) == text
    assert all(one.startswith("        value_") and one.endswith(")\n") for one in texts[1:])
    expected = "class Outer:\n    def method(self, one: int) -> None:\n"
    assert leads_of(document, pieces)[1:] == [expected] * (len(pieces) - 1)
    assert len(pieces) > 2


def test_of_signatures_that_are_too_long_the_innermost_stay() -> None:
    body = "".join(f"        value_{number} = compute({number})\n" for number in range(20))
    document = source_document(f"class Outer(With, Many, Bases, And, Even, More):\n    def method(self):\n{body}")
    chunks = chunk_document(document, Code(kind="code", size_tokens=60), title="", with_prefix=True)
    assert {chunk.prefix for chunk in chunks} == {"", "    def method(self):\n"}
    assert chunks[-1].prefix == "    def method(self):\n"


@pytest.mark.parametrize(
    ("title", "prefix"),
    [
        ("", "billing/refunds.py\n\n"),
        ("Refunds", f"Refunds{SEPARATOR}billing/refunds.py\n\n"),
        ("Billing/Refunds.py", "Billing/Refunds.py\n\n"),
        (" \n", "billing/refunds.py\n\n"),
    ],
)
def test_the_name_of_a_file_comes_after_the_title_where_they_differ(title: str, prefix: str) -> None:
    document = source_document(SMALL)
    chunker = Code(kind="code", size_tokens=60)
    chunks = chunk_document(document, chunker, title=title, file_name="billing/refunds.py", with_prefix=True)
    assert {chunk.prefix for chunk in chunks} == {prefix}


def test_no_prefix_names_a_file_unasked_or_for_prose() -> None:
    document = source_document(SMALL)
    chunker = Code(kind="code", size_tokens=60)
    assert chunk_document(document, chunker, title="", file_name="refunds.py", with_prefix=False)[0].prefix == ""
    recursive = Recursive(kind="recursive")
    assert chunk_document(document, recursive, title="", file_name="refunds.py", with_prefix=True)[0].prefix == ""


def test_fenced_code_in_markdown_stays_whole_or_is_cut_at_definitions() -> None:
    document = document_of(
        prose("Words before it."), definitions(1), prose("Between."), definitions(6), prose("After.")
    )
    pieces = pieces_of(document, 80)
    texts = texts_of(document, pieces)
    assert sum(definitions(1).source in one for one in texts) == 1
    assert all(sum(f"def méthode_{number}(" in one for one in texts[1:]) == 1 for number in range(1, 6))
    assert {"", "class Étendue:\n"} == set(leads_of(document, pieces))
    assert Code(kind="code", size_tokens=80).remarks(document, TokenizerTools()) == []


def test_code_in_an_unknown_language_is_cut_at_blank_lines_and_the_preview_says_so() -> None:
    text = "".join(f"paragraph-{number}.\n    display 'a'.\n    stop.\n\n" for number in range(12))
    document = source_document(text, "cobol")
    assert pieces_of(document) == list(Recursive(kind="recursive", size_tokens=60).split(document, TokenizerTools()))
    assert all(one.startswith("paragraph-") for one in texts_of(document, pieces_of(document)))
    chunker = Code(kind="code", size_tokens=60)
    assert chunker.remarks(document, TokenizerTools()) == [
        "code without a known grammar is cut at blank lines, as by `recursive`: cobol"
    ]
    assert "unlabelled" in chunker.remarks(source_document(text, ""), TokenizerTools())[0]
    assert chunker.remarks(source_document("short", "cobol"), TokenizerTools()) == []
    assert "no code" in chunker.remarks(ParsedDocument(text="Prose."), TokenizerTools())[0]


@pytest.mark.parametrize("language", GRAMMARS)
def test_definitions_of_every_language_are_whole_where_they_fit(language: str) -> None:
    source = SOURCES[language]
    text = source.text
    document = source_document(text, language)
    for size_tokens in (16, 25, 40, 60, 100):
        texts = texts_of(document, pieces_of(document, size_tokens))
        assert "".join("".join(texts).split()) == "".join(text.split())
        for definition in source.definitions:
            if TokenizerTools().tokens(text).count(*place_of(text, definition)) <= size_tokens:
                assert sum(definition in one for one in texts) == 1, (definition, texts)


@pytest.mark.parametrize("language", GRAMMARS)
def test_signatures_of_every_language_stand_in_front(language: str) -> None:
    source = SOURCES[language]
    document = source_document(source.text, language)
    leads = leads_of(document, pieces_of(document, 25))
    for signature in source.signatures:
        assert any(signature in lead for lead in leads), (signature, leads)


def place_of(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), size_tokens=st.integers(16, 120))
def test_every_definition_that_fits_is_whole(seed: int, size_tokens: int) -> None:
    text = random_module(random.Random(seed))
    document = source_document(text)
    tokens = TokenizerTools().tokens(text)
    spans = [piece.span for piece in pieces_of(document, size_tokens)]
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            start, end = lines[node.lineno - 1], lines[(node.end_lineno or 0)]
            end = start + len(text[start:end].rstrip())
            if tokens.count(start, end) <= size_tokens:
                assert any(span.start <= start and end <= span.end for span in spans)


def random_module(draw: random.Random) -> str:
    """Return Python of nested classes and functions with comments, decorators and letters of several bytes."""

    def statements(depth: int, indent: str) -> list[str]:
        written = []
        for _ in range(draw.randint(1, 4)):
            kind = draw.choice(["plain", "plain", "comment", "function", "class", "if"])
            if kind == "plain" or depth == 3:
                written.append(f"{indent}größe = compute('é{draw.randint(0, 99)}', 漢=1)\n")
            elif kind == "comment":
                written.append(f"{indent}# à propos {draw.randint(0, 99)}\n{draw.choice(['', chr(10)])}")
                written.append(f"{indent}x = 1\n")
            else:
                opening = {"function": "def f{}(self, a=1):", "class": "class C{}(Base):", "if": "if x == {}:"}[kind]
                decorator = f"{indent}@decorated\n" if kind != "if" and draw.random() < 0.3 else ""
                written.append(f"{decorator}{indent}{opening.format(draw.randint(0, 99))}\n")
                written.extend(statements(depth + 1, indent + "    "))
                written.append(draw.choice(["", "\n", "\n\n"]))
        return written

    return "".join(statements(0, ""))


@settings(max_examples=60, deadline=None)
@given(document=documents(), language=st.sampled_from(sorted(GRAMMARS)), newline=st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_text_keeps_the_laws_in_any_language(document: ParsedDocument, language: str, newline: str) -> None:
    text = document.text.replace("\n", newline)
    tokens = TokenizerTools().tokens(text)
    pieces = pieces_of(source_document(text, language), 20)
    assert all(tokens.count(piece.span.start, piece.span.end) <= 20 for piece in pieces)
    assert "".join("".join(text[piece.span.start : piece.span.end] for piece in pieces).split()) == "".join(
        text.split()
    )
    assert all(signature.end <= piece.span.start for piece in pieces for signature in piece.lead)


@pytest.mark.parametrize("language", ["python", "cpp", "javascript"])
def test_a_cut_file_is_cut_as_far_as_it_goes(language: str) -> None:
    text = SOURCES[language].text
    for length in range(0, len(text), 7):
        texts = texts_of(
            source_document(text[:length], language), pieces_of(source_document(text[:length], language), 16)
        )
        assert "".join("".join(texts).split()) == "".join(text[:length].split())


def test_code_nested_very_deep_is_cut_like_text() -> None:
    depth = 3 * DEEPEST
    text = "".join(" " * level + f"class C{level}:\n" for level in range(depth)) + " " * depth + "x = 1\n"
    document = source_document(text)
    assert "".join(texts_of(document, pieces_of(document, 16))) == text
    text = "x = " + "(" * 5_000 + "1" + ")" * 5_000
    assert "".join(texts_of(source_document(text), pieces_of(source_document(text), 16))) == text


@pytest.mark.parametrize("run", ["<a", "\"'", "if x:\n", "class A { ", "{", "[1,", "`${", "word ", "<<A "])
@pytest.mark.parametrize("language", GRAMMARS)
def test_nonsense_takes_no_quadratic_time(language: str, run: str) -> None:
    text = run * (12_000 // len(run))
    begun = time.process_time()
    assert "".join("".join(texts_of(ParsedDocument(text=text), pieces_of(source_document(text, language)))).split())
    assert time.process_time() - begun < 5


def test_a_parsed_file_and_the_fence_of_markdown_agree() -> None:
    parsed = parser_for("a.md").parse(f"~~~py\n{SMALL}~~~\n".encode())
    assert [(block.kind, block.label) for block in parsed.blocks] == [("code", "py")]
    texts = texts_of(parsed, pieces_of(parsed, 21))
    assert count_tokens(SMALL) > 21
    assert [one.strip() for one in texts][-1] == SMALL[SMALL.index("# Says") :] + "~~~"
    assert code(1).kind == "code"
