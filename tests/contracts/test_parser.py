"""What every parser promises, whatever it reads: tried on each member with good, broken and random files."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import InvalidInputError, PlaygroundError
from configs.text import storable
from ingest.document import ParsedDocument
from ingest.parsers import Parser
from tests.ingest.parsers.office_files import (
    docx,
    epub,
    heading,
    mail,
    page_break,
    paragraph,
    pptx,
    table,
    xlsx,
)
from tests.ingest.parsers.pdf_files import encrypted, pdf_of

Law = Callable[..., Any]

KINDS = sorted(Parser.members())
ARCHIVES = {"epub", "presentation", "word_document", "workbook"}
BINARY = {"pdf", *ARCHIVES}
IN_A_PROCESS = {"mail", *ARCHIVES}
"""Members that read each file in a process of its own, which takes half a second: they are tried with fewer files."""
TRIES_IN_A_PROCESS = 4

MARKDOWN = (
    b"---\r\ntitle: Guide\r\n---\r\n# One *two*\r\n\r\ntext\r\n\r\n```py\r\n# no heading\r\n```\r\n\r\n"
    b"Under\nlined\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n    code\n\n> # quoted\n\n## [ref]\n\n[ref]: /u\n"
)
HTML = (
    b"<!DOCTYPE html><html><head><meta charset=utf-8><title>A &amp; B</title><style>p{}</style></head><body><!-- c -->"
    b"<h1>One</h1><p>text <b>bold</b><br>line<p hidden>gone<p>two<table><tr><th>a<th>b<tr><td>1<td>2</table>"
    b"<pre class=language-py>x = 1\n  y</pre><script>if (a < b) {}</script><ul><li>x<li>y</ul>"
    b"<h2>End</h2></body></html>"
)
SAMPLES: dict[str, list[bytes]] = {
    "plain_text": [b"one\r\ntwo\r\n", "Zeile mit Ümläuten 🎉\n".encode(), "wide".encode("utf-16")],
    "markdown": [MARKDOWN, b"no structure", "\ufeff# Ümläute".encode()],
    "html": [HTML, b"plain", '<meta charset="windows-1252"><p>caf\xe9'.encode("latin-1")],
    "pdf": [
        pdf_of(["Page one", "", "Page (three)\nline"], information=b"/Title (Report)"),
        encrypted(pdf_of(["locked for changes only"]), ""),
    ],
    "json_document": [b'[{"a": {"b": [1, 2.50]}, "t": true}, {"n": null}]', b'{"a": "x"}', b'"text"'],
    "json_lines": [b'{"a": 1}\r\n\r\n{"b": [1, {"c": "d"}]}\n"x"'],
    "source_code": [b"# no shebang\r\ndef f():\r\n    return 1\r\n", "\n\nx = 'Größe'  # 🎉\n\n".encode(), b"}"],
    "word_document": [
        docx(
            heading("Größe"),
            paragraph("One 🎉"),
            heading("Two", 2),
            table([["a", "b"], ["1", ""]]),
            page_break(),
            paragraph("next"),
        ),
    ],
    "presentation": [pptx([("First ü", ["one", "two"]), ("", []), ("Third", ["x"])], title="Deck")],
    "workbook": [xlsx({"Prices": [["name", "price"], ["ann", "1.5"], ["", ""], ["bob", "2"]], "Two": [["x"], ["y"]]})],
    "epub": [epub([("Chapter ä", "text one"), ("Two", "text two")], title="A book")],
    "mail": [mail("Grüße", "Hello\nBob", b"attached")],
    "csv_table": [b'name,text\r\nann,"a\r\nb, ""q"""\r\nbob,x\r\n', b"a;b\n1;2,5\n", b"a\tb\n1\t2"],
}
DECODED = [kind for kind in KINDS if kind not in BINARY | {"mail"}]
FILES = [(kind, data) for kind, files in SAMPLES.items() for data in files]


def parser_of(kind: str) -> Parser:
    return Parser.members()[kind].model_validate({"kind": kind})


def check_laws(document: ParsedDocument) -> None:
    """Fail where the document breaks a promise that holds for any file."""
    text = document.text
    assert text.strip()
    assert storable(text) == text
    assert storable(document.title) == document.title
    for block in document.blocks:
        assert 0 <= block.span.start < block.span.end <= len(text)
        assert text[block.span.start : block.span.end].strip()
        assert storable(block.label) == block.label
        assert (1 <= block.level <= 6) if block.kind == "heading" else block.level == 0
    for before, after in pairwise(document.blocks):
        assert before.span.start <= after.span.start
    check_numbers([int(block.label) for block in document.blocks if block.kind == "page"])
    rows: list[int] = []
    for block in document.blocks:
        if block.kind == "record":
            rows.append(int(block.label))
        elif block.kind == "heading":  # a workbook's next sheet counts its rows anew
            check_numbers(rows)
            rows = []
    check_numbers(rows)


def check_numbers(numbers: list[int]) -> None:
    """Fail where pages or rows are not counted upwards from 1."""
    assert numbers == sorted(set(numbers))
    assert all(number >= 1 for number in numbers)


