"""The process that reads one Office file: `python -m ingest.office.child KIND MEMORY_BYTES SECONDS MOST_CHARACTERS`.

The file comes through the standard input, the answer goes to the standard output as JSON: the text with its blocks,
or what is wrong with the file. It limits itself before it looks at the first byte, and loads of the service only the
parsers that a mail or a book needs.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sys
import zipfile
from io import BytesIO
from typing import Any

from ingest.office.outline import Node, first_heading, write_outline
from ingest.office.package import MOST_COMPRESSION_RATIO, MOST_FILES_IN_ARCHIVE, check_sizes
from ingest.office.slides import slide_order, write_slides
from ingest.office.visible import visible_package
from ingest.office.workbook import Layout, sheet_layouts, write_sheet
from ingest.office.written_text import TextTooLongError, WrittenText

MEDIA_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
KINDS = frozenset({*MEDIA_TYPES, "epub"})
"""What the parsers would give to a process like this one."""

PROLOG_WINDOW_BYTES = 65_536
"""A document type is declared in front of the first element, which begins within so many bytes or is not looked for."""

_PASSED_OVER = re.compile(rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
_ELEMENT = re.compile(rb"<[^!]")

MOST_ANSWER_BYTES_PER_CHARACTER = 24
MOST_TABLE_CELLS = 2_000_000
MOST_XML_DEPTH = 256


def limit_itself(memory_bytes: int, seconds: int, most_characters: int) -> None:
    """Let the kernel end this process where it takes more memory or time, or writes more, than it may."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    most_bytes = MOST_ANSWER_BYTES_PER_CHARACTER * most_characters
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


def refuse_declarations(data: bytes) -> None:
    """Raise ValueError where a part of an Office package declares entities, which its format forbids, or may do so.

    The library leaves such entities out, and with them what they stand for. What stands in front of a part's first
    element is looked at; where that is more than PROLOG_WINDOW_BYTES, the part is refused unread.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                with archive.open(name) as part:
                    start = _PASSED_OVER.sub(b"", part.read(PROLOG_WINDOW_BYTES))
                    has_more = bool(part.read(1))
                element = _ELEMENT.search(start)
                if b"<!" in (start[: element.start()] if element is not None else start):
                    raise ValueError(f"the part {name!r} declares a document type, which Office files may not")
                if element is None and has_more:
                    raise ValueError(
                        f"the part {name!r} has no element in its first {PROLOG_WINDOW_BYTES} bytes, so that document "
                        f"types, which Office files may not declare, cannot be ruled out"
                    )


def read(kind: str, data: bytes, memory_bytes: int, most_characters: int) -> dict[str, Any]:
    """Return the document of `data`: `text`, `title` and `blocks`."""
    written = WrittenText(most_characters)
    if kind == "eml":
        title = _write_mail(data, memory_bytes, written)
    elif kind == "epub":
        check_sizes(data, memory_bytes // 4)
        title = _write_book(data, written)
    else:
        title = _write_office(kind, data, memory_bytes, written)
    return {"text": written.text, "title": title, "blocks": written.blocks}


def _write_mail(data: bytes, memory_bytes: int, written: WrittenText) -> str:
    from ingest.document import ParsedDocument  # these load half of what the service does
    from ingest.office.message import write_message
    from ingest.parsers import parser_for

    def read_attachment(name: str, media_type: str, attached: bytes) -> ParsedDocument:
        parser = parser_for(name, media_type)
        kind = parser.extensions[0].removeprefix(".")
        if kind not in KINDS:
            return parser.parse(attached)
        found = read(kind, attached, memory_bytes, written.most_characters)  # in this very process
        return ParsedDocument.from_structure(found["text"], found["title"], found["blocks"])

    return write_message(data, read_attachment, written)


def _write_book(data: bytes, written: WrittenText) -> str:
    from ingest.office.book import write_book  # see above

    return write_book(data, written)


def _write_office(kind: str, data: bytes, memory_bytes: int, written: WrittenText) -> str:
    if kind != "xlsx":  # its rows and columns are left out one by one
        check_sizes(data, memory_bytes)
        refuse_declarations(data)
        data = visible_package(data)
    found = _found_by_library(kind, data, memory_bytes)
    if kind == "xlsx":
        refuse_declarations(data)
        _write_workbook(found, data, written)
    elif kind == "pptx":
        write_slides(_nodes(found), slide_order(data), written)
    else:
        write_outline(_nodes(found), written)
    return _title(found) or ("" if kind == "xlsx" else first_heading(written.blocks))  # a workbook's are its sheets


def _found_by_library(kind: str, data: bytes, memory_bytes: int) -> Any:
    import xberg

    limits = xberg.SecurityLimits(
        max_archive_size=memory_bytes,
        max_content_size=memory_bytes // 4,
        max_compression_ratio=MOST_COMPRESSION_RATIO,
        max_files_in_archive=MOST_FILES_IN_ARCHIVE,
        max_table_cells=MOST_TABLE_CELLS,
        max_xml_depth=MOST_XML_DEPTH,
        max_nesting_depth=MOST_XML_DEPTH,
    )
    config = xberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=True,
        output_format="plain" if kind == "xlsx" else "markdown",  # slides have headings in Markdown only
        include_document_structure=kind != "xlsx",
        security_limits=limits,
        max_archive_depth=1,
        content_filter=xberg.ContentFilterConfig(include_footnotes=True, strip_repeating_text=False),
        concurrency=xberg.ConcurrencyConfig(max_threads=1),
    )
    source = xberg.ExtractInput(kind="bytes", bytes=data, mime_type=MEDIA_TYPES[kind])
    result = asyncio.run(xberg.extract(source, config))
    if result.errors:
        raise RuntimeError(result.errors[0].message)
    return result.results[0]


def _nodes(found: Any) -> list[Node]:
    nodes = found.document.nodes if found.document is not None else []
    return [(json.loads(str(node.content)), node.parent, node.page) for node in nodes]


def _write_workbook(found: Any, data: bytes, written: WrittenText) -> None:
    names = json.loads(str(found.metadata.format))["sheet_names"]
    layouts = sheet_layouts(data)
    for table in found.tables:
        name = names[table.page_number - 1]
        write_sheet(name, table.cells, layouts.get(name, Layout()), written)


def _title(found: Any) -> str:
    title = found.metadata.title or found.metadata.subject or ""
    return " ".join(title.replace("\x00", "\ufffd").split())


def main() -> None:
    """Read the file, answer, and end at once: no thread of the library outlives the answer."""
    kind, memory_bytes, seconds, most_characters = sys.argv[1], *map(int, sys.argv[2:5])
    limit_itself(memory_bytes, seconds, most_characters)
    answer: dict[str, Any]
    try:
        answer = read(kind, sys.stdin.buffer.read(), memory_bytes, most_characters)
    except (MemoryError, ImportError):  # what is installed fails to load where no memory is left to map it
        answer = {"refused": "memory", "reason": ""}
    except TextTooLongError:
        answer = {"refused": "length", "reason": ""}
    except Exception as error:  # the library raises RuntimeError for everything, its own traps others
        answer = {"refused": "content", "reason": str(error)}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
