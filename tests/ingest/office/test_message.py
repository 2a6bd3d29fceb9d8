"""A message taken apart: only what a reader sees, each attachment as its own parser reads it, within bounds."""

from __future__ import annotations

import pytest

from configs.errors import InvalidInputError, UnsupportedMediaTypeError
from ingest.document import ParsedDocument
from ingest.office.message import DEEPEST_MESSAGE, MOST_ATTACHMENTS, write_message
from ingest.office.reader import read_office
from ingest.office.written_text import WrittenText
from ingest.parsers import parser_for
from tests.ingest.office.mail_parts import HEAD, forwarded_message, part, several
from tests.ingest.parsers.office_files import docx, heading, paragraph, xlsx
from tests.ingest.parsers.pdf_files import pdf_of

HTML = "text/html; charset=utf-8"
ZEBRA = (
    "<html><head><title>T</title><style>.zebracss{color:red}</style></head><body><!-- secret remark -->"
    '<div style="color:red; display: none">preheader</div><p hidden>veiled</p><template>mould</template>'
    "<p>html <b>words</b></p><script>var tracker=1</script></body></html>"
)
HEAD_TEXT = "Subject: S\nFrom: Ann <ann@example.com>\nTo: bob@example.com\n\n"


def in_process(name: str, media_type: str, data: bytes) -> ParsedDocument:
    return parser_for(name, media_type).parse(data)


def written(data: bytes) -> WrittenText:
    """Return what a message is written as; files of Office in it are read in a process each."""
    text = WrittenText(1_000_000)
    write_message(data, in_process, text)
    return text


def body(data: bytes) -> str:
    return written(data).text.removeprefix(HEAD_TEXT)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (part(ZEBRA, HTML), "html words"),
        (several("alternative", part("plain words"), part(ZEBRA, HTML)), "plain words"),
        (several("alternative", part(ZEBRA, HTML), part("plain words")), "plain words"),
        (several("alternative", part(" \r\n "), part(ZEBRA, HTML)), "html words"),
        (several("alternative", part(""), part("", HTML)), HEAD_TEXT.strip()),
        (several("alternative", part("plain"), several("related", part(ZEBRA, HTML), cut="in")), "plain"),
        (several("mixed", part("before"), part("after")), "before\n\nafter"),
    ],
)
def test_the_body_is_what_its_reader_sees_once(message: bytes, expected: str) -> None:
    assert body(HEAD + message) == expected


@pytest.mark.parametrize(
    ("data", "media_type", "expected"),
    [
        ("Größe".encode("latin-1"), "text/plain; charset=iso-8859-1", "Größe"),
        ("“Größe”".encode("cp1252"), "text/plain; charset=iso-8859-1", "“Größe”"),
        ("“Größe”".encode("cp1252"), "text/plain; charset=LATIN1", "“Größe”"),
        (b"a +2AA- b", "text/plain; charset=utf-7", "a ? b"),
        ("Größe".encode(), "text/plain; charset=us-ascii", "Größe"),
        ("Größe".encode(), "text/plain", "Größe"),
        (b"a \xff b", "text/plain; charset=utf-8", "a \ufffd b"),
        (b"words", "text/plain; charset=martian", "words"),
        (b"d29yZHM=", "text/plain; charset=base64", "d29yZHM="),
        ("<p>Größe".encode("latin-1"), "text/html; charset=iso-8859-1", "Größe"),
        ('<meta charset="latin1"><p>Größe'.encode("latin-1"), "text/html", "Größe"),
        ('<meta charset="utf-8"><p>Größe'.encode("latin-1"), "text/html; charset=iso-8859-1", "Größe"),
    ],
)
def test_the_declared_encoding_decides(data: bytes, media_type: str, expected: str) -> None:
    assert body(HEAD + part(data, media_type)) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Größe 🎉", "Größe 🎉"),
        ("=?utf-8?q?Gr=C3=B6?= =?utf-8?q?=C3=9Fe?=", "Größe"),
        ("long\r\n  and folded", "long and folded"),
        ("=?martian?q?x?=", "=?martian?q?x?="),
        ("=?utf-8?b?a?= end", "=?utf-8?b?a?= end"),
    ],
)
def test_the_subject_is_the_title(subject: str, expected: str) -> None:
    message = f"Subject: {subject}\r\nContent-Type: text/plain\r\n\r\nwords".encode()
    assert write_message(message, in_process, text := WrittenText(1_000)) == expected
    assert text.text == f"Subject: {expected}\n\nwords"


