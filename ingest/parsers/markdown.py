"""Markdown: the text is the file itself; headings, code and tables are found in it by a CommonMark parser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Any, ClassVar, Literal

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from configs.errors import TooLargeError
from configs.span import Span
from configs.text import storable
from ingest.document import Block, ParsedDocument
from ingest.parsers import Parser, decode

MAX_LINES = 80_000
"""Each line takes kilobytes of memory while the structure is looked for."""

MAX_LABEL_SOURCE_CHARACTERS = 1_000
"""A heading's label is made of no more of its line than this: inline markup takes quadratic time in the worst case."""

_LINE_END = re.compile(r"\r\n?|\n")
"""What CommonMark calls a line end; form feeds and U+2028 are none."""

_BLOCK_TOKENS = {"heading_open", "fence", "code_block", "table_open"}

_FRONT_MATTER_MEMBER = re.compile(r"#|[A-Za-z_][\w. -]*:(?:[ \t]|$)")

_FRONT_MATTER_TITLE = re.compile(r"^title:.{0,2000}$(?:\n[ \t].{0,2000}$){0,20}", re.MULTILINE)

_reader = MarkdownIt("commonmark").enable("table")
_reader.core.ruler.enableOnly(["normalize", "block"])


class Markdown(Parser):
    """CommonMark with tables. The text is the decoded file, markup and line ends included.

    Headings (`#` and underlined) have blocks where they structure the document, not inside quotes and lists; fenced
    and indented code (label: the first word of the info string) and tables have them everywhere. A block begins at
    its first line's start and ends with its last line that is not blank, line end excluded. The title is `title:` of
    the YAML front matter, else the first heading of level 1. Front matter begins in the first line and has no blocks.
    At most 80,000 lines.
    """

    extensions: ClassVar[tuple[str, ...]] = (".md", ".markdown")
    media_types: ClassVar[tuple[str, ...]] = ("text/markdown", "text/x-markdown")

    kind: Literal["markdown"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the decoded file with its blocks."""
        text = decode(data)
        line_starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        if line_starts[-1] < len(text):
            line_starts.append(len(text))
        if len(line_starts) > MAX_LINES + 1:
            raise TooLargeError(
                f"the file has more than {MAX_LINES} lines",
                hint="split it, or upload it as .txt, without headings and tables",
                code="too_many_lines",
            )
        skipped = _front_matter_lines(text, line_starts)
        blocks = tuple(_blocks(text, line_starts, skipped))
        first_heading = next((block.label for block in blocks if block.kind == "heading" and block.level == 1), "")
        title = _front_matter_title(text[: line_starts[skipped]]) or first_heading
        return ParsedDocument(text=text, title=title, blocks=blocks)


def _blocks(text: str, line_starts: list[int], skipped: int) -> Iterable[Block]:
    """Yield the blocks in order; `line_starts` ends with the text's length, the first `skipped` lines are left out."""
    environment: dict[str, Any] = {}
    tokens = _reader.parse(text[line_starts[skipped] :], environment)
    for position, token in enumerate(tokens):
        if token.type not in _BLOCK_TOKENS or token.map is None:
            continue
        start, end = (line_starts[min(line + skipped, len(line_starts) - 1)] for line in token.map)
        span = Span(start, start + len(text[start:end].rstrip()))
        if token.type == "heading_open" and token.level == 0:
            label = _words(tokens[position + 1].content[:MAX_LABEL_SOURCE_CHARACTERS], environment)
            yield Block(kind="heading", span=span, level=int(token.tag[1]), label=label)
        elif token.type == "table_open":
            yield Block(kind="table", span=span)
        elif token.type != "heading_open":
            language = token.info.split(maxsplit=1)
            yield Block(kind="code", span=span, label=language[0] if language else "")


def _words(source: str, environment: dict[str, Any]) -> str:
    """Return the words of inline Markdown without its markup; link references are resolved by `environment`."""
    tokens: list[Token] = []
    _reader.inline.parse(source, _reader, environment, tokens)
    return " ".join("".join(_visible(tokens)).split())


def _visible(tokens: list[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            yield " "
        elif token.type == "image":
            yield from _visible(token.children or [])
        elif token.type != "html_inline":
            yield token.content


def _front_matter_lines(text: str, line_starts: list[int]) -> int:
    """Return how many lines the front matter takes, fences included; 0 where there is none.

    It stands between a first line `---` and a line `---` or `...`, and begins with a member or a comment: otherwise the
    first line is a thematic break.
    """
    if not text.startswith("---") or len(line_starts) < 3:
        return 0
    lines = (text[start:end].rstrip() for start, end in pairwise(line_starts))
    if next(lines) != "---" or not _FRONT_MATTER_MEMBER.match(next(lines)):
        return 0
    return next((number for number, line in enumerate(lines, start=3) if line in {"---", "..."}), 0)


def _front_matter_title(front_matter: str) -> str:
    """Return the scalar of the member `title`, as YAML reads it; empty where there is none."""
    member = _FRONT_MATTER_TITLE.search(_LINE_END.sub("\n", front_matter))
    if member is None:
        return ""
    try:
        events = list(islice(yaml.parse(member[0], Loader=yaml.SafeLoader), 5))
        value = events[4].value if isinstance(events[4], yaml.ScalarEvent) else ""
        return storable(" ".join(value.split()))
    except (yaml.YAMLError, ValueError, OverflowError):  # an escape may name what is no character
        return ""
