"""From an electronic book to one text: its chapters in reading order, each as the HTML parser reads it.

Only a process that limits itself may call this.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from ingest.document import ParsedDocument
from ingest.office.outline import first_heading
from ingest.office.package import elements, read_part
from ingest.office.written_text import WrittenText
from ingest.parsers.html import read_html

CONTAINER = "META-INF/container.xml"
LOCKED_PARTS = "META-INF/encryption.xml"
CHAPTER_TYPES = {"application/xhtml+xml": True, "text/html": False, "text/x-oeb1-document": False}
"""What the spine lists that is text, and whether it is XML; other parts of it are pictures."""


def write_book(data: bytes, written: WrittenText) -> str:
    """Write the visible text of the chapters and return the book's title.

    Raises ValueError where a chapter is missing or locked.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        name = next((one.get("full-path", "") for one in elements(read_part(archive, CONTAINER), "rootfile")), "")
        package = read_part(archive, name)
        locked = _locked_parts(archive)
        for chapter, is_xml in _chapters(package, posixpath.dirname(name)):
            if chapter in locked:
                raise ValueError(f"the chapter {chapter!r} is encrypted")
            if chapter not in archive.namelist():
                raise ValueError(f"the chapter {chapter!r} is missing")
            source = archive.read(chapter)
            if source.strip():
                html = read_html(source, is_xml=is_xml)
                document = ParsedDocument(text=html.text, blocks=tuple(html.blocks))
                written.document(document.text, document.structure())
    title = next(("".join(one.itertext()) for one in elements(package, "title")), "")
    return " ".join(title.split()) or first_heading(written.blocks)


def _chapters(package: Element, folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the path of each chapter in reading order, and whether it is XML."""
    items = {str(item.get("id")): item for item in elements(package, "item")}
    for reference in elements(package, "itemref"):
        item = items.get(str(reference.get("idref")))
        if item is None:
            raise ValueError(f"the chapter {reference.get('idref')!r} is missing")
        media_type = str(item.get("media-type")).lower()
        if media_type in CHAPTER_TYPES:
            yield _path(folder, str(item.get("href"))), CHAPTER_TYPES[media_type]


def _path(folder: str, address: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(address.partition("#")[0])))


def _locked_parts(archive: zipfile.ZipFile) -> frozenset[str]:
    """Return the parts that need a key; fonts may do so in any book."""
    if LOCKED_PARTS not in archive.namelist():
        return frozenset()
    references = elements(read_part(archive, LOCKED_PARTS), "CipherReference")
    return frozenset(_path("", str(reference.get("URI"))) for reference in references)
