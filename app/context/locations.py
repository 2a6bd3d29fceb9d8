"""Where in its file a passage begins, as its reader counts: page, row or line."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.personal.remembered import Remembered
from configs.part import JsonObject
from indexes.database.tables import Version
from ingest.parsers import Place, places_of

MOST_STARTS = 4_000_000
"""Pages, rows and lines that a process remembers, eight bytes each."""

Mark = tuple[str, str, str]
"""Id, file name and media type of a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Number of the page, row or line, each empty where the file has none; all are counted from 1."""

    page: str = ""
    row: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """Where the pages, rows or lines of a version begin, and their numbers."""

    place: Place
    starts: Sequence[int]
    numbers: Sequence[int]

    def at(self, position: int) -> Location:
        before = bisect.bisect_right(self.starts, position)
        if not before:
            return NOWHERE
        number = str(self.numbers[before - 1])
        if self.place == "page":
            return Location(page=number)
        return Location(row=number) if self.place == "record" else Location(line=number)


NOWHERE = Location()
_remembered: Remembered[tuple[str, Place], _Numbers] = Remembered(MOST_STARTS, lambda numbers: len(numbers.starts) + 1)


class Locator:
    """Tells locations in versions; versions never change, so what was read once is remembered by the process."""

    def __init__(self, session: Session, versions: Iterable[Mark]) -> None:
        wanted = {version_id: places_of(file_name, media_type) for version_id, file_name, media_type in versions}
        keys = {(version_id, place) for version_id, places in wanted.items() for place in places}
        known = {key: found for key in keys if (found := _remembered.get(key)) is not None}
        read = _read(session, keys - known.keys())
        for key, numbers in read.items():
            _remembered.put(key, numbers)
        self._numbers: Mapping[str, _Numbers] = {key[0]: numbers for key, numbers in {**known, **read}.items()}

    def at(self, version_id: str, position: int) -> Location:
        """Return the location of a position of one of the versions."""
        numbers = self._numbers.get(version_id)
        return NOWHERE if numbers is None else numbers.at(position)


def _read(session: Session, keys: set[tuple[str, Place]]) -> dict[tuple[str, Place], _Numbers]:
    """Return where pages, rows and lines begin in the versions, read from the database."""
    blocks = {version_id: place for version_id, place in keys if place != "line"}
    lines = [version_id for version_id, place in keys if place == "line"]
    read: dict[tuple[str, Place], _Numbers] = {}
    if blocks:
        for version_id, structure in session.execute(
            select(Version.id, Version.structure).where(Version.id.in_(blocks))
        ):
            place = blocks[version_id]
            read[version_id, place] = _numbers_of(structure or [], place)
    if lines:
        for version_id, text in session.execute(select(Version.id, Version.text).where(Version.id.in_(lines))):
            starts = array("I", chain([0], line_starts(text or "")))
            read[version_id, "line"] = _Numbers(place="line", starts=starts, numbers=range(1, len(starts) + 1))
    return read


def _numbers_of(structure: Iterable[JsonObject], place: Place) -> _Numbers:
    """Return where pages or rows begin; a heading in front of a row belongs to it."""
    starts, numbers = array("I"), array("I")
    heading: int | None = None
    for block in structure:
        if block["kind"] == place:
            starts.append(block["start"] if heading is None else heading)
            numbers.append(int(block["label"]))
            heading = None
        elif place == "record" and block["kind"] == "heading" and heading is None:
            heading = block["start"]
    return _Numbers(place=place, starts=starts, numbers=numbers)


def line_starts(text: str) -> Iterable[int]:
    """Yield the position behind each line feed."""
    end = text.find("\n")
    while end >= 0:
        yield end + 1
        end = text.find("\n", end + 1)


def page_starts(structure: Sequence[JsonObject]) -> list[tuple[int, str]]:
    """Return where each page of a version begins, with its label, in order."""
    return [(block["start"], block["label"]) for block in structure if block["kind"] == "page"]


def page_at(pages: Sequence[tuple[int, str]], position: int) -> str:
    """Return the label of the page that holds `position`, "" where there is none."""
    number = bisect.bisect_right(pages, position, key=itemgetter(0))
    return pages[number - 1][1] if number else ""
