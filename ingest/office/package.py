"""Parts of an Office package and the links between them.

Only a process that limits itself may call this: the XML is read as it comes.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from io import BytesIO
from xml.etree.ElementTree import Element, fromstring

_LINK = "/relationships}id"
"""How the attribute ends by which an element names a link; its namespace differs between the two forms of packages."""


MOST_FILES_IN_ARCHIVE = 10_000
MOST_COMPRESSION_RATIO = 200


def check_sizes(data: bytes, most_bytes: int) -> None:
    """Raise ValueError where the archive says that it unpacks to more than a limit; nothing is unpacked."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if len(parts) > MOST_FILES_IN_ARCHIVE:
        raise ValueError(f"{len(parts)} files inside exceed the limit of {MOST_FILES_IN_ARCHIVE}")
    if size > most_bytes:
        raise ValueError(f"it unpacks to {size} bytes, over the limit of {most_bytes}")
    if size > MOST_COMPRESSION_RATIO * len(data):
        raise ValueError(f"it unpacks to {size} bytes, over the limit of {MOST_COMPRESSION_RATIO} to 1")


def read_part(archive: zipfile.ZipFile, name: str) -> Element:
    """Return the root of a part; raises what reading a damaged one raises."""
    return fromstring(archive.read(name))  # noqa: S314  # see above


def linked_parts(archive: zipfile.ZipFile, name: str, kind: str = "") -> dict[str, str]:
    """Return the parts that the part `name` ("": the package) links to by link, with a `kind` only those of it.

    Parts that the package does not hold are left out.
    """
    names = set(archive.namelist())
    folder, base = posixpath.split(name)
    links = posixpath.join(folder, "_rels", f"{base}.rels")
    if links not in names:
        return {}
    found: dict[str, str] = {}
    for link in read_part(archive, links):
        target = posixpath.normpath(posixpath.join("/", folder, str(link.get("Target")))).lstrip("/")
        if target in names and str(link.get("Type")).endswith(f"/{kind}" if kind else ""):
            found[str(link.get("Id"))] = target
    return found


def link_of(element: Element) -> str:
    """Return the id of the link that an element names, "" where it names none."""
    return next((value for name, value in element.attrib.items() if name.endswith(_LINK)), "")


def elements(root: Element, name: str) -> Iterator[Element]:
    """Yield the elements called `name`, whatever their namespace, in the order of the part."""
    return (one for one in root.iter() if local_name(one) == name)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]
