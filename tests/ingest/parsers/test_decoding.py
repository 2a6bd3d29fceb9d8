"""From bytes to text, and from a file's name to its parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError, UnsupportedMediaTypeError
from ingest.parsers import SAVE_AS, Parser, decode, parser_for

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), min_size=1).filter(str.strip)


@given(TEXTS)
def test_utf_8_comes_back_as_it_is(text: str) -> None:
    assert decode(text.encode()) == text
    assert decode(text.encode("utf-8-sig")) == text


@given(TEXTS)
def test_utf_16_needs_its_byte_order_mark(text: str) -> None:
    assert decode(b"\xff\xfe" + text.encode("utf-16-le")) == text
    assert decode(b"\xfe\xff" + text.encode("utf-16-be")) == text


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "a\nb\n", "\x0ca\x0b\x85\u2028", "e\u0301", "ﬁ", "\u200b x"])
def test_nothing_is_normalised(text: str) -> None:
    assert decode(text.encode()) == text


def test_only_the_first_byte_order_mark_is_taken_away() -> None:
    assert decode("\ufeff\ufeffa\ufeff".encode()) == "\ufeffa\ufeff"


def test_the_file_may_say_its_encoding() -> None:
    assert decode(b"caf\xe9", "cp1252") == "café"


def test_a_byte_order_mark_outweighs_what_the_file_says() -> None:
    assert decode("café".encode("utf-8-sig"), "cp1252") == "café"
    assert decode("café".encode("utf-16"), "cp1252") == "café"


@pytest.mark.parametrize(
    ("data", "code", "detail"),
    [
        (b"", "empty_file", "the file is empty (0 bytes, no text)"),
        (b"  \n", "empty_file", "the file is empty (3 bytes, no text)"),
        (b"\xef\xbb\xbf", "empty_file", "the file holds only white space"),
        (b"caf\xe9!", "wrong_encoding", "the file is not UTF-8: byte 3 cannot be decoded"),
        (b"\xfe\xff\xd8\x00", "wrong_encoding", "the file is not UTF-16: byte 2 cannot be decoded"),
        (b"ab\x00", "nul_character", "the text holds a NUL character at position 2"),
    ],
)
def test_an_error_names_what_is_wrong(data: bytes, code: str, detail: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode(data)
    assert (caught.value.code, caught.value.detail) == (code, detail)


@pytest.mark.parametrize(
    ("file_name", "kind"),
    [
        ("notes.txt", "plain_text"),
        ("notes.text", "plain_text"),
        ("server.LOG", "plain_text"),
        ("index.rst", "plain_text"),
        ("README.md", "markdown"),
        ("a.b.markdown", "markdown"),
        ("page.html", "html"),
        ("PAGE.HTM", "html"),
        ("page.xhtml", "html"),
        ("report.pdf", "pdf"),
        ("data.json", "json_document"),
        ("data.jsonl", "json_lines"),
        ("data.ndjson", "json_lines"),
        ("table.csv", "csv_table"),
        ("table.tsv", "csv_table"),
        ("folder/notes.md", "markdown"),
    ],
)
def test_the_extension_decides(file_name: str, kind: str) -> None:
    assert parser_for(file_name).kind_of_class() == kind
    assert parser_for(file_name, "application/octet-stream").kind_of_class() == kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("text/plain", "plain_text"),
        ("text/markdown; charset=utf-8", "markdown"),
        ("TEXT/HTML", "html"),
        ("application/pdf", "pdf"),
        ("application/json", "json_document"),
        ("application/x-ndjson", "json_lines"),
        ("text/csv", "csv_table"),
        ("text/tab-separated-values", "csv_table"),
    ],
)
def test_the_media_type_decides_where_there_is_no_extension(media_type: str, kind: str) -> None:
    assert parser_for("", media_type).kind_of_class() == kind
    assert parser_for("README", media_type).kind_of_class() == kind


@pytest.mark.parametrize(("file_name", "media_type"), [("a.doc", "text/plain"), ("README", ""), ("x", "image/png")])
def test_an_unknown_file_is_refused_with_what_is_known(file_name: str, media_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        parser_for(file_name, media_type)
    assert all(name in caught.value.hint for member in Parser.members().values() for name in member.extensions)


@pytest.mark.parametrize("extension", SAVE_AS)
def test_a_format_that_nobody_reads_is_refused_with_what_to_save_it_as(extension: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        parser_for(f"Old file{extension.upper()}", "application/octet-stream")
    assert repr(extension) in caught.value.detail
    assert f"save it as {SAVE_AS[extension]} and upload that; or upload one of: " in caught.value.hint
    readable = {name for member in Parser.members().values() for name in member.extensions}
    assert SAVE_AS[extension] in readable
    assert extension not in readable
