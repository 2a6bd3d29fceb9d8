"""HTML of any shape: elements put together at random, tags in disorder, and nesting without end."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.document import BlockKind
from ingest.html_text import HtmlText


@dataclass(frozen=True)
class Made:
    """An element, its text, the blank lines or line breaks around it, and its block."""

    source: str
    text: str
    breaks: int
    block: tuple[BlockKind, int, str] | None = None


WORDS = st.lists(st.sampled_from(["alpha", "Ünï", "🎉", "<b>", "a&b", "x|y"]), min_size=1, max_size=3).map(" ".join)


def table_of(rows: list[tuple[str, str]]) -> Made:
    cells = "".join(f"<tr><td>{escape(a)}</td> <td> {escape(b)}</tr>" for a, b in rows)
    return Made(f"<table>{cells}</table>", "\n".join(f"{a} | {b}" for a, b in rows), 2, ("table", 0, ""))


MADE = st.one_of(
    WORDS.map(lambda words: Made(f"<p>{escape(words)}</p>", words, 2)),
    WORDS.map(lambda words: Made(f"<p> <i>{escape(words)}</i>\n", words, 2)),
    WORDS.map(lambda words: Made(f"<div>{escape(words)}</div>\n", words, 1)),
    WORDS.map(lambda words: Made(f"<p hidden>{escape(words)}</p>", "", 2)),
    st.builds(
        lambda level, words: Made(f"<h{level}>{escape(words)}</h{level}>", words, 2, ("heading", level, words)),
        st.integers(1, 6),
        WORDS,
    ),
    WORDS.map(lambda words: Made(f"<pre>\n  {escape(words)}\n x\n</pre>", f"  {words}\n x", 2, ("code", 0, ""))),
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3).map(table_of),
)


@given(st.lists(MADE, max_size=10))
def test_elements_stand_where_they_were_put(parts: list[Made]) -> None:
    text, owed = "", 0
    for part in parts:
        owed = max(owed, part.breaks)
        if part.text:
            text += "\n" * owed * bool(text) + part.text
            owed = part.breaks
    source = "".join(part.source for part in parts)
    html = HtmlText(source, is_xml=False)
    assert html.text == text
    found = [(b.kind, b.level, b.label, text[b.span.start : b.span.end]) for b in html.blocks]
    assert found == [(*part.block, part.text) for part in parts if part.block is not None]


NAMES = st.sampled_from(
    [
        "p",
        "div",
        "ul",
        "li",
        "table",
        "tr",
        "td",
        "tbody",
        "caption",
        "h1",
        "h2",
        "pre",
        "code",
        "b",
        "dt",
        "form",
        "br",
    ]
)
SOUP = st.one_of(NAMES.map("<{}>".format), NAMES.map("</{}>".format), st.sampled_from([" {} ", "{}", "\n{}"]))


@settings(max_examples=100)
@given(st.lists(SOUP, max_size=25))
def test_no_word_is_lost_and_no_block_overlaps_in_any_disorder(parts: list[str]) -> None:
    source = "".join(part.format(f"word{number}.") for number, part in enumerate(parts))
    html = HtmlText(source, is_xml=False)
    assert re.findall(r"word\d+\.", html.text) == re.findall(r"word\d+\.", source)
    for before, after in pairwise(html.blocks):
        assert before.span.end <= after.span.start
    assert not html.text.startswith("\n")
    assert html.text == html.text.rstrip("\n")


DEEP, FEWER = 100_000, 20_000


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * DEEP + "x",
        "<div>" * DEEP + "x" + "</div>" * DEEP,
        "<b>" * FEWER + "x" + "</b>" * FEWER,
        "<table><tr><td>" * FEWER + "x",
        "<table>" + "<td>" * FEWER + "x",
        "<h1><div>x" * FEWER,
        "<ul><li>" * FEWER + "x",
        "<p hidden>" * FEWER + "<div>x",
        "<li hidden><i>" * FEWER + "<li>x",
        "<div hidden><i>" + "<i>" * FEWER + "<div></b>" * FEWER + "</div>" * (FEWER + 1) + "x",
        "<div hidden>" * FEWER + "</div>" * FEWER + "x",
        "<pre>" + "\n<b></b>" * FEWER + "x",
        "<pre>\n" * FEWER + "x",
        "<div></p></li></h1>" * FEWER + "x",
        "<table><tr><td></div>" * FEWER + "x",
    ],
    ids=lambda source: f"{source[:16]}...{source[-8:]}",
)
def test_deep_nesting_takes_linear_time(source: str) -> None:
    begun = time.thread_time()
    html = HtmlText(source, is_xml=False)
    assert time.thread_time() - begun < 10
    assert html.text.endswith("x")
