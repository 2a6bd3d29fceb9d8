"""HTML files: encodings, titles, errors, and speed."""

from __future__ import annotations

import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError
from configs.text import storable
from ingest.parsers import html as html_module
from ingest.parsers.html import PRESCAN_BYTES, Html

PARSER = Html(kind="html")


def text_of(data: bytes) -> str:
    return PARSER.parse(data).text


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        PARSER.parse(data)
    assert caught.value.hint
    return caught.value.code


def test_a_page() -> None:
    document = PARSER.parse(
        b"<!DOCTYPE html>\r\n<html><head><title>The &quot;page&quot;</title><script>var a = '<p>';</script></head>\r\n"
        b"<body><h1>Top</h1>\r\n<p>Some <em>marked</em>\r\ntext.</p><table><tr><th>A<th>B<tr><td>1<td>2</table>"
        b"<pre><code class=language-sh>ls \\\r\n  -l</code></pre></body></html>"
    )
    assert document.title == 'The "page"'
    assert document.text == "Top\n\nSome marked text.\n\nA | B\n1 | 2\n\nls \\\n  -l"
    assert [(b.kind, b.level, b.label, document.text[b.span.start : b.span.end]) for b in document.blocks] == [
        ("heading", 1, "Top", "Top"),
        ("table", 0, "", "A | B\n1 | 2"),
        ("code", 0, "sh", "ls \\\n  -l"),
    ]
    assert document.heading_path(len(document.text) - 1) == ("Top",)


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (b"<title>T</title><h1>H</h1>", "T"),
        (b"<title> </title><h2>Two</h2><h1>H <b>x</b></h1><h1>I</h1>", "H x"),
        (b"<h2>Two</h2>", ""),
    ],
)
def test_the_title_is_the_title_element_or_the_first_h1(source: bytes, title: str) -> None:
    assert PARSER.parse(source).title == title


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ("<meta charset=utf-8>", "utf-8"),
        ("<meta charset='UTF8'>", "utf-8"),
        ('<META  CharSet = "windows-1252">', "cp1252"),
        ("<meta charset=iso-8859-1>", "cp1252"),
        ("<meta charset=us-ascii>", "cp1252"),
        ("<meta charset=latin1>", "cp1252"),
        ("<meta charset=iso-8859-15>", "iso8859-15"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">', "iso8859-2"),
        ("<?xml version='1.0' encoding='windows-1250'?>", "cp1250"),
        ("\n<?xml version='1.0' encoding=\"UTF-8\"?>", "utf-8"),
        ("<meta charset=utf-16>", "utf-8"),
        ("<meta name=x content='y'><meta charset=cp1252>", "cp1252"),
        ("<!-- x --><html><meta/charset=koi8-r>", "koi8-r"),
    ],
)
def test_the_file_says_its_encoding(head: str, encoding: str) -> None:
    word = "жар" if encoding == "koi8-r" else "dešť" if encoding in {"iso8859-2", "cp1250"} else "café"
    assert text_of(f"{head}<p>{word}".encode(encoding)) == word


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("gb2312", "漢字"),
        ("gbk", "漢字"),
        ("shift_jis", "①漢字"),
        ("big5", "漢字"),
        ("euc-jp", "漢字"),
        ("euc-kr", "한글"),
    ],
)
def test_the_encodings_of_east_asia(label: str, word: str) -> None:
    encoding = "cp932" if label == "shift_jis" else label.replace("gb2312", "gbk")
    assert text_of(f"<meta charset={label}><p>{word}".encode(encoding)) == word


def test_typographic_quotes_of_a_page_that_calls_itself_latin_1() -> None:
    assert text_of(b"<meta charset=iso-8859-1>\x93quoted\x94 \x80") == "“quoted” €"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_outweighs_the_declaration(encoding: str) -> None:
    assert text_of("<meta charset=windows-1252><p>dešť 漢字".encode(encoding)) == "dešť 漢字"


@pytest.mark.parametrize(
    "data",
    [
        b"<p>caf\xe9",
        b"<meta charset=utf-8><p>caf\xe9",
        b"<meta charset=windows-1252><p>\x81",
        b"<meta charset=shift_jis><p>\x81",
        b"<meta charset=klingon><p>x",
        b"<meta charset=hex><p>x",
        b"<meta charset=utf-7><p>x",
        b"<meta charset=unicode_escape><p>x",
        b"<meta charset=idna><p>x",
        b"<meta charset=undefined><p>x",
    ],
)
def test_a_wrong_encoding_is_an_error_and_never_garbled_text(data: bytes) -> None:
    assert code_of(data) == "wrong_encoding"


def test_a_declaration_far_down_comes_too_late() -> None:
    assert text_of(b" " * (PRESCAN_BYTES - 40) + b"<meta charset=windows-1252><p>caf\xe9") == "café"
    assert code_of(b" " * PRESCAN_BYTES + b"<meta charset=windows-1252><p>caf\xe9") == "wrong_encoding"


ENCODINGS = html_module._ENCODING_NAMES.split()


@pytest.mark.parametrize("encoding", [*ENCODINGS, *html_module._READ_AS, *html_module._READ_AS.values()])
def test_the_names_of_encodings_are_pythons(encoding: str) -> None:
    assert codecs.lookup(encoding).name == encoding
    assert html_module._READ_AS.get(encoding, encoding) in ENCODINGS


@given(st.sampled_from(ENCODINGS), st.binary(min_size=1, max_size=30))
def test_no_encoding_yields_what_cannot_be_stored(encoding: str, data: bytes) -> None:
    try:
        text = text_of(f"<meta charset={encoding}><p>x".encode() + data)
    except InvalidInputError:
        return
    assert storable(text).startswith("x")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<p></p>", "no_text"),
        (b"<p>&nbsp;</p>", "no_text"),
        (b"<script>app()</script><div id=root></div>", "no_text"),
        (b"<html style='display:none'>x</html>", "no_text"),
        (b"<p>a<!-- b", "truncated_file"),
        (b"<p>a<b", "truncated_file"),
        (b"<p>a\x00", "nul_character"),
    ],
)
def test_errors(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_xhtml_is_read_as_xml_only_where_it_says_so() -> None:
    body = "<html><head><title/><script src='a.js'/></head><body><div hidden='hidden'/>a<![CDATA[<b>]]></body></html>"
    assert text_of(f"<?xml version='1.0'?>{body}".encode()) == "a<b>"
    assert code_of(body.encode()) == "truncated_file"


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_ends_of_the_source_are_line_feeds_in_the_text(newline: str) -> None:
    source = newline.join(["<pre>", "a", "", "b</pre>c", "d"])
    assert text_of(source.encode()) == "a\n\nb\n\nc d"


def test_a_megabyte_takes_less_than_two_seconds() -> None:
    section = "<h2>Heading</h2><p>" + "Some <b>prose</b> with <a href='/x'>links</a>. " * 20 + "</p><ul><li>a<li>b</ul>"
    data = (section * 1_000).encode()
    assert len(data) > 900_000
    begun = time.thread_time()
    assert len(PARSER.parse(data).blocks) == 1_000
    assert time.thread_time() - begun < 2
