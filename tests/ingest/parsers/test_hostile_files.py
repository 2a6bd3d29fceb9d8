"""Files that would exhaust a careless reader: refused clearly, or read, within ten seconds and 500 MB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ingest.parsers import hostile_files as hostile
from tests.ingest.parsers.hostile_files import MEGABYTE, read_elsewhere
from tests.ingest.parsers.office_files import docx, paragraph
from tests.ingest.parsers.pdf_files import pdf_of

SECONDS = 10
"""Of processor time, so that a busy machine does not decide."""

BYTES = 500 * MEGABYTE

Make = Callable[[], bytes]

QUICK: dict[str, tuple[str, Make]] = {
    "billion laughs.docx": ("damaged_file", hostile.laughing_docx),
    "quadratic blowup.docx": ("damaged_file", hostile.quadratic_docx),
    "a file from outside.docx": ("damaged_file", lambda: hostile.outside_docx("file:///etc/hostname")),
    "an address outside.docx": ("damaged_file", lambda: hostile.outside_docx("http://127.0.0.1:9/x")),
    "deep tables.docx": ("too_complex", hostile.deep_docx),
    "far apart cells.xlsx": ("", hostile.wide_xlsx),
    "one long string everywhere.xlsx": ("parser_out_of_memory", hostile.shared_string_xlsx),
    "a million columns.csv": ("too_many_columns", lambda: hostile.wide_csv(10**6)),
    "arrays in arrays.json": ("nested_too_deeply", lambda: b"[" * 10_000 + b"1" + b"]" * 10_000),
    "objects in objects.jsonl": ("nested_too_deeply", lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "a page that draws for ever.pdf": ("too_complex", lambda: hostile.tireless_pdf(3_000_000)),
    "pages over pages.pdf": ("too_many_pages", lambda: pdf_of([b""] * 5_001)),
}
HEAVY: dict[str, tuple[str, Make]] = {
    "zip bomb.docx": ("too_complex", hostile.zip_bomb_docx),
    "files over files.epub": ("too_complex", hostile.many_files_epub),
    "parts in parts.eml": ("too_complex", hostile.nested_mail),
    "with a zip bomb.eml": ("", hostile.mail_with_bomb),
    "forwarded without end.eml": ("too_complex", hostile.forwarding_mail),
    "attachments over attachments.eml": ("", hostile.crowded_mail),
    "unpacks to much.epub": ("too_complex", hostile.swelling_epub),
    "bomb.pdf": ("too_complex", lambda: hostile.bomb_pdf(500)),
    "five thousand pages.pdf": ("", lambda: pdf_of([f"page {number}" for number in range(5_000)])),
    "one line.txt": ("", lambda: b"a" * (100 * MEGABYTE)),
    "one line.py": ("", lambda: b"a" * (100 * MEGABYTE)),
    "one line.csv": ("line_too_long", lambda: b"a," * (50 * MEGABYTE)),
    "one line.json": ("too_many_values", lambda: b"[" + b"1," * (50 * MEGABYTE) + b"1]"),
    "one line.jsonl": ("extracted_text_too_large", lambda: b'"' + b"a" * (100 * MEGABYTE) + b'"'),
    "one line.html": ("too_many_tags", lambda: b"<b>" * (33 * MEGABYTE)),
    "lines over lines.md": ("too_many_lines", lambda: b"* a\n" * (5 * MEGABYTE)),
    "as many lines as may be.md": ("", lambda: b"* a\n" * 79_999),
    "as many tags as may be.html": ("", lambda: b"<p>a" * 400_000),
    "as many values as may be.json": ("", lambda: b"[" + b'{"a":1},' * 499_998 + b"1]"),
    "as many columns as may be.csv": ("", lambda: hostile.wide_csv(10_000)),
}


def check(name: str, code: str, make: Make, folder: Path) -> None:
    reading = read_elsewhere(name, make(), folder)
    assert (reading.code, bool(reading.characters)) == (code, not code), reading
    assert reading.seconds < SECONDS
    assert reading.peak_bytes < BYTES


@pytest.mark.parametrize("name", QUICK)
def test_a_trap_is_refused_or_read_within_the_limits(name: str, tmp_path: Path) -> None:
    code, make = QUICK[name]
    check(name, code, make, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_trap_is_refused_or_read_within_the_limits(name: str, tmp_path: Path) -> None:
    code, make = HEAVY[name]
    check(name, code, make, tmp_path)


def test_the_measure_sees_what_a_file_takes(tmp_path: Path) -> None:
    small = read_elsewhere("a.docx", docx(paragraph("x")), tmp_path)
    large = read_elsewhere("a.txt", b"a" * (40 * MEGABYTE), tmp_path)
    assert (small.code, small.characters, large.characters) == ("", 1, 40 * MEGABYTE)
    assert large.peak_bytes > 40 * MEGABYTE
    assert small.seconds > 0.05


def test_nothing_of_another_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("TOP SECRET")
    data = hostile.outside_docx(f"file://{tmp_path / 'secret'}")
    reading = read_elsewhere("a.docx", data, tmp_path)
    assert reading.code == "damaged_file"
    assert "SECRET" not in reading.detail
