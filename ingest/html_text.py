"""The visible text of an HTML file with its headings, tables and preformatted code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.covered_cells import Allowance, CoveredCells
from ingest.document import Block
from ingest.flowing_text import FlowingText, Gap, Mark
from ingest.html_tokens import EndTag, StartTag, html_tokens

CELL_SEPARATOR = " | "

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = {"td", "th"}
_ROW_ENDS = {"tr", "thead", "tbody", "tfoot"}
_TABLE_PARTS = {"table"} | _CELLS | _ROW_ENDS
_PARAGRAPHS = (
    "p ul ol dl table pre blockquote section article header footer main aside nav figure form fieldset details dialog "
    "address hgroup search h1 h2 h3 h4 h5 h6"
)
_LINES = (
    "html body div li dt dd tr td th caption thead tbody tfoot figcaption summary legend option optgroup menu center"
)
_GAPS = dict.fromkeys(_PARAGRAPHS.split(), Gap.BLANK_LINE) | dict.fromkeys(_LINES.split(), Gap.LINE)
"""The block elements and what stands around them."""

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_DROPPED = frozenset(("script", "style", "template", "noscript", "iframe", "noembed", "noframes"))
_ENDED_BY = {
    "p": {"hr", *_GAPS}, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "option": {"option", "optgroup"},
    "tr": _ROW_ENDS, "td": _CELLS | _ROW_ENDS, "th": _CELLS | _ROW_ENDS,
}  # fmt: skip
"""Start tags that end an open element, so that its end tag may be left out."""

_NOT_DISPLAYED = re.compile(r"(?:^|;)\s*display\s*:\s*none\b", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:^|\s)lang(?:uage)?-(\S+)")


@dataclass(slots=True, kw_only=True)
class _Heading:
    depth: int
    mark: Mark
    level: int


@dataclass(slots=True, kw_only=True)
class _Code:
    depth: int
    mark: Mark
    language: str


@dataclass(slots=True, kw_only=True)
class _Table:
    """An open table; `row` and `cell` are the depths of its open row and cell.

    `is_layout` once it holds a heading, code or a table: it arranges a page, and its cells are written as blocks.
    """

    depth: int
    mark: Mark
    row_start: int
    row: int | None = None
    cell: int | None = None
    covered: CoveredCells
    cells: int = 0
    is_layout: bool = False


class HtmlText:
    """Reads an HTML file once; `text`, `title` and `blocks` are what came of it.

    The elements are kept on a stack of names, never in a tree, so that neither depth nor disorder costs more than
    linear time. Only block elements are on it, and every element inside a hidden one.
    """

    def __init__(self, source: str, *, is_xml: bool) -> None:
        self.title = ""
        self.blocks: list[Block] = []
        self._out = FlowingText()
        self._stack: list[str] = []
        self._depths: dict[str, list[int]] = {}
        self._hidden_depth: int | None = None
        self._heading: _Heading | None = None
        self._code: _Code | None = None
        self._tables: list[_Table] = []
        self._allowance = Allowance()
        self._is_in_title = False
        for token in html_tokens(source, is_xml=is_xml):
            if isinstance(token, StartTag):
                self._start(token)
                if is_xml and token.is_self_closing:
                    self._end(token.name)
            elif isinstance(token, EndTag):
                self._end(token.name)
            else:
                self._characters(token)
        self._close_down_to(0)
        self.text = str(self._out)

    def _characters(self, text: str) -> None:
        if self._is_in_title:
            self.title = self.title or " ".join(text.split())
        elif self._hidden_depth is not None:
            return
        elif self._code is None:
            self._out.write_words(text)
        elif self._out.length > self._code.mark.length or (text := text.lstrip("\n")):
            self._out.write(text)

    def _start(self, tag: StartTag) -> None:
        name = tag.name
        self._end_elements_before(name)
        if name == "title":
            self._is_in_title = self._hidden_depth is None
        elif name in _VOID:
            if self._hidden_depth is None:
                self._void(name)
        elif self._hidden_depth is not None:
            self._push(name)
        elif name in _DROPPED or "hidden" in tag.attributes or _NOT_DISPLAYED.search(tag.attributes.get("style", "")):
            self._break(Gap.SPACE if name in _CELLS else _GAPS.get(name, Gap.NOTHING))
            self._hidden_depth = self._push(name)
        elif name in _GAPS:
            self._start_block(tag)
        elif name == "code" and self._code is not None:
            self._code.language = self._code.language or _language(tag)

    def _void(self, name: str) -> None:
        if name == "br" and self._code is not None:
            self._characters("\n")
        elif name == "br" and not self._is_in_line():
            self._out.owe_line_break()
        elif name in {"br", "hr"}:
            self._break(Gap.BLANK_LINE)

    def _start_block(self, tag: StartTag) -> None:
        name = tag.name
        if self._code is not None:
            self._break(_GAPS[name])
            self._push(name)
            return
        self._end_heading_before(name)
        table = self._tables[-1] if self._tables else None
        if table is not None and name in _CELLS | _ROW_ENDS:
            self._start_table_part(table, tag)
            return
        if table is not None and (name in _HEADINGS or name in {"pre", "table"}):
            table.is_layout = True
            self._out.settle_separators(are_written=False)
        self._break(_GAPS[name])
        depth, mark = self._push(name), self._out.mark()
        if name in _HEADINGS:
            self._heading = _Heading(depth=depth, mark=mark, level=_HEADINGS[name])
        elif name == "pre":
            self._code = _Code(depth=depth, mark=mark, language=_language(tag))
        elif name == "table":
            covered = CoveredCells(self._allowance)
            self._tables.append(_Table(depth=depth, mark=mark, row_start=mark.length, covered=covered))

    def _end_heading_before(self, name: str) -> None:
        """Close a heading without an end tag: at a block that no heading holds, or at a paragraph behind its text."""
        if self._heading is None:
            return
        has_text = self._out.length > self._heading.mark.length
        is_paragraph = _GAPS[name] == Gap.BLANK_LINE
        if name in _HEADINGS or name in {"pre", "table"} or (is_paragraph and has_text):
            self._close_down_to(self._heading.depth)

    def _end_elements_before(self, name: str) -> None:
        """Close the elements whose end tags may be left out because the start tag `name` ends them.

        Inside a hidden element, inline elements end there too: they say nothing, and would stand in the way.
        """
        while self._stack:
            innermost = self._stack[-1]
            is_inline = innermost not in _GAPS and len(self._stack) - 1 != self._hidden_depth
            if name not in (_GAPS if is_inline else _ENDED_BY.get(innermost, ())):
                return
            self._close()

    def _start_table_part(self, table: _Table, tag: StartTag) -> None:
        name = tag.name
        if name in _CELLS:
            if table.cell is not None:
                self._close_down_to(table.cell)
            covered = table.covered.pass_covered()
            table.covered.place(tag.attributes.get("rowspan", ""), tag.attributes.get("colspan", ""))
            separators = covered + (table.cells > 0)
            if table.is_layout or table.cells == 0:
                self._out.owe(Gap.LINE)
            if separators and not table.is_layout:
                self._out.owe_separator(CELL_SEPARATOR * separators)
            table.cells += 1
            table.cell = self._push(name)
            return
        outermost = table.cell if table.row is None else table.row
        if outermost is not None:
            self._close_down_to(outermost)
        self._end_row(table)
        depth = self._push(name)
        if name == "tr":
            table.row = depth
        else:
            table.covered.end_group()

    def _end_row(self, table: _Table, *, is_element: bool = False) -> None:
        """End the open row; one without cells is a row where its element was there."""
        if table.cells or is_element:
            behind = table.covered.end_row()
            if behind and not table.is_layout:
                self._out.owe_separator(CELL_SEPARATOR * behind)
        self._out.settle_separators(are_written=self._out.length > table.row_start)
        self._out.owe(Gap.LINE)
        table.cells, table.row_start = 0, self._out.length

    def _end(self, name: str) -> None:
        if name == "title":
            self._is_in_title = False
        elif name in _HEADINGS and self._heading is not None and self._hidden_depth is None:
            self._close_down_to(self._heading.depth)
        elif depths := self._depths.get(name):
            is_outside_table = bool(self._tables) and depths[-1] < self._tables[-1].depth
            if not is_outside_table or name in _TABLE_PARTS:
                self._close_down_to(depths[-1])

    def _close_down_to(self, depth: int) -> None:
        while len(self._stack) > depth:
            self._close()

    def _close(self) -> None:
        name = self._stack.pop()
        depth = self._depths[name].pop()
        if self._hidden_depth is not None:
            if depth == self._hidden_depth:
                self._hidden_depth = None
            return
        table = self._tables[-1] if self._tables else None
        if self._heading is not None and self._heading.depth == depth:
            self._close_heading(self._heading)
        elif self._code is not None and self._code.depth == depth:
            self._close_code(self._code)
        elif table is not None and table.depth == depth:
            self._close_table(table)
        elif table is not None and table.cell == depth:
            table.cell = None
            self._out.owe(Gap.LINE if table.is_layout else Gap.SPACE)
            return
        elif table is not None and table.row == depth:
            table.row = None
            self._end_row(table, is_element=True)
        self._break(_GAPS[name])

    def _close_heading(self, heading: _Heading) -> None:
        self._heading = None
        span, text = self._out.since(heading.mark)
        if label := " ".join(text.split()):
            self.blocks.append(Block(kind="heading", span=span, level=heading.level, label=label))

    def _close_code(self, code: _Code) -> None:
        self._code = None
        self._out.trim_since(code.mark)
        span, text = self._out.since(code.mark)
        if text:
            self.blocks.append(Block(kind="code", span=span, label=code.language))

    def _close_table(self, table: _Table) -> None:
        self._end_row(table)
        self._tables.pop()
        span, text = self._out.since(table.mark)
        if text and not table.is_layout:
            self.blocks.append(Block(kind="table", span=span))

    def _push(self, name: str) -> int:
        """Put the element on the stack and return its depth."""
        depth = len(self._stack)
        self._stack.append(name)
        self._depths.setdefault(name, []).append(depth)
        return depth

    def _break(self, gap: Gap) -> None:
        self._out.owe(min(gap, Gap.SPACE) if self._is_in_line() else gap)

    def _is_in_line(self) -> bool:
        """Tell whether an open heading or table cell must stay one line."""
        is_in_cell = bool(self._tables) and not self._tables[-1].is_layout and self._tables[-1].cell is not None
        return is_in_cell or self._heading is not None


def _language(tag: StartTag) -> str:
    match = _LANGUAGE.search(tag.attributes.get("class", ""))
    return match[1] if match else ""
