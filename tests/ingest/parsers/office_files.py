"""Office files, written by hand: the least that the formats ask for, so that a test sees every byte."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument."

Rows = Sequence[Sequence[str]]


def zip_of(files: Mapping[str, str | bytes], stored: Sequence[str] = ()) -> bytes:
    """Return a zip file of `files` by name; those in `stored` are not compressed."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def replaced(archive: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return the zip file with `files` added, or in the place of those of the same names."""
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        before = {name: opened.read(name) for name in opened.namelist() if name not in files}
    return zip_of({**before, **files}, stored=[name for name in before if name == "mimetype"])


def docx(*body: str, title: str = "", prolog: str = "", entity: tuple[str, str] = ("", "")) -> bytes:
    """Return a text document of `body`, made by `heading`, `paragraph` and `table`.

    `prolog` may hold a DTD; of `entity`, the second stands in the document for the first.
    """
    document = f'{_DECLARATION}{prolog}<w:document xmlns:w="{_WORD}"><w:body>{"".join(body)}</w:body></w:document>'
    document = document.replace(*entity) if entity[0] else document
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/>'
        f'<w:pPr><w:outlineLvl w:val="{level - 1}"/></w:pPr></w:style>'
        for level in range(1, 7)
    )
    parts = {
        "word/document.xml": (document, "wordprocessingml.document.main+xml"),
        "word/styles.xml": (
            f'{_DECLARATION}<w:styles xmlns:w="{_WORD}">{styles}</w:styles>',
            "wordprocessingml.styles+xml",
        ),
    }
    return _package(parts, "word/document.xml", {"word/document.xml": {"rId1": ("styles", "styles.xml")}}, title)


def heading(text: str, level: int = 1) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr><w:r><w:t>{escape(text)}</w:t></w:r></w:p>'


def paragraph(text: str) -> str:
    return f'<w:p><w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def page_break() -> str:
    return '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'


def table(rows: Rows) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    grid = "<w:gridCol/>" * len(rows[0])
    return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def xlsx(sheets: Mapping[str, Rows], title: str = "") -> bytes:
    """Return a workbook of `sheets` by name; a cell that looks like a number is one."""
    names = list(sheets)
    listed = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1))
    workbook = f'{_DECLARATION}<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    parts = {"xl/workbook.xml": (workbook, "spreadsheetml.sheet.main+xml")}
    for number, rows in enumerate(sheets.values(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = (_worksheet(rows), "spreadsheetml.worksheet+xml")
    links = {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)}
    return _package(parts, "xl/workbook.xml", {"xl/workbook.xml": links}, title)


def _worksheet(rows: Rows) -> str:
    made = "".join(f'<row r="{number}">{_cells(number, row)}</row>' for number, row in enumerate(rows, start=1))
    return f'{_DECLARATION}<worksheet xmlns="{_SHEET}"><sheetData>{made}</sheetData></worksheet>'


def _cells(number: int, row: Sequence[str]) -> str:
    return "".join(_cell(f"{_column(n)}{number}", value) for n, value in enumerate(row) if value)


def _cell(reference: str, value: str) -> str:
    if value.replace(".", "", 1).isdigit():
        return f'<c r="{reference}"><v>{value}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def _column(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def pptx(
    slides: Sequence[tuple[str, Sequence[str]]], title: str = "", notes: Mapping[int, Sequence[str]] | None = None
) -> bytes:
    """Return a presentation; each slide is a title and its lines, `notes` are the speaker's by slide from 1.

    A page of notes has the slide's number in a field of its own, as PowerPoint writes it.
    """
    listed = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    presentation = (
        f'{_DECLARATION}<p:presentation xmlns:p="{_SLIDE}" xmlns:r="{_OFFICE}"><p:sldIdLst>{listed}</p:sldIdLst>'
        '<p:sldSz cx="9144000" cy="6858000"/></p:presentation>'
    )
    parts = {"ppt/presentation.xml": (presentation, "presentationml.presentation.main+xml")}
    for number, (name, lines) in enumerate(slides, start=1):
        parts[f"ppt/slides/slide{number}.xml"] = (_slide("sld", [name], lines), "presentationml.slide+xml")
    links = {"ppt/presentation.xml": {f"rId{n}": ("slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1)}}
    for number, lines in (notes or {}).items():
        name = f"notesSlides/notesSlide{number}.xml"
        parts[f"ppt/{name}"] = (_slide("notes", [], lines, str(number)), "presentationml.notesSlide+xml")
        links[f"ppt/slides/slide{number}.xml"] = {"rId1": ("notesSlide", f"../{name}")}
        links[f"ppt/{name}"] = {"rId1": ("slide", f"../slides/slide{number}.xml")}
    return _package(parts, "ppt/presentation.xml", links, title)


def _slide(root: str, title: Sequence[str], lines: Sequence[str], number: str = "") -> str:
    body = '<p:ph type="body" idx="1"/>' if number else '<p:ph idx="1"/>'
    shapes = (_shape(2, '<p:ph type="title"/>', title) if title else "") + _shape(3, body, lines)
    if number:
        shapes += _shape(4, '<p:ph type="sldNum" idx="5"/>', [number])
    return (
        f'{_DECLARATION}<p:{root} xmlns:p="{_SLIDE}" xmlns:a="{_DRAWING}"><p:cSld><p:spTree><p:nvGrpSpPr>'
        '<p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
        f"{shapes}</p:spTree></p:cSld></p:{root}>"
    )


def _shape(number: int, role: str, lines: Sequence[str]) -> str:
    offset = number * 1_000_000
    text = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in lines)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="shape {number}"/><p:cNvSpPr/><p:nvPr>{role}</p:nvPr></p:nvSpPr>'
        f'<p:spPr><a:xfrm><a:off x="0" y="{offset}"/><a:ext cx="8000000" cy="900000"/></a:xfrm></p:spPr>'
        f"<p:txBody><a:bodyPr/>{text}</p:txBody></p:sp>"
    )


def epub(chapters: Sequence[tuple[str, str]], title: str = "Book") -> bytes:
    """Return a book; each chapter is a heading and a paragraph."""
    pages = {
        f"OEBPS/chapter{number}.xhtml": (
            f'{_DECLARATION}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{escape(name)}</title></head>'
            f"<body><h1>{escape(name)}</h1><p>{escape(text)}</p></body></html>"
        )
        for number, (name, text) in enumerate(chapters, start=1)
    }
    numbers = range(1, len(chapters) + 1)
    items = "".join(f'<item id="c{n}" href="chapter{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers)
    spine = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    return zip_of(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": (
                f'{_DECLARATION}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
                '<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>'
                "</rootfiles></container>"
            ),
            "OEBPS/content.opf": (
                f'{_DECLARATION}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
                '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">1</dc:identifier>'
                f"<dc:title>{escape(title)}</dc:title><dc:language>en</dc:language></metadata>"
                f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
            ),
            **pages,
        },
        stored=["mimetype"],
    )


