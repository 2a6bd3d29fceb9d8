"""Office files, read in a process of their own that may not take more than its share, and that may die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from configs.errors import InvalidInputError, PlaygroundError, TooLargeError
from ingest.document import ParsedDocument
from ingest.numbered_blocks import MAX_EXTRACTED_CHARACTERS
from ingest.office.limits import office_limits, require_office

SOURCE_FOLDER = Path(__file__).resolve().parents[2]
ZIP_START = b"PK\x03\x04"
ZIP_END = b"PK\x05\x06"
ZIP_END_WINDOW_BYTES = 65_557
"""The directory of a zip file ends within so many bytes of its end, by its format."""

OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PATIENCE = 6
"""Seconds on the clock for each of processor time that a file may take: a busy machine is not the file's fault."""

SAVE_ANEW = "open it in the program it was made with, save it as a new file and upload that"


def read_office(kind: str, data: bytes) -> ParsedDocument:
    """Return the document that `data` holds; `kind` is its usual extension without the dot.

    Raises InvalidInputError `encrypted_file`, `damaged_file`, `no_text` or `parser_crashed`, and TooLargeError
    `too_complex`, `extracted_text_too_large`, `parser_out_of_memory` or `parser_timed_out`.
    """
    require_office()
    answer = _answer(kind, data)
    refused = answer.get("refused")
    if refused is not None:
        raise _refusal(str(refused), str(answer["reason"]))
    if not answer["text"]:
        raise InvalidInputError(
            "no text was found in the file",
            hint="if its pages are pictures, run OCR (text recognition) over them first",
            code="no_text",
        )
    return ParsedDocument.from_structure(answer["text"], answer["title"], answer["blocks"])


def check_archive(data: bytes) -> None:
    """Raise InvalidInputError where `data` is no whole zip archive, which saves a process for what is plainly none."""
    if data.startswith(OLE_START):
        raise InvalidInputError(
            "the file is encrypted, or of an Office version before 2007",
            hint="remove the password, or save it in the present format, and upload it again",
            code="encrypted_file",
        )
    if not data.startswith(ZIP_START):
        raise _damaged("does not begin like one of its kind")
    if ZIP_END not in data[-ZIP_END_WINDOW_BYTES:]:
        raise _damaged("is cut off")


def _answer(kind: str, data: bytes) -> dict[str, Any]:
    """Return what the child says of the file, or what can be told from how it died."""
    limits = office_limits()
    numbers = map(str, (limits.memory_bytes, limits.seconds, MAX_EXTRACTED_CHARACTERS))
    command = [sys.executable, "-P", "-m", "ingest.office.child", kind, *numbers]
    with TemporaryFile() as source, TemporaryFile() as said, TemporaryFile() as complaints:
        source.write(data)
        source.seek(0)
        try:
            status = subprocess.run(  # noqa: S603  # no shell; nothing in the command comes from outside
                command,
                stdin=source,
                stdout=said,
                stderr=complaints,
                env=_environment(),
                timeout=limits.seconds * PATIENCE,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return {"refused": "time", "reason": ""}
        said.seek(0)
        complaints.seek(0)
        if status == 0:
            answer: dict[str, Any] = json.load(said)
            return answer
        return {"refused": _death(status, complaints.read(10_000)), "reason": _name(status)}


def _environment() -> dict[str, str]:
    """Return all that the child is told: no key, no proxy, no home."""
    told = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH", "TMPDIR") if name in os.environ}
    names = ("MALLOC_ARENA_MAX", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS")
    threads = dict.fromkeys(names, "1")
    return {**told, **threads, "PYTHONPATH": str(SOURCE_FOLDER), "PYTHONIOENCODING": "utf-8"}


def _death(status: int, complaints: bytes) -> str:
    if -status in {signal.SIGXCPU, signal.SIGKILL}:
        return "time"
    if b"memory" in complaints.lower():  # Rust says "memory allocation of 123 bytes failed" and aborts
        return "memory"
    return "length" if -status == signal.SIGXFSZ or b"File too large" in complaints else "crash"


def _name(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def _refusal(refused: str, reason: str) -> PlaygroundError:
    limits = office_limits()
    if refused == "memory":
        return TooLargeError(
            f"reading the file takes more than {limits.memory_bytes} bytes of memory",
            hint="split it, or raise PLAYGROUND_OFFICE_MEMORY_BYTES if you trust it",
            code="parser_out_of_memory",
        )
    if refused == "time":
        return TooLargeError(
            f"reading the file takes longer than {limits.seconds} seconds of processor time",
            hint="split it, or raise PLAYGROUND_OFFICE_SECONDS if you trust it",
            code="parser_timed_out",
        )
    if refused == "length":
        return TooLargeError(
            f"the text of the file is longer than {MAX_EXTRACTED_CHARACTERS} characters",
            hint="split the file and upload the parts",
            code="extracted_text_too_large",
        )
    if refused == "crash":
        return InvalidInputError(
            f"the file ended the process that read it ({reason})", hint=SAVE_ANEW, code="parser_crashed"
        )
    return _content_refusal(reason)


def _content_refusal(reason: str) -> PlaygroundError:
    said = " ".join(reason.split())[:300]
    if any(word in reason.lower() for word in ("security", "limit", "bomb", "too many", "exceed")):
        return TooLargeError(
            f"the file is too complex to be read safely: {said}",
            hint="split it, or save it as PDF or text",
            code="too_complex",
        )
    if "password" in reason.lower() or "encrypted" in reason.lower():
        return InvalidInputError(
            f"the file is encrypted: {said}", hint="remove the password and upload it again", code="encrypted_file"
        )
    return _damaged(f"cannot be read: {said}")


def _damaged(how: str) -> InvalidInputError:
    return InvalidInputError(f"the file {how}", hint=SAVE_ANEW, code="damaged_file")
