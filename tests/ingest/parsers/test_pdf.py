"""PDF files: pages, titles, and every way in which a PDF can be unreadable."""

from __future__ import annotations

import logging
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.errors import DependencyError

from configs.errors import InvalidInputError, PlaygroundError, TooLargeError
from ingest import numbered_blocks
from ingest.document import ParsedDocument
from ingest.parsers import pdf as pdf_module
from ingest.parsers.pdf import Pdf
from tests.ingest.parsers.pdf_files import encrypted, pdf_of, text_content

PARSER = Pdf(kind="pdf")


def pages(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return each block's label and text."""
    assert all(block.kind == "page" and block.level == 0 for block in document.blocks)
    return [(block.label, document.text[block.span.start : block.span.end]) for block in document.blocks]


def refusal_of(data: bytes) -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        PARSER.parse(data)
    return caught.value


def test_each_page_is_a_block_with_its_number() -> None:
    document = PARSER.parse(pdf_of(["First page\nsecond line", "", "Third (page)"]))
    assert document.text == "First page\nsecond line\n\nThird (page)"
    assert pages(document) == [("1", "First page\nsecond line"), ("3", "Third (page)")]
    assert document.title == ""


def test_umlauts_and_compressed_pages() -> None:
    texts = ["Größe: 5 €", "café"]
    assert pages(PARSER.parse(pdf_of(texts, is_compressed=True))) == [("1", texts[0]), ("2", texts[1])]


WORDS = st.lists(st.text("abcXYZ019()\\é", min_size=1, max_size=8), min_size=1, max_size=5).map(" ".join)
PAGES = st.lists(st.just("") | st.lists(WORDS, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=6)


@given(PAGES.filter(any))
def test_pages_come_back_in_order(texts: list[str]) -> None:
    expected = [(str(number), text) for number, text in enumerate(texts, start=1) if text]
    assert pages(PARSER.parse(pdf_of(texts))) == expected


@pytest.mark.parametrize(
    ("information", "title"),
    [
        (b"/Title (Annual report)", "Annual report"),
        (b"/Title <FEFF00C400620063>", "Äbc"),
        (b"/Title <FEFFD83DDE00>", "😀"),
        (b"/Title (  two\\n lines )", "two lines"),
        (b"/Title (   )", ""),
        (b"/Title ()", ""),
        (b"/Title 5", ""),
        (b"/Author (Ann)", ""),
    ],
)
def test_the_title_is_the_documents_own(information: bytes, title: str) -> None:
    assert PARSER.parse(pdf_of(["text"], information=information)).title == title


def test_broken_information_costs_only_the_title() -> None:
    data = pdf_of(["text"], information=b"/Title (T)").replace(b"/Info 6 0 R", b"/Info 2   ")
    assert (PARSER.parse(data).text, PARSER.parse(data).title) == ("text", "")


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128"])
def test_a_password_is_asked_for(algorithm: str) -> None:
    error = refusal_of(encrypted(pdf_of(["secret"]), "password", algorithm))
    assert isinstance(error, InvalidInputError)
    assert (error.code, error.detail) == ("encrypted_file", "the PDF is encrypted with a password")
    assert "remove the encryption" in error.hint


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128"])
def test_a_pdf_that_opens_without_a_password_is_read(algorithm: str) -> None:
    data = encrypted(pdf_of(["locked against changes"], information=b"/Title (T)"), "", algorithm)
    document = PARSER.parse(data)
    assert (document.text, document.title) == ("locked against changes", "T")


def test_encryption_that_cannot_be_undone_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_library(*_: object) -> None:
        raise DependencyError("cryptography>=3.1 is required for AES algorithm")

    monkeypatch.setattr(PdfReader, "decrypt", without_library)
    aes = b"/V 4 /CF << /StdCF << /CFM /AESV2 /Length 16 >> >> /StmF /StdCF /StrF /StdCF"
    data = encrypted(pdf_of(["locked"]), "").replace(b"/V 2", aes).replace(b"/R 3", b"/R 4")
    error = refusal_of(data)
    assert error.code == "encrypted_file"
    assert "AES" in error.detail


def test_a_file_that_is_cut_off_anywhere_is_damaged() -> None:
    data = pdf_of(["one", "two"], information=b"/Title (T)").rstrip()
    for length in range(1, len(data)):
        assert refusal_of(data[:length]).code == "damaged_file"


def test_a_file_that_lost_its_beginning_is_damaged() -> None:
    assert refusal_of(pdf_of(["x"])[9:]).code == "damaged_file"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"just text", "the PDF does not begin like one"),
        (b"PK\x03\x04 a zip file", "the PDF does not begin like one"),
        (b"%PDF-1.4\n", "the PDF is cut off: its end marker %%EOF is missing"),
        (b"%PDF-1.4\n%%EOF", "the PDF cannot be read (PdfReadError)"),
    ],
)
def test_what_is_no_pdf_is_damaged(data: bytes, detail: str) -> None:
    error = refusal_of(data)
    assert (error.code, error.detail) == ("damaged_file", detail)
    assert "PDF viewer" in error.hint


