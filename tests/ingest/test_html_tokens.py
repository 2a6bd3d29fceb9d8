"""The tokens of HTML: by the standard, in linear time, and nothing lost in silence."""

from __future__ import annotations

import time
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError
from ingest.html_tokens import EndTag, StartTag, Token, html_tokens


def tokens(text: str, *, is_xml: bool = False) -> list[Token]:
    """Return the tokens with neighbouring texts joined."""
    joined: list[Token] = []
    for token in html_tokens(text, is_xml=is_xml):
        if isinstance(token, str) and joined and isinstance(joined[-1], str):
            joined[-1] += token
        elif token != "":
            joined.append(token)
    return joined


def start(name: str, *, is_self_closing: bool = False, **attributes: str) -> StartTag:
    return StartTag(name, attributes, is_self_closing)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>a</p>", [start("p"), "a", EndTag("p")]),
        ("<P CLASS=X>", [StartTag("p", {"class": "X"}, False)]),
        ("<br/>", [start("br", is_self_closing=True)]),
        ("<br />", [start("br", is_self_closing=True)]),
        ("<a b/>", [start("a", is_self_closing=True, b="")]),
        ("<a b=c/>", [start("a", b="c/")]),
        ("<a/b>", [start("a", b="")]),
        ("<a b = 'c d' e=\"f\"g>", [start("a", b="c d", e="f", g="")]),
        ("<a b=1 B=2>", [start("a", b="1")]),
        ("<a b=>", [start("a", b="")]),
        ('<a b="x>y">', [start("a", b="x>y")]),
        ("<a b='&lt;&#65;'>", [start("a", b="<A")]),
        ("<a\nb\t=\f\nc>", [start("a", b="c")]),
        ("<a =b>", [StartTag("a", {"=b": ""}, False)]),
        ("<a b=it's>", [start("a", b="it's")]),
        ("</p junk='>'>", [EndTag("p")]),
        ("<x-y:z1>", [start("x-y:z1")]),
        ("a < b", ["a < b"]),
        ("1<2>3", ["1<2>3"]),
        ("<", ["<"]),
        ("a<>b", ["a<>b"]),
        ("a</>b", ["ab"]),
        ("a</ p>b", ["ab"]),
        ("a<!-- <p> -- > -->b", ["ab"]),
        ("a<!-->b<!--->c<!---->d", ["abcd"]),
        ("a<!-- x --!>b", ["ab"]),
        ("a<!DOCTYPE html>b<!x>c<?php echo ?>d", ["abcd"]),
        ("a<![CDATA[x]]>b", ["ab"]),
        ("&amp;&lt;&#x41;&#66;&nbsp;&eacute;&copy", ["&<AB\u00a0é©"]),
        ("&amp;lt; &unknown; &", ["&lt; &unknown; &"]),
        ("&#0;&#xD800;&#x110000;&#128;", ["\ufffd\ufffd\ufffd€"]),
        ("<script>a<b></p></scriptx></script>c", [start("script"), EndTag("script"), "c"]),
        ("<STYLE>p>a{}</style >c", [start("style"), EndTag("style"), "c"]),
        ("<title>a <b> &amp; c</title>", [start("title"), "a <b> & c", EndTag("title")]),
        ("<textarea><p></textarea>", [start("textarea"), "<p>", EndTag("textarea")]),
        ("<title></title>", [start("title"), EndTag("title")]),
        ("<script/>x</script>", [start("script", is_self_closing=True), EndTag("script")]),
    ],
)
def test_html(text: str, expected: list[Token]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<title/>x", [start("title", is_self_closing=True), "x"]),
        ("<script src='a'/>x", [start("script", is_self_closing=True, src="a"), "x"]),
        ("a<![CDATA[<b> &amp; ]] c]]>d", ["a<b> &amp; ]] cd"]),
        ("<?xml version='1.0'?>x", ["x"]),
    ],
)
def test_xml(text: str, expected: list[Token]) -> None:
    assert tokens(text, is_xml=True) == expected


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("ab<!-- c", "a comment that begins at character 2"),
        ("<p", "a tag that begins at character 0"),
        ("<p a", "a tag that begins at character 0"),
        ("x</p ", "a tag that begins at character 1"),
        ("<a b='c>d</a>", "an attribute of a tag that begins at character 0"),
        ('<a b="', "an attribute of a tag that begins at character 0"),
        ("<p><script>alert()", "the element <script> that begins at character 3"),
        ("<title>never", "the element <title> that begins at character 0"),
        ("<!DOCTYPE html", "a declaration that begins at character 0"),
        ("</", "a declaration that begins at character 0"),
    ],
)
def test_what_would_swallow_the_rest_is_an_error(text: str, where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        tokens(text)
    assert (caught.value.code, caught.value.detail) == ("truncated_file", f"the file ends inside {where}")


def test_an_open_cdata_section_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="a CDATA section that begins at character 1"):
        tokens("a<![CDATA[b]>", is_xml=True)


class Reference(HTMLParser):
    """The tokens as Python's own parser gives them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Token] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(StartTag(tag, {name: value or "" for name, value in attrs}, False))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(EndTag(tag))

    def handle_data(self, data: str) -> None:
        self.found.append(data)


NAMES = st.sampled_from(["p", "DIV", "h1", "x-y", "td"])
VALUES = st.text("ab \n<>&;'é=/", max_size=6)
ATTRIBUTES = st.dictionaries(st.sampled_from(["id", "class", "data-x"]), VALUES, max_size=3)


def tag_of(name: str, attributes: dict[str, str]) -> str:
    return " ".join([f"<{name}", *(f'{key}="{escape(value)}"' for key, value in attributes.items())]) + ">"


TAGS = st.builds(tag_of, NAMES, ATTRIBUTES)
MARKUP = st.one_of(
    TAGS, NAMES.map("</{}>".format), VALUES.map(escape), st.just("<!-- <p> & -->"), st.just("<!DOCTYPE html>")
)


@given(st.lists(MARKUP, max_size=12))
def test_well_formed_markup_reads_as_in_the_standard_library(parts: list[str]) -> None:
    text = "".join(parts)
    reference = Reference()
    reference.feed(text)
    reference.close()
    joined: list[Token] = []
    for token in reference.found:
        if isinstance(token, str) and joined and isinstance(joined[-1], str):
            joined[-1] += token
        else:
            joined.append(token)
    assert tokens(text) == joined


@pytest.mark.parametrize(
    "text",
    [
        "<a " * 100_000,
        "<a b='" * 100_000 + "x",
        "<!--" * 200_000,
        "</a " * 100_000,
        "<!" * 200_000,
        "<" * 200_000,
        "&" * 200_000,
        "<a" + " " * 200_000 + ">",
        "<a" + "/" * 200_000 + ">",
        "<a " + "b " * 100_000 + ">",
        "<a " + "b= " * 100_000 + ">",
        "<script>" * 100_000,
        "<title>x</title>" * 20_000,
        "&#" + "9" * 200_000 + ";",
        "&#x" + "9" * 200_000 + ";",
        "&" + "a" * 200_000 + ";",
    ],
    ids=lambda text: text[:8],
)
def test_odd_files_take_linear_time(text: str) -> None:
    begun = time.thread_time()
    try:
        assert sum(1 for _ in html_tokens(text, is_xml=False)) > 0
    except InvalidInputError as error:
        assert error.code == "truncated_file"  # noqa: PT017  # both ends are right: what counts is the time
    assert time.thread_time() - begun < 5
