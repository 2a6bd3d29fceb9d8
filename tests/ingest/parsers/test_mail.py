"""Mail: who wrote what to whom, the body once, and the attachments that hold text."""

from __future__ import annotations

import pytest

from configs.errors import InvalidInputError
from ingest.parsers.mail import Mail
from tests.ingest.parsers.office_files import mail

PARSER = Mail(kind="mail")

ALTERNATIVES = (
    "From: a@example.com\r\nTo: b@example.com\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nSubject: {}\r\n"
    'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="cut"\r\n\r\n'
    "--cut\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nthe words\r\n"
    "--cut\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>the <b>words</b></p>\r\n--cut--\r\n"
)


def test_head_and_body_are_the_text() -> None:
    document = PARSER.parse(mail("Grüße 🎉", "Hello Bob\n\n> quoted é"))
    assert document.title == "Grüße 🎉"
    assert document.text.startswith("Subject: Grüße 🎉\nFrom: Ann <ann@example.com>\nTo: Bob <bob@example.com>")
    assert document.text.endswith("Hello Bob\n\n> quoted é")


def test_an_attachment_stands_under_its_name() -> None:
    document = PARSER.parse(mail("S", "see attached", b"inside the note"))
    assert document.text.endswith("note.txt\n\ninside the note")
    assert document.heading_path(len(document.text) - 1) == ("note.txt",)


def test_a_body_in_two_forms_stands_once() -> None:
    text = PARSER.parse(ALTERNATIVES.format("S").encode()).text
    assert text.count("the words") == 1
    assert "2 Mar 2026" in text


def test_a_coded_subject_is_decoded() -> None:
    assert PARSER.parse(ALTERNATIVES.format("=?utf-8?q?Gr=C3=BC=C3=9Fe?=").encode()).title == "Grüße"


@pytest.mark.parametrize("data", [b"hello", b"\x00\x01", b"<html>", b"PK\x03\x04"])
def test_what_is_no_message_is_refused_without_a_process(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.parsers.mail.read_office", lambda *_: pytest.fail("a process was started"))
    with pytest.raises(InvalidInputError) as caught:
        PARSER.parse(data)
    assert caught.value.code == "damaged_file"
