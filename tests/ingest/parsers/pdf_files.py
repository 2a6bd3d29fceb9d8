"""Small PDF files, written by hand so that every byte of them is known."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

from pypdf import PdfWriter

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def pdf_of(
    pages: Sequence[str | bytes],
    *,
    information: bytes = b"",
    declared_pages: int | None = None,
    is_compressed: bool = False,
) -> bytes:
    """Return a PDF with one page for each text, or for each content stream where it is bytes.

    `information` is the inside of the document information dictionary, as in `/Title (Report)`.
    """
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    count = len(pages) if declared_pages is None else declared_pages
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, count),
        FONT,
    ]
    for number, page in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * number)
        )
        content = page if isinstance(page, bytes) else text_content(page)
        if is_compressed:
            content = zlib.compress(content)
        filters = b"/Filter /FlateDecode" if is_compressed else b""
        objects.append(b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), filters, content))
    trailer = b"/Root 1 0 R"
    if information:
        objects.append(b"<< %b >>" % information)
        trailer += b" /Info %d 0 R" % len(objects)
    return _file_of(objects, trailer)


def text_content(text: str) -> bytes:
    """Return the content stream that shows `text`, line by line; an empty text shows nothing."""
    if not text:
        return b""
    lines = b" ".join(b"(%b) Tj T*" % _escaped(line) for line in text.split("\n"))
    return b"BT /F1 12 Tf 72 720 Td 14 TL %b ET" % lines


def encrypted(data: bytes, password: str, algorithm: str = "RC4-128") -> bytes:
    """Return the PDF, encrypted so that `password` opens it."""
    writer = PdfWriter(clone_from=BytesIO(data))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def _escaped(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _file_of(objects: list[bytes], trailer: bytes) -> bytes:
    file = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        file
        + b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, table)
        + b"trailer << /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(file))
    )