def test_each_attachment_is_read_by_its_own_parser_under_its_name() -> None:
    text = written(
        HEAD + several(
            "mixed", part("outer"),
            part("name,price\r\nA,1\r\nB,2", "text/csv", "a.csv"),
            part("line one\r\nline two", "application/octet-stream", "a.txt"),
            part(ZEBRA + "<h1>Page</h1>", HTML, "page.html"),
            part("Grüße".encode("latin-1"), "text/plain; charset=latin1", "old.txt"),
        )
    )  # fmt: skip
    assert text.text.removeprefix(HEAD_TEXT) == (
        "outer\n\na.csv\n\nname: A\nprice: 1\n\nname: B\nprice: 2\n\na.txt\n\nline one\r\nline two\n\n"
        "page.html\n\nhtml words\n\nPage\n\nold.txt\n\nGrüße"
    )
    found = [(one["kind"], one["level"], text.text[one["start"] : one["end"]]) for one in text.blocks]
    assert found == [
        ("heading", 1, "a.csv"), ("record", 0, "name: A\nprice: 1"), ("record", 0, "name: B\nprice: 2"),
        ("heading", 1, "a.txt"), ("heading", 1, "page.html"), ("heading", 2, "Page"), ("heading", 1, "old.txt"),
    ]  # fmt: skip


def test_attached_office_files_and_pages_are_read_in_the_same_process() -> None:
    document = read_office(
        "eml",
        HEAD + several(
            "mixed", part("outer"), part(docx(heading("Inside"), paragraph("docx words")), "x/y", "a.docx"),
            part(xlsx({"Sheet": [["k", "v"], ["a", "b"]]}), "x/y", "b.xlsx"),
            part(pdf_of(["page one"]), "x/y", "c.pdf"),
        ),
    )  # fmt: skip
    assert document.text.endswith(
        "outer\n\na.docx\n\nInside\n\ndocx words\n\nb.xlsx\n\nSheet\n\nk | v\n\nk: a\nv: b\n\nc.pdf\n\npage one"
    )
    assert document.heading_path(document.text.index("docx words")) == ("a.docx", "Inside")
    assert document.heading_path(document.text.index("k: a")) == ("b.xlsx", "Sheet")
    assert document.heading_path(len(document.text) - 1) == ("c.pdf",)
    assert "page" not in {one.kind for one in document.blocks}


def test_what_cannot_be_read_is_named_with_the_reason() -> None:
    text = body(
        HEAD + several(
            "mixed", part("outer"), part(b"\x89PNG", "image/png", "a.png"), part(b"PK", "x/y", "b.docx"),
            part(b"x", "application/pgp-signature"),
        )
    )  # fmt: skip
    lines = text.split("\n")
    assert lines[:3] == ["outer", "", "Attachments left out:"]
    assert lines[3] == "- a.png (image/png, 4 bytes): no parser reads '.png'"
    assert lines[4].startswith("- b.docx (x/y, 2 bytes): the file ")
    assert lines[5].startswith("- without a name (application/pgp-signature, 1 bytes): no parser reads")
    assert len(lines) == 6


def test_a_reader_that_raises_something_of_its_own_leaves_one_attachment_out() -> None:
    def read(name: str, *_: object) -> ParsedDocument:
        if name == "a.docx":
            raise RuntimeError("no\n XML")
        raise UnsupportedMediaTypeError("unheard of", hint="")

    text = WrittenText(1_000)
    write_message(HEAD + several("mixed", part(b"x", "x/y", "a.docx"), part(b"y", "x/y", "b.y")), read, text)
    assert text.text.endswith("- a.docx (x/y, 1 bytes): cannot be read: no XML\n- b.y (x/y, 1 bytes): unheard of")


