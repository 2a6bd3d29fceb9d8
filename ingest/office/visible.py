"""What a Word document or a presentation does not show, cut out of the package before anything reads it.

Words that no reader sees are how a file gives orders to a model, and comments are not the document's text. Only a
process that limits itself may call this: the XML is read as it comes.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Set
from dataclasses import dataclass
from io import BytesIO
from xml.etree.ElementTree import Element
from xml.parsers import expat

from ingest.office.package import elements, local_name, read_part

COMMENTS = re.compile(r"word/comments[^/]*\.xml", re.IGNORECASE)
"""Where reviewers write. The library finds comments by this name, linked or not, and reads none of PowerPoint's."""

STYLES = "word/styles.xml"
NEVER_SHOWN = frozenset({"moveFrom", "commentReference"})
SHAPES = frozenset({"sp", "pic", "graphicFrame", "grpSp", "cxnSp", "drawing"})
OFF = frozenset({"0", "false", "off"})
_MAY_HIDE = re.compile(rb"vanish|moveFrom|commentReference|hidden|\x00")
"""A part without any of these hides nothing; a NUL stands in every part that is UTF-16."""


@dataclass(slots=True)
class _Open:
    """An element that is open: where it begins, and whether it turned out to be hidden."""

    name: str
    start: int
    is_hidden: bool


class _Cuts:
    """Reads one part once; `found` are the stretches of its bytes that hold hidden elements, inner ones first."""

    def __init__(self, part: bytes, hidden_styles: frozenset[str]) -> None:
        self.found: list[tuple[int, int]] = []
        self._hidden_styles = hidden_styles
        self._open: list[_Open] = []
        self._ended: int | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.DefaultHandler = self._other
        self._parser.Parse(part, True)
        self._close_cut(len(part))

    def _start(self, qualified: str, attributes: Mapping[str, str]) -> None:
        self._close_cut(self._parser.CurrentByteIndex)
        name = qualified.rpartition(":")[2]
        self._open.append(_Open(name, self._parser.CurrentByteIndex, name in NEVER_SHOWN))
        values = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if name == "vanish" and _is_on(values):
            self._hide_owner("rPr", {"r"})
        elif name == "hidden" and _is_on(values):
            self._hide_owner("trPr", {"tr"})
        elif name == "rStyle" and values.get("val") in self._hidden_styles:
            self._hide_owner("rPr", {"r"})
        elif name == "pStyle" and values.get("val") in self._hidden_styles:
            self._hide_owner("pPr", {"p"})
        elif name in {"cNvPr", "docPr"} and values.get("hidden", "0").lower() not in OFF:
            self._hide_owner("", SHAPES)

    def _hide_owner(self, properties: str, owners: Set[str]) -> None:
        """Hide the element that the open properties are of: not what they were before a change, or a paragraph's."""
        for one in reversed(self._open[:-1]):
            if one.name in owners:
                one.is_hidden = True
            if one.name in owners or one.name != (properties or one.name):
                return

    def _end(self, _: str) -> None:
        self._close_cut(self._parser.CurrentByteIndex)
        ended = self._open.pop()
        if ended.is_hidden:
            self._ended = ended.start

    def _other(self, _: str) -> None:
        self._close_cut(self._parser.CurrentByteIndex)

    def _close_cut(self, position: int) -> None:
        """End the stretch whose element has ended at whatever comes next: no end of its own is told."""
        if self._ended is not None:
            self.found.append((self._ended, position))
            self._ended = None


def visible_part(part: bytes, hidden_styles: frozenset[str] = frozenset()) -> bytes:
    """Return the part without its hidden elements, every other byte as it is."""
    if not hidden_styles and _MAY_HIDE.search(part) is None:
        return part
    kept: list[bytes] = []
    position = 0
    for start, end in sorted(_Cuts(part, hidden_styles).found):
        if start >= position:
            kept.append(part[position:start])
            position = end
        else:
            position = max(position, end)
    return b"".join([*kept, part[position:]])


def visible_package(data: bytes) -> bytes:
    """Return a package of Word or PowerPoint without what it does not show; where that is nothing, `data` itself."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        styles = _hidden_styles(archive)
        comments = {name for name in archive.namelist() if COMMENTS.fullmatch(name)}
        changed: dict[str, bytes] = {}
        for name in set(archive.namelist()) - comments - {STYLES}:
            if name.endswith(".xml"):
                part = archive.read(name)
                visible = visible_part(part, styles)
                if len(visible) != len(part):
                    changed[name] = visible
        return _rewritten(archive, changed, comments) if changed or comments else data


def _rewritten(archive: zipfile.ZipFile, changed: Mapping[str, bytes], dropped: Set[str]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as made:
        for name in dict.fromkeys(archive.namelist()):
            if name not in dropped:
                made.writestr(name, changed[name] if name in changed else archive.read(name))
    return buffer.getvalue()


def _hidden_styles(archive: zipfile.ZipFile) -> frozenset[str]:
    """Return the styles whose text is hidden, by themselves or by the style they are based on."""
    if STYLES not in archive.namelist():
        return frozenset()
    styles = list(elements(read_part(archive, STYLES), "style"))
    bases = {_value(style, "styleId"): _value(one, "val") for style in styles for one in elements(style, "basedOn")}
    hidden = {_value(style, "styleId") for style in styles if _hides_text(style)}
    while more := {name for name, base in bases.items() if base in hidden} - hidden:
        hidden |= more
    return frozenset(hidden - {""})


def _hides_text(style: Element) -> bool:
    properties = (one for one in style if local_name(one) == "rPr")
    return any(_value(one, "val").lower() not in OFF for found in properties for one in elements(found, "vanish"))


def _value(element: Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _is_on(attributes: Mapping[str, str]) -> bool:
    return attributes.get("val", "on").lower() not in OFF
