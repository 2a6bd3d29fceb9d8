"""From the parts of a document, as the library found them, to one text with its blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ingest.office.written_text import LINE_END, PARAGRAPH_END, WrittenText

Content = Mapping[str, Any]
Node = tuple[Content, int | None, int | None]
"""What a part says of itself, the position of the part it belongs to, and its page."""

INDENT = "  "


def write_outline(nodes: Sequence[Node], written: WrittenText) -> None:
    """Write every part that holds text; pages are kept where there is more than one."""
    pages: list[tuple[int, list[int]]] = [(0, [])]
    for position, (_, _, on_page) in enumerate(nodes):
        if on_page is not None and on_page > pages[-1][0]:
            pages.append((on_page, []))
        pages[-1][1].append(position)
    keeps_pages = len({page for _, _, page in nodes if page is not None}) > 1
    for number, positions in pages:
        if keeps_pages and number:
            written.begin_page(number)
        write_nodes(nodes, positions, written)


def write_nodes(nodes: Sequence[Node], positions: Iterable[int], written: WrittenText) -> None:
    """Write those of the parts that stand at `positions`."""
    previous = ""
    for position in positions:
        content = nodes[position][0]
        node_type = str(content["node_type"])
        if node_type == "list_item":
            separator = LINE_END if previous == "list_item" else PARAGRAPH_END
            written.write(_item(nodes, position), separator=separator)
        elif node_type not in CONTAINERS:
            WRITERS.get(node_type, _write_unknown)(content, written)
        if node_type not in CONTAINERS:
            previous = node_type


def _item(nodes: Sequence[Node], position: int) -> str:
    """Return a list's item behind its mark, indented by the lists around it."""
    content, parent, _ = nodes[position]
    depth = 0
    while parent is not None and parent < position:
        depth += nodes[parent][0]["node_type"] == "list"
        parent = nodes[parent][1]
    return f"{INDENT * max(depth - 1, 0)}- {str(content['text']).strip()}" if str(content["text"]).strip() else ""


def _write_heading(content: Content, written: WrittenText) -> None:
    written.heading(str(content["text"]), int(content.get("level", 1)))


def _write_text(content: Content, written: WrittenText) -> None:
    written.write(str(content["text"]))


def _write_table(content: Content, written: WrittenText) -> None:
    written.table(grid_rows(content["grid"]))


def grid_rows(grid: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of a grid; a cell that spans several stands once, in its first place."""
    rows: dict[int, list[str]] = {}
    for cell in sorted(grid["cells"], key=lambda cell: (cell["row"], cell["col"])):
        rows.setdefault(cell["row"], []).append(str(cell["content"]))
    return list(rows.values())


def _write_code(content: Content, written: WrittenText) -> None:
    written.write(str(content["text"]), kind="code", label=str(content.get("language") or ""))


def _write_entries(content: Content, written: WrittenText) -> None:
    written.write(LINE_END.join(f"{entry['key']}: {entry['value']}" for entry in content["entries"]))


def _write_definition(content: Content, written: WrittenText) -> None:
    written.write(f"{content['term']}: {content['definition']}")


def _write_unknown(content: Content, written: WrittenText) -> None:
    """Write whatever words a part of another type holds, so that no text is lost in silence."""
    words = (content.get(name) for name in ("title", "description", "text", "content"))
    written.write(LINE_END.join(str(word) for word in words if word))


CONTAINERS = frozenset({"group", "list", "quote", "page_break", "slide"})
"""Parts whose text stands in the parts inside them, or that hold none."""

WRITERS: Mapping[str, Callable[[Content, WrittenText], None]] = {
    "title": _write_heading,
    "heading": _write_heading,
    "paragraph": _write_text,
    "table": _write_table,
    "code": _write_code,
    "metadata_block": _write_entries,
    "definition_item": _write_definition,
}


def first_heading(blocks: Iterable[Mapping[str, Any]]) -> str:
    """Return the words of the first heading of level 1, "" where there is none."""
    return next((str(block["label"]) for block in blocks if block["kind"] == "heading" and block["level"] == 1), "")