def mail(subject: str, body: str, attachment: bytes = b"") -> bytes:
    """Return a message in plain text, with a text file attached where `attachment` holds something."""
    head = f"From: Ann <ann@example.com>\r\nTo: Bob <bob@example.com>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body + "\r\n"
    if not attachment:
        return (head + text).encode()
    disposition = 'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="note.txt"\r\n\r\n'
    parts = f"--cut\r\n{text}--cut\r\n{disposition}{attachment.decode()}\r\n--cut--\r\n"
    return (head + 'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n' + parts).encode()


def _package(
    parts: Mapping[str, tuple[str, str]], first: str, links: Mapping[str, Mapping[str, tuple[str, str]]], title: str
) -> bytes:
    """Return an Office package of `parts` (content and type by name) that opens at `first`."""
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{_TYPE}{kind}"/>' for name, (_, kind) in parts.items()
    )
    core = (
        f'{_DECLARATION}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></cp:coreProperties>'
    )
    files = {
        "[Content_Types].xml": (
            f'{_DECLARATION}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/docProps/core.xml" '
            f'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>{overrides}</Types>'
        ),
        "_rels/.rels": _relationships(
            {
                "rId1": (f"{_OFFICE}/officeDocument", first),
                "rId2": (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
            }
        ),
        "docProps/core.xml": core,
    }
    for source, its in links.items():
        folder, name = source.rsplit("/", 1)
        full = {key: (f"{_OFFICE}/{kind}", target) for key, (kind, target) in its.items()}
        files[f"{folder}/_rels/{name}.rels"] = _relationships(full)
    return zip_of({**files, **{name: content for name, (content, _) in parts.items()}})


def _relationships(targets: Mapping[str, tuple[str, str]]) -> str:
    made = "".join(f'<Relationship Id="{k}" Type="{kind}" Target="{target}"/>' for k, (kind, target) in targets.items())
    return f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{made}</Relationships>'