def test_lost_pages_are_not_left_out_in_silence() -> None:
    error = refusal_of(pdf_of(["one", "two"], declared_pages=3))
    assert (error.code, error.detail) == ("damaged_file", "the PDF declares 3 pages, but only 2 can be found")
    without_second = pdf_of(["one", "two"]).replace(b"/Kids [4 0 R 6 0 R]", b"/Kids [4 0 R 9 0 R]")
    assert refusal_of(without_second).code == "damaged_file"


def test_padding_behind_the_end_is_no_damage() -> None:
    assert PARSER.parse(pdf_of(["x"]) + b"\x00" * 4_096).text == "x"
    assert PARSER.parse(b"\n\n" + pdf_of(["x"]) + b"\r\n  ").text == "x"


def test_a_wrong_table_of_offsets_is_worked_around() -> None:
    data = pdf_of(["still readable"])
    position = data.rindex(b"startxref\n") + len(b"startxref\n")
    assert PARSER.parse(data[:position] + b"7\n%%EOF\n").text == "still readable"


@pytest.mark.parametrize("texts", [[""], ["", "", ""], [b"0 0 100 100 re f"], [b"BT /F1 12 Tf (   ) Tj ET"]])
def test_pages_without_text_ask_for_ocr(texts: list[str | bytes]) -> None:
    error = refusal_of(pdf_of(texts))
    assert (error.code, error.detail) == ("no_text", "no page of the file holds text")
    assert "OCR" in error.hint


def test_a_pdf_without_pages_has_no_text() -> None:
    error = refusal_of(pdf_of([]))
    assert (error.code, error.detail) == ("no_text", "the PDF has no pages")


@pytest.mark.parametrize(
    ("drawn", "stored"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\ud800a", "\ufffda"),
        ("a\udfff", "a\ufffd"),
        ("\ud83d\ude00 \ud83d", "😀 \ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("plain é 😀", "plain é 😀"),
    ],
)
def test_what_fonts_get_wrong_is_replaced(drawn: str, stored: str) -> None:
    assert pdf_module._storable(drawn) == stored


@given(st.text(st.characters(), max_size=20))
def test_replacing_leaves_text_that_can_be_stored(drawn: str) -> None:
    stored = pdf_module._storable(drawn)
    assert len(stored.encode()) >= len(stored)
    assert "\x00" not in stored


def test_too_many_pages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pdf_module.MAX_PAGES == 5_000
    monkeypatch.setattr(pdf_module, "MAX_PAGES", 3)
    assert len(PARSER.parse(pdf_of(["x"] * 3)).blocks) == 3
    error = refusal_of(pdf_of(["x"] * 4))
    assert isinstance(error, TooLargeError)
    assert (error.code, error.detail) == ("too_many_pages", "the PDF has 4 pages, more than 3")


def test_pages_beyond_the_limit_of_text_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered_blocks, "MAX_EXTRACTED_CHARACTERS", 1_000)
    assert refusal_of(pdf_of(["x" * 300] * 10)).code == "extracted_text_too_large"


def test_a_bomb_is_refused_quickly() -> None:
    data = pdf_of([text_content("x") + b" " * 100_000_000], is_compressed=True)
    assert len(data) < 200_000
    begun = time.thread_time()
    error = refusal_of(data)
    assert time.thread_time() - begun < 5
    assert isinstance(error, TooLargeError)
    assert error.code == "too_complex"


def test_oddities_are_worked_around_quietly(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    filters, disabled = list(warnings.filters), logging.root.manager.disable
    with caplog.at_level(logging.DEBUG):
        assert PARSER.parse(b"\n" + pdf_of(["text"])).text == "text"
        assert refusal_of(b"%PDF-1.4\nstartxref\n5\n%%EOF").code == "damaged_file"
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert (list(warnings.filters), logging.root.manager.disable) == (filters, disabled)


def test_two_hundred_pages_take_less_than_three_seconds() -> None:
    page = "\n".join(f"The quick brown fox jumps over the lazy dog {number}" for number in range(45))
    data = pdf_of([page] * 200, is_compressed=True)
    begun = time.thread_time()
    assert len(PARSER.parse(data).blocks) == 200
    assert time.thread_time() - begun < 3


def test_pages_that_take_too_long_for_the_size_of_the_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(pdf_module, "SECONDS_PER_MEGABYTE", 0.0)
    error = refusal_of(pdf_of(["one", "two", "three"]))
    assert (type(error), error.code) == (TooLargeError, "too_complex")
    assert "pages" in error.detail


def test_a_page_that_draws_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "MAX_TOKENS_PER_STREAM", 100)
    assert PARSER.parse(pdf_of(["short"])).text == "short"
    assert refusal_of(pdf_of([b"BT /F1 12 Tf " + b"(a) Tj " * 100 + b"ET"])).code == "too_complex"
