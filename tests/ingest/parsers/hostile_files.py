"""Files made to exhaust whoever reads them, and the measuring of a process that does."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.source_tree import ROOT
from tests.ingest.parsers.office_files import docx, epub, paragraph, replaced, xlsx, zip_of
from tests.ingest.parsers.pdf_files import pdf_of

MEGABYTE = 1_000_000
TIMEOUT_SECONDS = 60

_READ = """
import json, resource, sys, time
from pathlib import Path
from configs.errors import PlaygroundError
from ingest.parsers import parser_for
def peaks():  # its own since it was started: ru_maxrss tells that of the process it was forked from, too
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(own.split()[1]) * 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
data = Path(sys.argv[2]).read_bytes()
start = time.process_time()
answer = {"code": "", "characters": 0, "detail": ""}
try:
    answer["characters"] = len(parser_for(sys.argv[1]).parse(data).text)
except PlaygroundError as error:
    answer.update(code=error.code, detail=error.detail, status=error.status)
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds, (peak, child) = time.process_time() - start + spent.ru_utime + spent.ru_stime, peaks()
print(json.dumps({**answer, "seconds": seconds, "peak_bytes": max(peak, child)}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became of a file that a fresh process read.

    `seconds` of processor time, its child's included; `peak_bytes` is the larger of its own and its child's.
    """

    code: str
    characters: int
    detail: str
    seconds: float
    peak_bytes: int


def read_elsewhere(file_name: str, data: bytes, folder: Path) -> Reading:
    """Read the file in a process of its own and return what it took."""
    path = folder / "file"
    path.write_bytes(data)
    command = [sys.executable, "-c", _READ, file_name, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout)
    return Reading(
        code=said["code"], characters=said["characters"], detail=said["detail"], seconds=said["seconds"],
        peak_bytes=said["peak_bytes"],
    )  # fmt: skip


def laughing_docx() -> bytes:
    """Return a document whose entities expand to a billion of them."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return docx(
        paragraph("LAUGH"), prolog=f'<!DOCTYPE w:document [<!ENTITY l0 "lol">{entities}]>', entity=("LAUGH", "&l9;")
    )


def quadratic_docx() -> bytes:
    """Return a document with one long entity, used very often."""
    prolog = f'<!DOCTYPE w:document [<!ENTITY a "{"a" * 100_000}">]>'
    return docx(paragraph("LAUGH"), prolog=prolog, entity=("LAUGH", "&a;" * 20_000))


def outside_docx(address: str) -> bytes:
    """Return a document with an entity that stands for what lies at `address`."""
    return docx(
        paragraph("read: LAUGH"),
        prolog=f'<!DOCTYPE w:document [<!ENTITY out SYSTEM "{address}">]>',
        entity=("LAUGH", "&out;"),
    )


def zip_bomb_docx() -> bytes:
    """Return a small document that unpacks to two gigabytes."""
    return replaced(docx(paragraph("x")), {"word/document.xml": b"<w:t>" + bytes(600 * MEGABYTE)})


def deep_docx() -> bytes:
    """Return a document with tables in tables, a hundred thousand deep."""
    depth = 100_000
    return docx("<w:tbl><w:tr><w:tc>" * depth + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * depth)


def wide_xlsx() -> bytes:
    """Return a workbook with one cell in its first place and one in its last: 17 billion places between them."""
    made = xlsx({"s": [["a"]]})
    far = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        b"</sheetData></worksheet>"
    )
    return replaced(made, {"xl/worksheets/sheet1.xml": far})


def shared_string_xlsx() -> bytes:
    """Return a workbook whose hundred thousand cells all show one string of a hundred thousand letters."""
    cells = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{letter}{row}" t="s"><v>0</v></c>' for letter in "ABCDEFGHIJ") + "</row>"
        for row in range(1, 10_001)
    )
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'
    return replaced(
        xlsx({"s": [["a"]]}),
        {
            "xl/worksheets/sheet1.xml": sheet.encode(),
            "xl/sharedStrings.xml": f'<sst xmlns="{space}"><si><t>{"a" * 100_000}</t></si></sst>'.encode(),
            "xl/_rels/workbook.xml.rels": (
                b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                b'<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
                b'worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats'
                b'.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
            ),
        },
    )


def many_files_epub() -> bytes:
    """Return a book with fifty thousand empty files beside its one chapter."""
    made = epub([("One", "x")])
    return replaced(made, {f"OEBPS/{number}.css": b"" for number in range(50_000)})


def swelling_epub() -> bytes:
    """Return a book whose one chapter unpacks to 120 megabytes."""
    return replaced(epub([("One", "x")]), {"OEBPS/chapter1.xhtml": b"<p>" + b"a" * (120 * MEGABYTE)})


def forwarding_mail() -> bytes:
    """Return a message that holds a message, and so on, five thousand deep."""
    head = "From: a@example.com\r\nSubject: deep\r\nContent-Type: "
    return (f"{head}message/rfc822\r\n\r\n" * 5_000 + f"{head}text/plain\r\n\r\nat the bottom\r\n").encode()


def crowded_mail() -> bytes:
    """Return a message with twenty thousand small tables attached."""
    one = '--cut\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="a.csv"\r\n\r\nk\r\n1\r\n'
    head = 'From: a@example.com\r\nSubject: many\r\nContent-Type: multipart/mixed; boundary="cut"\r\n\r\n'
    return (head + one * 20_000 + "--cut--\r\n").encode()


def nested_mail() -> bytes:
    """Return a message whose parts hold parts, five thousand deep."""
    head = "From: a@example.com\r\nSubject: deep\r\nMIME-Version: 1.0\r\n"
    parts = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(5_000))
    return (head + parts + "Content-Type: text/plain\r\n\r\nat the bottom\r\n").encode()


def mail_with_bomb() -> bytes:
    """Return a message with a zip bomb attached."""
    bomb = base64.encodebytes(zip_of({"a.txt": bytes(300 * MEGABYTE)})).decode()
    return (
        "From: a@example.com\r\nSubject: bomb\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n'
        "--cut\r\nContent-Type: text/plain\r\n\r\nbody\r\n--cut\r\n"
        'Content-Type: application/zip\r\nContent-Disposition: attachment; filename="a.zip"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{bomb}\r\n--cut--\r\n"
    ).encode()


def bomb_pdf(megabytes: int) -> bytes:
    """Return a PDF whose one page unpacks to that many megabytes."""
    compressor = zlib.compressobj(9)
    packed = b"".join(compressor.compress(b" " * MEGABYTE) for _ in range(megabytes)) + compressor.flush()
    pdf = pdf_of([b""], is_compressed=True)
    start, end = pdf.index(b"stream\n") + len(b"stream\n"), pdf.index(b"\nendstream")
    return pdf[:start] + packed + pdf[end:]


def tireless_pdf(operators: int) -> bytes:
    """Return a PDF whose one page shows a letter again and again."""
    return pdf_of([b"BT /F1 12 Tf " + b"(a) Tj " * operators + b"ET"], is_compressed=True)


def wide_csv(columns: int) -> bytes:
    """Return a table of that many columns and one row."""
    return b",".join(b"c%d" % number for number in range(columns)) + b"\n" + b",".join([b"1"] * columns) + b"\n"