def check_refusal(error: PlaygroundError) -> None:
    """Fail where the error does not say what is wrong, in text that can be stored, and what to do."""
    assert error.detail
    assert error.hint
    assert error.code not in {"invalid_input", "too_large"}, "every error has a code of its own"
    assert error.status in {413, 422}
    storable(error.detail + error.hint)
    json.dumps(error.as_dict())


def parse_or_refuse(kind: str, data: bytes) -> None:
    """Fail where the parser neither keeps its promises nor says what is wrong with the file."""
    try:
        document = parser_of(kind).parse(data)
    except PlaygroundError as error:
        check_refusal(error)
    else:
        check_laws(document)


def test_every_member_is_tried() -> None:
    assert sorted(SAMPLES) == KINDS


def test_extensions_and_media_types_name_one_member_each() -> None:
    for names in (
        [name for member in Parser.members().values() for name in member.extensions],
        [name for member in Parser.members().values() for name in member.media_types],
    ):
        assert len(names) == len(set(names))
        assert all(name == name.lower().strip() for name in names)
    assert all(name.startswith(".") for member in Parser.members().values() for name in member.extensions)


@pytest.mark.parametrize(("kind", "data"), FILES)
def test_a_good_file_keeps_the_laws(kind: str, data: bytes) -> None:
    check_laws(parser_of(kind).parse(data))


@pytest.mark.parametrize(("kind", "data"), FILES)
def test_the_same_bytes_give_the_same_document(kind: str, data: bytes) -> None:
    first, second = parser_of(kind).parse(data), parser_of(kind).parse(bytes(bytearray(data)))
    assert first == second
    assert first.structure() == second.structure()


@pytest.mark.parametrize(("kind", "data"), FILES)
def test_the_database_can_give_the_document_back(kind: str, data: bytes) -> None:
    document = parser_of(kind).parse(data)
    structure = json.loads(json.dumps(document.structure()))
    assert ParsedDocument.from_structure(document.text, document.title, structure) == document


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [b"", b" ", b"\n", b" \r\n\t\n" * 100])
def test_a_file_without_text_is_empty(kind: str, data: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parser_of(kind).parse(data)
    assert caught.value.code == "empty_file"


@pytest.mark.parametrize("kind", DECODED)
@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", "\u3000\u00a0".encode(), " \n".encode("utf-16")])
def test_unicode_white_space_is_no_text_either(kind: str, data: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parser_of(kind).parse(data)
    assert caught.value.code == "empty_file"


@pytest.mark.parametrize("kind", DECODED)
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"caf\xe9", "wrong_encoding"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "wrong_encoding"),
        (b"PK\x03\x04\x00\x00", "nul_character"),
        (b"a\x00b", "nul_character"),
        ("wide".encode("utf-32"), "nul_character"),
        (b"\xff\xfea", "wrong_encoding"),
        (b"\xed\xa0\x80", "wrong_encoding"),
        (b"\xff\xfe\x00\xd8a\x00", "wrong_encoding"),
    ],
)
def test_a_file_that_is_no_text_is_refused(kind: str, data: bytes, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parser_of(kind).parse(data)
    assert caught.value.code == code


def tries(kind: str, usual: int) -> Callable[[Law], Law]:
    """Return the decorator for a law that is tried `usual` times, less often where each try takes long."""
    examples = TRIES_IN_A_PROCESS if kind in IN_A_PROCESS else usual
    return settings(suppress_health_check=[HealthCheck.too_slow], max_examples=examples, deadline=None)


@pytest.mark.parametrize("kind", KINDS)
def test_random_bytes_raise_nothing_unexpected(kind: str) -> None:
    @tries(kind, 100)
    @given(data=st.binary(max_size=400))
    def law(data: bytes) -> None:
        parse_or_refuse(kind, data)

    law()


@pytest.mark.parametrize("kind", KINDS)
def test_random_markup_raises_nothing_unexpected(kind: str) -> None:
    @tries(kind, 100)
    @given(st.text(st.sampled_from("<>/='\"&#;-!?[]{}|:,.\\`*_~ \t\r\nabdhlprtu0123é\u2028\x0c"), max_size=300))
    def law(text: str) -> None:
        parse_or_refuse(kind, text.encode())

    law()


@pytest.mark.parametrize(("kind", "data"), FILES)
def test_damaged_files_raise_nothing_unexpected(kind: str, data: bytes) -> None:
    @tries(kind, 30)
    @given(drawn=st.data())
    def law(drawn: st.DataObject) -> None:
        damaged = bytearray(data)
        for _ in range(drawn.draw(st.integers(1, 4))):
            position = drawn.draw(st.integers(0, len(damaged)))
            length = drawn.draw(st.integers(0, 12))
            damaged[position : position + length] = drawn.draw(st.binary(max_size=12))
        parse_or_refuse(kind, bytes(damaged))

    law()


@pytest.mark.parametrize(("kind", "data"), FILES)
def test_cut_files_raise_nothing_unexpected(kind: str, data: bytes) -> None:
    step = len(data) // TRIES_IN_A_PROCESS if kind in IN_A_PROCESS else 1
    for length in range(0, len(data), step):
        parse_or_refuse(kind, data[:length])
