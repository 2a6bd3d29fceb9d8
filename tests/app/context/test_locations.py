"""Where passages begin: pages, rows and lines, against counting them one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import locations
from app.context.locations import NOWHERE, Location, Locator, line_starts
from app.context.personal.remembered import Remembered
from indexes.database.engine import Database
from indexes.database.tables import Version
from tests.ingest.library import Library, file_upload
from tests.ingest.parsers.office_files import xlsx
from tests.ingest.parsers.pdf_files import pdf_of

CODE = b"# one\n\ndef f():\r\n    return 1\n"
TWO_SHEETS = xlsx({"first": [["n", "p"], ["ann", "1"]], "second": [[], [], ["m", "q"], ["bob", "2"]]})
ROWS = b"name,price\nann,1\n,\nbob,2\n"


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    return Library(database, tmp_path)


def located(library: Library, name: str, source: bytes) -> tuple[Locator, Version, str]:
    """Ingest a file; return what locates in it, its version and its text."""
    library.ingest(file_upload(name, source))
    version = library.versions(name)[-1]
    with library.database.read() as session:
        text = session.get_one(Version, version.id).text or ""
        return Locator(session, [(version.id, version.file_name, version.media_type)]), version, text


@pytest.mark.parametrize(
    ("name", "source", "words", "location"),
    [
        ("a.py", CODE, "# one", Location(line="1")),
        ("a.py", CODE, "def f", Location(line="3")),
        ("a.py", CODE, "return", Location(line="4")),
        ("a.csv", ROWS, "ann", Location(row="1")),
        ("a.csv", ROWS, "bob", Location(row="3")),
        ("a.jsonl", b'{"a": "x"}\n\n{"b": "y"}\n', "b: y", Location(row="2")),
        ("a.json", b'[{"a": "x"}, {}, {"b": "y"}]', "b: y", Location(row="3")),
        ("a.pdf", pdf_of(["one", "", "three"]), "three", Location(page="3")),
        ("a.txt", b"one\ntwo\n", "two", NOWHERE),
        ("a.md", b"# one\n\ntwo\n", "two", NOWHERE),
        ("a.xlsx", TWO_SHEETS, "ann", Location(row="2")),
        ("a.xlsx", TWO_SHEETS, "bob", Location(row="4")),
        ("a.xlsx", TWO_SHEETS, "first", Location(row="1")),
        ("a.xlsx", TWO_SHEETS, "second", Location(row="3")),
    ],
)  # fmt: skip
def test_a_position_has_the_number_its_reader_counts(
    library: Library,
    name: str,
    source: bytes,
    words: str,
    location: Location,
) -> None:
    locator, version, text = located(library, name, source)
    assert locator.at(version.id, text.index(words)) == location
    assert locator.at("another", 0) == NOWHERE


def test_what_was_read_once_is_remembered(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "_remembered", Remembered(100, lambda numbers: len(numbers.starts) + 1))
    first, version, text = located(library, "a.py", CODE)
    monkeypatch.setattr(locations, "_read", lambda _, keys: {key: pytest.fail("read again") for key in keys})
    with library.database.read() as session:
        again = Locator(session, [(version.id, version.file_name, version.media_type)])
    assert [again.at(version.id, position) for position in range(len(text))] == [
        first.at(version.id, position) for position in range(len(text))
    ]


@given(st.text("a\n\r", max_size=40))
def test_lines_begin_behind_each_line_feed(text: str) -> None:
    assert list(line_starts(text)) == [position + 1 for position, letter in enumerate(text) if letter == "\n"]