@pytest.mark.parametrize("kind", ["message", "coded message", "file", "file of its type"])
def test_a_forwarded_message_keeps_its_head_and_what_is_attached_to_it(kind: str) -> None:
    inner = b"From: Cem <c@example.com>\r\nSubject: inner =?utf-8?q?=C3=9C?=\r\nMIME-Version: 1.0\r\n" + several(
        "mixed", part("inner body"), part("<h1>Deep</h1>", HTML, "a.html"), cut="inside"
    )
    attached = {
        "message": forwarded_message(inner),
        "coded message": part(inner, "message/rfc822"),
        "file": part(inner, "application/octet-stream", "mail.eml"),
        "file of its type": part(inner, "message/rfc822", "mail.eml"),
    }[kind]
    text = written(HEAD + several("mixed", part("outer"), attached, part("last", name="z.txt")))
    name = "mail.eml" if "file" in kind else "inner Ü"
    assert text.text.removeprefix(HEAD_TEXT) == (
        f"outer\n\n{name}\n\nSubject: inner Ü\nFrom: Cem <c@example.com>\n\ninner body\n\na.html\n\nDeep\n\n"
        "z.txt\n\nlast"
    )
    assert [(one["label"], one["level"]) for one in text.blocks] == [
        (name, 1), ("a.html", 2), ("Deep", 3), ("z.txt", 1),
    ]  # fmt: skip


def test_messages_are_forwarded_so_deep_and_no_deeper() -> None:
    message = HEAD + part("body 9")
    for depth in reversed(range(9)):
        inner = several("mixed", part(f"body {depth}"), forwarded_message(message), cut=f"c{depth}")
        message = HEAD + inner
    text = body(message)
    assert f"body {DEEPEST_MESSAGE}" in text
    assert f"body {DEEPEST_MESSAGE + 1}" not in text
    assert text.endswith(f"- S: forwarded more than {DEEPEST_MESSAGE} times")


def test_so_many_attachments_are_read_and_the_others_named() -> None:
    inner = several("mixed", *(part(f"inner {n}", name=f"i{n}.txt") for n in range(150)), cut="inside")
    outer = (part(f"outer {n}", name=f"o{n}.txt") for n in range(100))
    text = body(HEAD + several("mixed", forwarded_message(HEAD + inner), *outer))
    read = [line for line in text.split("\n") if line.startswith(("inner ", "outer "))]
    assert len(read) == MOST_ATTACHMENTS - 1
    assert read[-1] == "outer 48"
    assert f"- o49.txt: only the first {MOST_ATTACHMENTS} are read" in text
    assert text.endswith(f"- o99.txt: only the first {MOST_ATTACHMENTS} are read")


def test_an_attachment_of_an_alternative_that_is_not_shown_is_kept() -> None:
    shown = several("mixed", part(ZEBRA, HTML), part("k,v\r\n1,2", "text/csv", "a.csv"), cut="in")
    assert body(HEAD + several("alternative", part("plain"), shown)) == "plain\n\na.csv\n\nk: 1\nv: 2"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt", "Größe.txt"),
        ('attachment; filename="=?utf-8?q?Gr=C3=B6=C3=9Fe.txt?="', "Größe.txt"),
        ('attachment; filename="Größe.txt"', "Größe.txt"),
        ('inline; filename="a\r\n b.txt"', "a b.txt"),
    ],
)
def test_names_of_files_are_decoded(disposition: str, expected: str) -> None:
    attached = f"Content-Type: text/plain\r\nContent-Disposition: {disposition}\r\n\r\nwords".encode()
    text = written(HEAD + several("mixed", part("outer"), attached))
    assert text.text.endswith(f"outer\n\n{expected}\n\nwords")
    assert text.blocks[-1]["label"] == expected


def test_a_body_without_the_boundary_it_promises_is_text() -> None:
    assert body(HEAD + b'Content-Type: multipart/mixed; boundary="none"\r\n\r\nwords') == "words"


def test_a_body_that_ends_inside_a_script_is_refused_not_cut() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_office("eml", HEAD + part("<p>words<script>", HTML))
    assert caught.value.code == "damaged_file"
