"""PDF files, page by page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO
from time import thread_time
from typing import ClassVar, Literal

from pypdf import PasswordType, PdfReader, apply_configuration
from pypdf.errors import DependencyError, LimitReachedError, PdfReadError
from pypdf.generic import DictionaryObject

from configs.errors import InvalidInputError, PlaygroundError, TooLargeError
from ingest.document import ParsedDocument
from ingest.numbered_blocks import numbered_document
from ingest.parsers import Parser, Place, refuse_empty

MAX_PAGES = 5_000
MAX_TOKENS_PER_STREAM = 600_000
"""Numbers, names and operators that one page may draw with; a page of dense print has ten thousand."""

LEAST_SECONDS = 8.0
SECONDS_PER_MEGABYTE = 10.0
"""Of processor time, so that a busy machine does not decide. A file may take longer the larger it is: honest pages hold
what they show, a trap shows one thing again and again."""

MARKER_WINDOW_BYTES = 1_024
"""The header and the end marker are looked for in so many bytes at either end of the file, as PDF viewers do."""

HINT_WITHOUT_TEXT = "the pages may be scans: run OCR (text recognition) over the file first, then upload it again"

# pypdf logs every oddity that it works around; what matters here is raised. Only its own logger is silenced.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


class Pdf(Parser):
    """The extracted text of the pages, separated by blank lines; each page with text is a block (label: its number).

    NUL characters and lone surrogates, which broken fonts yield, become U+FFFD. The title is the one of the document
    information. Raises InvalidInputError: `encrypted_file` (the empty password does not open it), `damaged_file` (not
    a PDF, cut off, or unreadable in part), `no_text` (no pages, or scans); TooLargeError: `too_many_pages` (over
    5,000) or `too_complex` (a limit of pypdf against bombs, or 8 seconds of processor time and 10 for each megabyte).
    """

    extensions: ClassVar[tuple[str, ...]] = (".pdf",)
    media_types: ClassVar[tuple[str, ...]] = ("application/pdf",)
    places: ClassVar[tuple[Place, ...]] = ("page",)

    kind: Literal["pdf"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the text of the pages."""
        _check_frame(data)
        try:
            with apply_configuration(stream_parsing_work_maximum_count=MAX_TOKENS_PER_STREAM):
                reader = PdfReader(BytesIO(data))
                _check_password(reader)
                _check_pages(reader)
                texts = _page_texts(reader, LEAST_SECONDS + SECONDS_PER_MEGABYTE * len(data) / 1_000_000)
                return numbered_document("page", texts, title=_title(reader), hint_without_text=HINT_WITHOUT_TEXT)
        except (PlaygroundError, MemoryError):
            raise
        except DependencyError as error:
            if b"/Encrypt" in data:
                raise _encrypted("with AES, which this service does not read") from None
            raise _damaged(f"cannot be read ({error})") from None
        except LimitReachedError as error:
            raise TooLargeError(
                f"the PDF is too complex to be read safely: {error}",
                hint="print it into a new PDF, or split it",
                code="too_complex",
            ) from None
        except Exception as error:  # pypdf meets damage with any exception, KeyError and RecursionError among them
            raise _damaged(f"cannot be read ({type(error).__name__})") from None


def _page_texts(reader: PdfReader, seconds: float) -> Iterator[str]:
    """Yield the text of each page; raise TooLargeError where the pages before one took longer than `seconds`."""
    end = thread_time() + seconds
    for number, page in enumerate(reader.pages, start=1):
        if thread_time() > end:
            raise TooLargeError(
                f"reading the PDF takes too long: {number - 1} of {len(reader.pages)} pages took {seconds:.0f} seconds",
                hint="print it into a new PDF, or split it",
                code="too_complex",
            )
        yield _storable(page.extract_text()).strip()


def _check_frame(data: bytes) -> None:
    """Raise where `data` is empty, does not begin like a PDF or does not end like one."""
    refuse_empty(data)
    if b"%PDF-" not in data[:MARKER_WINDOW_BYTES]:
        raise _damaged("does not begin like one")
    if b"%%EOF" not in data.rstrip(b"\x00 \t\r\n")[-MARKER_WINDOW_BYTES:]:
        raise _damaged("is cut off: its end marker %%EOF is missing")


def _check_password(reader: PdfReader) -> None:
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise _encrypted("with a password")


def _check_pages(reader: PdfReader) -> None:
    """Raise where there are no pages, too many, or fewer than the file declares."""
    found, tree = len(reader.pages), reader.root_object["/Pages"]
    declared = tree.get("/Count") if isinstance(tree, DictionaryObject) else None
    if isinstance(declared, int) and found < declared:
        raise _damaged(f"declares {declared} pages, but only {found} can be found")
    if found == 0:
        raise InvalidInputError("the PDF has no pages", hint="upload a PDF with pages of text", code="no_text")
    if found > MAX_PAGES:
        raise TooLargeError(f"the PDF has {found} pages, more than {MAX_PAGES}", hint="split it", code="too_many_pages")


def _title(reader: PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata is not None else None
    except PdfReadError:  # broken document information costs the title, not the text
        return ""
    return " ".join(_storable(title).split()) if isinstance(title, str) else ""


def _storable(text: str) -> str:
    """Return `text` with surrogate pairs joined, and lone surrogates and NUL characters replaced by U+FFFD."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "\ufffd")


def _encrypted(how: str) -> InvalidInputError:
    return InvalidInputError(
        f"the PDF is encrypted {how}", hint="remove the encryption and upload it again", code="encrypted_file"
    )


def _damaged(how: str) -> InvalidInputError:
    return InvalidInputError(
        f"the PDF {how}", hint="open it in a PDF viewer, save it as a new file and upload that", code="damaged_file"
    )
