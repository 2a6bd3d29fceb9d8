"""From a mail message to one text: who wrote what to whom, the body once, each attachment under its name.

Only a process that limits itself may call this.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

from configs.errors import PlaygroundError
from ingest.document import ParsedDocument
from ingest.office.written_text import LINE_END, WrittenText
from ingest.parsers.html import read_html

HEAD = ("Subject", "From", "To", "Cc", "Date")
MOST_ATTACHMENTS = 200
"""Attachments that are read of one file, forwarded messages and what is attached to them included."""

DEEPEST_MESSAGE = 4
"""How often a message may be forwarded inside another."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
READ_AS = {"ascii": "utf-8", "iso8859-1": "cp1252"}
"""Declared encodings that are read as a larger one, as browsers and mail programs do."""

_FOLD = re.compile(r"\r?\n(?=[ \t])")

ReadAttachment = Callable[[str, str, bytes], ParsedDocument]
"""Reads an attachment by its file name, else its media type; raises PlaygroundError, or what its library raises."""


@dataclass(slots=True)
class Parts:
    """A message taken apart: what is its body, and what is attached to it."""

    bodies: list[Message] = field(default_factory=list)
    attachments: list[Message] = field(default_factory=list)


class MessageWriter:
    """Writes one file's message, with what is forwarded inside it, within the bounds on both."""

    def __init__(self, read: ReadAttachment, written: WrittenText) -> None:
        self._read = read
        self._written = written
        self._remaining = MOST_ATTACHMENTS

    def write(self, message: Message, depth: int = 0) -> None:
        """Write head, body and attachments; what is not read is named, with why."""
        lines = ((name, header(message, name)) for name in HEAD)
        self._written.write(LINE_END.join(f"{name}: {value}" for name, value in lines if value))
        parts = take_apart(message)
        for body in parts.bodies:
            document = body_of(body)
            self._written.document(document.text, document.structure(), below=depth)
        left_out = [said for part in parts.attachments if (said := self._attachment(part, depth))]
        if left_out:
            self._written.write(LINE_END.join(["Attachments left out:", *(f"- {said}" for said in left_out)]))

    def _attachment(self, part: Message, depth: int) -> str:
        """Write an attachment under its name; return what there is to say of one that is left out, else ""."""
        message = forwarded(part)
        name = file_name(part)
        if self._remaining == 0:
            return f"{name or 'without a name'}: only the first {MOST_ATTACHMENTS} are read"
        self._remaining -= 1
        if message is not None:
            name = name or header(message, "Subject") or "forwarded message"
            if depth == DEEPEST_MESSAGE:
                return f"{name}: forwarded more than {DEEPEST_MESSAGE} times"
            self._written.heading(name, depth + 1)
            self.write(message, depth + 1)
            return ""
        data = text_bytes(part)
        said = f"{name or 'without a name'} ({part.get_content_type()}, {len(data)} bytes)"
        try:
            document = self._read(name, part.get_content_type(), data)
        except PlaygroundError as error:
            return f"{said}: {error.detail}"
        except RuntimeError as error:  # the library raises it for everything
            return f"{said}: cannot be read: {' '.join(str(error).split())[:200]}"
        self._written.heading(name or part.get_content_type(), depth + 1)
        self._written.document(document.text, document.structure(), below=depth + 1)
        return ""


def write_message(data: bytes, read: ReadAttachment, written: WrittenText) -> str:
    """Write the message that `data` holds and return its subject."""
    message = message_from_bytes(data)
    MessageWriter(read, written).write(message)
    return header(message, "Subject")


def take_apart(part: Message) -> Parts:
    """Return body and attachments of a part; of a body in several forms, the plain one where it holds text."""
    inner = part.get_payload()
    if part.get_content_maintype() == "multipart" and isinstance(inner, list):
        found = [take_apart(one) for one in inner if isinstance(one, Message)]
        attachments = [attachment for one in found for attachment in one.attachments]
        if part.get_content_subtype() == "alternative":
            return Parts(_best([one.bodies for one in found]), attachments)
        return Parts([body for one in found for body in one.bodies], attachments)
    is_text = part.get_content_type() in {"text/plain", "text/html"} or part.get_content_maintype() == "multipart"
    if is_text and not file_name(part) and part.get_content_disposition() != "attachment":
        return Parts(bodies=[part])
    return Parts(attachments=[part])


def _best(forms: Sequence[list[Message]]) -> list[Message]:
    """Return the first form that is plain text, else the last one that holds anything: the one its sender prefers."""
    for bodies in forms:
        if all(body.get_content_type() == "text/plain" for body in bodies) and any(map(_holds_text, bodies)):
            return bodies
    return next((bodies for bodies in reversed(forms) if any(map(_holds_text, bodies))), [])


def _holds_text(body: Message) -> bool:
    return bool(body_of(body).text.strip())


def body_of(part: Message) -> ParsedDocument:
    """Return the visible text of a body with its blocks."""
    data = text_bytes(part)
    if part.get_content_type() != "text/html":
        return ParsedDocument(text=data.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
    if not data.removeprefix(BYTE_ORDER_MARK).strip():
        return ParsedDocument(text="")
    html = read_html(data)
    return ParsedDocument(text=html.text, blocks=tuple(html.blocks))


def text_bytes(part: Message) -> bytes:
    """Return what a part holds; a text whose encoding the message declares as UTF-8 behind a byte order mark."""
    data = part.get_payload(decode=True)
    data = data if isinstance(data, bytes) else b""
    declared = part.get_content_charset()
    if part.get_content_maintype() != "text" or not declared or not data.strip():
        return data
    try:
        encoding = codecs.lookup(declared).name
        text = data.removeprefix(BYTE_ORDER_MARK).decode(READ_AS.get(encoding, encoding), "replace")
    except (LookupError, ValueError):  # no encoding, or none of text
        return data
    return BYTE_ORDER_MARK + text.encode("utf-8", "replace")


def forwarded(part: Message) -> Message | None:
    """Return the message that a part holds, as one or as a file, None where it holds none.

    Some programs code it in base64, which the format forbids: the library takes that for a message without a head.
    """
    inner = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list) and isinstance(inner[0], Message):
        if header(part, "Content-Transfer-Encoding").lower() != "base64":
            return inner[0]
        inner[0]["Content-Transfer-Encoding"] = "base64"
        return message_from_bytes(text_bytes(inner[0]))
    is_file = part.get_content_type() == "message/rfc822" or file_name(part).lower().endswith(".eml")
    return message_from_bytes(text_bytes(part)) if is_file else None


def file_name(part: Message) -> str:
    """Return the file name of a part in one line, "" where it has none."""
    plain = Message()
    for name in ("Content-Disposition", "Content-Type"):
        if value := header(part, name):
            plain[name] = value
    return " ".join((plain.get_filename() or "").split())


def header(message: Message, name: str) -> str:
    """Return a field of the head in one line, its coded words decoded; "" where it is missing.

    What is not ASCII in it is read as UTF-8.
    """
    found = next((str(value) for field_name, value in message.raw_items() if field_name.lower() == name.lower()), "")
    raw = found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    words = _FOLD.sub("", raw)
    if "=?" in words:
        with suppress(HeaderParseError, LookupError, ValueError):
            words = str(make_header(decode_header(words)))
    return " ".join(words.encode("utf-8", "replace").decode().split())
