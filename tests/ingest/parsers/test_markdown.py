"""Markdown: what is found in it, and where."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.document import BlockKind, ParsedDocument
from ingest.parsers.markdown import Markdown

PARSER = Markdown(kind="markdown")

Found = tuple[BlockKind, int, str, str]


def parse(text: str) -> ParsedDocument:
    return PARSER.parse(text.encode())


def found(text: str) -> list[Found]:
    """Return each block as kind, level, label and text."""
    document = parse(text)
    assert document.text == text
    return [(b.kind, b.level, b.label, text[b.span.start : b.span.end]) for b in document.blocks]


@pytest.mark.parametrize(
    ("line", "level", "label"),
    [
        ("# One", 1, "One"),
        ("###### Six", 6, "Six"),
        ("## Closed ##", 2, "Closed"),
        ("   # Indented", 1, "Indented"),
        ("# *Emphasis* and **strong**", 1, "Emphasis and strong"),
        ("# `code` and [link](http://host/a_b)", 1, "code and link"),
        ("# ![A *picture*](a.png) here", 1, "A picture here"),
        ("# A <b>tag</b>", 1, "A tag"),
        ("# Caf&eacute; &amp; \\*star\\*", 1, "Café & *star*"),
        ("# C# and F#", 1, "C# and F#"),
        ("#  Two   spaces\tand a tab", 1, "Two spaces and a tab"),
        ("# <https://host/path>", 1, "https://host/path"),
        ("#", 1, ""),
        ("# Zwölf 🎉", 1, "Zwölf 🎉"),
    ],
)
def test_a_heading_is_labelled_with_its_words(line: str, level: int, label: str) -> None:
    assert found(f"{line}\n\ntext\n") == [("heading", level, label, line)]


@pytest.mark.parametrize(
    ("source", "level", "label"),
    [("Title\n===", 1, "Title"), ("Title\n-", 2, "Title"), ("Two\nlines\n----", 2, "Two lines")],
)
def test_an_underlined_heading_includes_its_line(source: str, level: int, label: str) -> None:
    assert found(f"text\n\n{source}\ntext") == [("heading", level, label, source)]


def test_a_reference_in_a_heading_is_resolved() -> None:
    assert found("## See [the *page*][p]\n\n[p]: /url\n")[0][2] == "See the page"


@pytest.mark.parametrize("line", ["#no space", "####### seven", "\\# escaped", "text # inside", "    # code"])
def test_what_only_looks_like_a_heading_is_none(line: str) -> None:
    assert [block for block in found(line) if block[0] == "heading"] == []


@pytest.mark.parametrize("source", ["> # quoted", "- # in a list", "1. # numbered"])
def test_headings_inside_quotes_and_lists_do_not_structure_the_document(source: str) -> None:
    assert found(f"# Top\n\n{source}\n") == [("heading", 1, "Top", "# Top")]


@pytest.mark.parametrize("fence", ["```", "~~~~", "`````"])
def test_nothing_inside_a_fence_has_a_meaning(fence: str) -> None:
    source = f"{fence}python title\n# comment\n\n| a | b |\n|---|---|\nx\n===\n{fence}"
    assert found(f"before\n\n{source}\n# After\n") == [
        ("code", 0, "python", source),
        ("heading", 1, "After", "# After"),
    ]


def test_a_fence_without_an_end_takes_the_rest() -> None:
    assert found("# A\n```\nx\n\n# y\n\n\n") == [("heading", 1, "A", "# A"), ("code", 0, "", "```\nx\n\n# y")]


def test_indented_code_keeps_its_indentation_and_its_blank_lines() -> None:
    assert found("text\n\n    one\n\n    two\n\n\ntext") == [("code", 0, "", "    one\n\n    two")]


def test_code_in_lists_and_quotes_is_found() -> None:
    source = "- item\n\n  ```sh\n  ls\n  ```\n\n> ```\n> x\n> ```\n"
    assert found(source) == [("code", 0, "sh", "  ```sh\n  ls\n  ```"), ("code", 0, "", "> ```\n> x\n> ```")]


def test_tables_end_where_their_rows_end() -> None:
    table = "| a | b |\n|:--|--:|\n| 1 | `x \\| y` |\n| 2 |"
    assert found(f"text\n\n{table}\n\nafter | this") == [("table", 0, "", table)]


def test_a_table_without_a_delimiter_row_is_text() -> None:
    assert found("| a | b |\n| 1 | 2 |\n") == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_offsets_count_the_line_ends_of_the_file(newline: str) -> None:
    source = "# Ä\n\nline\fwith\u2028odd\x0bbreaks\x85\n\n```\nx\n```\n\nB\n=\n\n|a|b|\n|-|-|\n|1|2|".replace(
        "\n", newline
    )
    assert found(source) == [
        ("heading", 1, "Ä", "# Ä"),
        ("code", 0, "", newline.join(["```", "x", "```"])),
        ("heading", 1, "B", f"B{newline}="),
        ("table", 0, "", newline.join(["|a|b|", "|-|-|", "|1|2|"])),
    ]


def test_mixed_line_ends_and_a_byte_order_mark() -> None:
    document = PARSER.parse("\ufeff# A\r\rtext\n\r\n## B\r\nx".encode())
    assert document.text == "# A\r\rtext\n\r\n## B\r\nx"
    assert [(b.label, document.text[b.span.start : b.span.end]) for b in document.blocks] == [
        ("A", "# A"),
        ("B", "## B"),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# First\n\n# Second\n", "First"),
        ("## Two\n\n# One *x*\n", "One x"),
        ("## Only two\n", ""),
        ("no heading", ""),
        ("---\ntitle: Front\n---\n# First\n", "Front"),
        ("---\r\nauthor: x\r\ntitle:   Front matter  \r\n---\r\n", "Front matter"),
        ('---\ntitle: "Quoted: \\"x\\""\n---\n', 'Quoted: "x"'),
        ("---\ntitle: 'It''s'\n...\n", "It's"),
        ("---\ntitle: Plain # comment\n---\n", "Plain"),
        ("---\ntitle: >-\n  folded\n  text\ndate: 2026-01-01\n---\n", "folded text"),
        ("---\rtitle: Old Mac\r---\r# First\r", "Old Mac"),
        ("---\ntitle:\n---\n# First\n", "First"),
        ("---\nsubtitle: x\n---\n# First\n", "First"),
        ("---\nmeta:\n  title: inner\n---\n# First\n", "First"),
        ("---\ntitle: [a, b]\n---\n# First\n", "First"),
        ('---\ntitle: "\\ud800"\n---\n# First\n', "First"),
        ('---\ntitle: "\\0"\n---\n# First\n', "First"),
        ('---\ntitle: "\\UFFFFFFFF"\n---\n# First\n', "First"),
        ('---\ntitle: "open\n---\n# First\n', "First"),
        ("---\ntitle: 2026-99-99\n---\n", "2026-99-99"),
    ],
)
def test_the_title(text: str, title: str) -> None:
    assert parse(text).title == title


def test_front_matter_is_text_without_structure() -> None:
    source = "---\n# comment\ntitle: A\nlist:\n    - x\n---\n\nB\n---\n"
    assert found(source) == [("heading", 2, "B", "B\n---")]
    assert found("---\nkey: value\nTitle\n...\n# A\n") == [("heading", 1, "A", "# A")]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("---\n\n# A\n\n---\n", ["A"]),
        ("---\nprose\n---\n", ["prose"]),
        ("---\nkey: value\n# A\n", ["A"]),
        ("----\nkey: value\n---\n", ["key: value"]),
        ("text\n\n---\nkey: value\n---\n", ["key: value"]),
        (" ---\nkey: value\n---\n", ["key: value"]),
        ("---", []),
        ("---\nkey: value", []),
    ],
)
def test_a_thematic_break_is_no_front_matter(text: str, labels: list[str]) -> None:
    assert [block[2] for block in found(text)] == labels


@dataclass(frozen=True)
class Made:
    """A stretch of Markdown and the block that it is."""

    source: str
    block: tuple[BlockKind, int, str] | None = None


WORDS = st.lists(st.sampled_from(["alpha", "Ünï", "🎉", "漢字", "x1", "e\u0301"]), min_size=1, max_size=4).map(" ".join)
MADE = st.one_of(
    WORDS.map(Made),
    st.builds(lambda level, words: Made(f"{'#' * level} {words}", ("heading", level, words)), st.integers(1, 6), WORDS),
    WORDS.map(lambda words: Made(f"{words}\n===", ("heading", 1, words))),
    WORDS.map(lambda words: Made(f"```lang\n# {words}\n\n---\n```", ("code", 0, "lang"))),
    WORDS.map(lambda words: Made(f"| a | b |\n|---|---|\n| {words} | # |", ("table", 0, ""))),
    WORDS.map(lambda words: Made(f"> # {words}")),
)


@given(st.lists(MADE, min_size=1, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.integers(2, 4))
def test_blocks_are_found_where_they_were_put(parts: list[Made], newline: str, blank_lines: int) -> None:
    sources = [part.source.replace("\n", newline) for part in parts]
    expected = [(*part.block, source) for part, source in zip(parts, sources, strict=True) if part.block is not None]
    assert found((newline * blank_lines).join(sources)) == expected


def test_a_megabyte_takes_less_than_a_second() -> None:
    section = (
        "## Heading *x*\n\n"
        + "Some prose with a [link](/url) and `code`. " * 20
        + "\n\n- a\n- b\n\n```py\nx = 1\n```\n\n"
    )
    table = "| a | b |\n|---|---|\n" + "| one | two |\n" * 4
    data = ((section + table + "\n") * 1100).encode()
    assert len(data) > 1_000_000
    assert any(parses_within_a_second(data, 3 * 1100) for _ in range(3))


def parses_within_a_second(data: bytes, blocks: int) -> bool:
    start = time.thread_time()
    document = PARSER.parse(data)
    seconds = time.thread_time() - start
    assert len(document.blocks) == blocks
    return seconds < 1


@pytest.mark.parametrize(
    "unit",
    [
        "> ",
        "- ",
        "[",
        "*",
        "`",
        "|",
        "# [",
        "\t",
        "[a]: <",
        "<!-- ",
        "![",
        "* _",
        "---\n",
        "a\n",
        "[a\n",
        "1. ",
        "    ",
    ],
)
def test_odd_files_take_no_more_than_linear_time(unit: str) -> None:
    text = unit * (50_000 // len(unit)) + "x"
    start = time.thread_time()
    assert parse(text).text == text
    assert time.thread_time() - start < 5


def test_deep_quotes_and_lists_do_not_exhaust_the_stack() -> None:
    for unit in ("> ", "- ", "1. "):
        assert parse(unit * 20_000 + "x").blocks == ()


def test_a_heading_of_brackets_is_read_in_bounded_time() -> None:
    text = "# " + "[" * 200_000
    start = time.thread_time()
    (block,) = parse(text).blocks
    assert time.thread_time() - start < 2
    assert block.label == "[" * 1_000
    assert len(block.span) == len(text)
