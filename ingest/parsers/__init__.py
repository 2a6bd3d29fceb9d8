"""The family of parsers: from the bytes of a file to one text with its structure."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import PurePosixPath
from typing import ClassVar, Literal, Self

from configs.errors import InvalidInputError, UnsupportedMediaTypeError
from configs.part import JsonObject, Part, import_members
from ingest.document import ParsedDocument

Place = Literal["page", "record", "line"]
"""What a citation names beside the headings. Pages and records are blocks; lines are counted in the text."""


SAVE_AS = {
    ".doc": ".docx", ".docm": ".docx", ".dot": ".docx", ".odt": ".docx", ".rtf": ".docx",
    ".ppt": ".pptx", ".pptm": ".pptx", ".pps": ".pptx", ".odp": ".pptx",
    ".xls": ".xlsx", ".xlsm": ".xlsx", ".xlsb": ".xlsx", ".ods": ".xlsx",
    ".msg": ".eml", ".mobi": ".epub",
}  # fmt: skip
"""Formats that no parser reads, and what the same content is saved as so that one does."""


class Parser(Part):
    """Reads one kind of file.

    Promises: the text is decoded once and never normalised (line ends stay as they are); it holds no NUL and no lone
    surrogate; every block lies inside it; the same bytes give the same document. Raises InvalidInputError, with a
    code of its own (`empty_file`, `wrong_encoding`, `encrypted_file`, `truncated_file`, `invalid_json`, ...), for
    bytes it cannot read whole, and TooLargeError beyond a documented limit: never a part of a file in silence.
    """

    extensions: ClassVar[tuple[str, ...]]
    media_types: ClassVar[tuple[str, ...]]
    places: ClassVar[tuple[Place, ...]] = ()
    """What citations of its documents name: where a reader finds the passage in the file."""

    @classmethod
    def settings_for(cls, extension: str) -> JsonObject:  # noqa: ARG003  # members look at it
        """Return the settings that a file's extension decides; most members have none."""
        return {}

    @classmethod
    def for_extension(cls, extension: str) -> Self:
        """Return the parser for files with `extension`; raises where this installation lacks what it needs."""
        parser = cls.model_validate({"kind": cls.kind_of_class(), **cls.settings_for(extension)})
        parser.check_available()
        return parser

    def check_available(self) -> None:
        """Raise UnsupportedMediaTypeError where this installation lacks what the member needs; most need nothing."""

    @abstractmethod
    def parse(self, data: bytes) -> ParsedDocument:
        """Return the document that `data` holds."""


def refuse_empty(data: bytes) -> None:
    """Raise InvalidInputError `empty_file` where `data` holds nothing but white space."""
    if not data or data.isspace():
        raise InvalidInputError(
            f"the file is empty ({len(data)} bytes, no text)", hint="upload a file with text in it", code="empty_file"
        )


def decode(data: bytes, declared_encoding: str = "utf-8") -> str:
    """Return `data` as text; nothing is guessed.

    A byte order mark (UTF-8 or UTF-16) decides, else `declared_encoding`: the Python name of what the file says of
    itself.
    """
    refuse_empty(data)
    encoding = declared_encoding
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif encoding == "utf-8" or data.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"the file is not {encoding.removesuffix('-sig').upper()}: byte {error.start} cannot be decoded",
            hint="save it as UTF-8 and upload it again",
            code="wrong_encoding",
        ) from None
    position = text.find("\x00")
    if position >= 0:
        raise InvalidInputError(
            f"the text holds a NUL character at position {position}",
            hint="remove NUL characters, or upload the file with the extension of its real type",
            code="nul_character",
        )
    if not text.strip():
        raise InvalidInputError("the file holds only white space", hint="upload a file with text", code="empty_file")
    return text


def parser_for(file_name: str, media_type: str = "") -> Parser:
    """Return the parser for a file by its extension or, without a known one, its media type."""
    member, extension = _member_for(file_name, media_type)
    if member is not None:
        return member.for_extension(extension)
    raise UnsupportedMediaTypeError(
        f"no parser reads {extension or media_type or 'a file without an extension'!r}",
        hint=f"{_conversion(extension)}upload one of: {readable_extensions()}",
    )


def _conversion(extension: str) -> str:
    """Return what to do with a file of another format of the same program, "" where nothing is known."""
    target = SAVE_AS.get(extension)
    return (
        "" if target is None else f"open it in the program it was made with, save it as {target} and upload that; or "
    )


def readable_extensions() -> str:
    """Return every extension that a member reads, sorted, with commas between them."""
    return ", ".join(sorted(extension for member in Parser.members().values() for extension in member.extensions))


def places_of(file_name: str, media_type: str = "") -> tuple[Place, ...]:
    """Return what citations of such a file name, nothing where no parser reads it."""
    member, _ = _member_for(file_name, media_type)
    return () if member is None else member.places


def _member_for(file_name: str, media_type: str) -> tuple[type[Parser] | None, str]:
    """Return the member that reads such a file, None where there is none, and the file's extension."""
    extension = PurePosixPath(file_name).suffix.lower()
    bare_type = media_type.split(";")[0].strip().lower()
    for member in Parser.members().values():
        if extension in member.extensions or (not extension and bare_type in member.media_types):
            return member, extension
    return None, extension


import_members(__name__, __path__)
