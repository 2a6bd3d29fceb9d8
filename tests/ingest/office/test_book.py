"""A book taken apart: the visible text of its chapters, as a page of HTML is read; nothing missing in silence."""

from __future__ import annotations

import pytest

from configs.errors import InvalidInputError
from ingest.office.book import write_book
from ingest.office.package import check_sizes
from ingest.office.written_text import WrittenText
from ingest.parsers.epub import Epub
from tests.ingest.parsers.office_files import epub, replaced, zip_of

CHAPTER = "OEBPS/chapter1.xhtml"
PACKAGE = (
    '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{title}'
    '</metadata><manifest><item id="a" href="{href}" media-type="{kind}"/></manifest>'
    '<spine><itemref idref="{listed}"/></spine></package>'
)


def package(
    href: str = "chapter1.xhtml", kind: str = "application/xhtml+xml", listed: str = "a", title: str = ""
) -> bytes:
    return PACKAGE.format(href=href, kind=kind, listed=listed, title=title).encode()


def book(page: str | bytes, **of_package: str) -> bytes:
    """Return a book with one chapter, which is `page`."""
    data = page.encode() if isinstance(page, str) else page
    return replaced(epub([("One", "words")]), {CHAPTER: data, "OEBPS/content.opf": package(**of_package)})


def text_of(data: bytes) -> str:
    write_book(data, written := WrittenText(1_000_000))
    return written.text


def test_only_what_a_reader_sees_is_read() -> None:
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><style>p{c:d}</style><script src="x"/></head><body>'
        '<h1>One</h1><script>bad()</script><!-- remark --><p style="display:none">veiled</p><p hidden="hidden">gone</p>'
        "<p>chapter <i>words</i></p><ul><li>i1</li><li>i2</li></ul><pre>a  b\nc</pre></body></html>"
    )
    document = Epub(kind="epub").parse(book(page))
    assert document.text == "One\n\nchapter words\n\ni1\ni2\n\na  b\nc"
    assert [(one.kind, one.label) for one in document.blocks] == [("heading", "One"), ("code", "")]
    assert document.title == "One"


@pytest.mark.parametrize(("kind", "expected"), [("application/xhtml+xml", "words"), ("text/html", "")])
def test_a_chapter_is_xml_where_the_book_says_so(kind: str, expected: str) -> None:
    assert text_of(book("<script/><p>words</p><script></script>", kind=kind)) == expected


@pytest.mark.parametrize(
    "page", ["<p>Größe".encode(), "<p>Größe".encode("utf-16"), '<?xml encoding="latin1"?><p>Größe'.encode("latin1")]
)
def test_chapters_are_decoded_as_they_say(page: bytes) -> None:
    assert text_of(book(page)) == "Größe"


def test_addresses_are_those_of_the_package() -> None:
    data = replaced(book("x", href="../text/a%20b.xhtml#top"), {"text/a b.xhtml": b"<p>found"})
    assert text_of(data) == "found"


def test_a_picture_in_the_spine_and_an_empty_chapter_hold_no_text() -> None:
    assert text_of(book("<text>drawn</text>", kind="image/svg+xml")) == ""
    assert text_of(book(" \n")) == ""


@pytest.mark.parametrize("of_package", [{"href": "other.xhtml"}, {"listed": "b"}])
def test_a_missing_chapter_is_told(of_package: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="missing") as caught:
        Epub(kind="epub").parse(book("<p>x", **of_package))
    assert caught.value.code == "damaged_file"


def test_a_locked_chapter_is_told_and_locked_fonts_lock_no_book() -> None:
    def locked(part: str) -> bytes:
        return replaced(
            book("<p>words"),
            {"META-INF/encryption.xml": f'<encryption><CipherReference URI="{part}"/></encryption>'.encode()},
        )

    assert text_of(locked("OEBPS/font.otf")) == "words"
    with pytest.raises(InvalidInputError) as caught:
        Epub(kind="epub").parse(locked(CHAPTER))
    assert caught.value.code == "encrypted_file"


def test_the_title_is_the_books_own_else_its_first_heading() -> None:
    assert write_book(book("<h1>First"), WrittenText(100)) == "First"
    titled = book("<h1>First", title="<dc:title> Of\n its own </dc:title>")
    assert write_book(titled, WrittenText(100)) == "Of its own"


def test_what_unpacks_to_too_much_is_refused_before_it_is() -> None:
    check_sizes(zip_of({"a": b"x" * 1_000}), 1_000)
    for files, most, said in (
        ({"a": b"x" * 1_001}, 1_000, "over the limit of 1000"),
        ({"a": bytes(1_000_000)}, 2_000_000, "200 to 1"),
        ({f"{n}": b"" for n in range(10_001)}, 1_000, "10001 files"),
    ):
        with pytest.raises(ValueError, match=said):
            check_sizes(zip_of(files), most)
