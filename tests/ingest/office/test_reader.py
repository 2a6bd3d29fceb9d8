"""Reading in another process: what it may take is a limit, what it says is checked, and nothing of it stays."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from configs.errors import InvalidInputError, PlaygroundError, TooLargeError, UnsupportedMediaTypeError
from ingest.office import limits, reader
from ingest.office.limits import OfficeLimits, configure, office_limits, require_office
from ingest.office.reader import check_archive, read_office
from ingest.parsers import Parser, parser_for
from tests.architecture.source_tree import ROOT
from tests.ingest.parsers.office_files import docx, paragraph, xlsx

OFFICE_FILES = ("a.docx", "a.pptx", "a.xlsx", "a.epub", "a.eml")


@pytest.fixture(autouse=True)
def _usual_limits() -> Iterator[None]:
    before = office_limits()
    yield
    configure(memory_bytes=before.memory_bytes, seconds=before.seconds)


def child_that(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Let the process that reads be one that does `code`."""
    package = folder / "ingest" / "office"
    package.mkdir(parents=True)
    for name in ("ingest/__init__.py", "ingest/office/__init__.py"):
        (folder / name).touch()
    (package / "child.py").write_text(code)
    monkeypatch.setattr(reader, "SOURCE_FOLDER", folder)


def refusal() -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        read_office("docx", b"PK")
    return caught.value


def test_a_file_is_read_whole() -> None:
    document = read_office("docx", docx(paragraph("Größe 🎉"), paragraph("two"), title="Of its own"))
    assert (document.text, document.title, document.blocks) == ("Größe 🎉\n\ntwo", "Of its own", ())


@pytest.mark.parametrize(
    ("code", "error", "refused"),
    [
        ("import time; time.sleep(60)", TooLargeError, "parser_timed_out"),
        ("import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 2))\nwhile 1: pass", TooLargeError, "parser_timed_out"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", TooLargeError, "parser_timed_out"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", TooLargeError, "parser_timed_out"),
        ("import os; os.write(2, b'memory allocation failed'); os.abort()", TooLargeError, "parser_out_of_memory"),
        ("import os; os.abort()", InvalidInputError, "parser_crashed"),
        ("import sys; sys.exit(3)", InvalidInputError, "parser_crashed"),
        ("print('{\"refused\": \"memory\", \"reason\": \"\"}')", TooLargeError, "parser_out_of_memory"),
        ("print('{\"refused\": \"length\", \"reason\": \"\"}')", TooLargeError, "extracted_text_too_large"),
        ("print('{\"refused\": \"content\", \"reason\": \"Security violation\"}')", TooLargeError, "too_complex"),
        ("print('{\"refused\": \"content\", \"reason\": \"needs a password\"}')", InvalidInputError, "encrypted_file"),
        ("print('{\"refused\": \"content\", \"reason\": \"no XML\"}')", InvalidInputError, "damaged_file"),
        ("print('{\"text\": \"\", \"title\": \"\", \"blocks\": []}')", InvalidInputError, "no_text"),
    ],
)  # fmt: skip
def test_however_the_process_ends_the_file_is_refused_clearly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, error: type[PlaygroundError], refused: str
) -> None:
    configure(memory_bytes=300_000_000, seconds=1)
    monkeypatch.setattr(reader, "PATIENCE", 5)
    child_that(monkeypatch, tmp_path, code)
    caught = refusal()
    assert (type(caught), caught.code) == (error, refused)
    assert caught.detail
    assert caught.hint


def test_the_deadline_ends_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure(memory_bytes=300_000_000, seconds=1)
    monkeypatch.setattr(reader, "PATIENCE", 5)
    mark = tmp_path / "pid"
    child_that(
        monkeypatch, tmp_path, f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    start = time.monotonic()
    assert refusal().code == "parser_timed_out"
    assert time.monotonic() - start < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_the_process_limits_itself() -> None:
    code = (
        "import resource as r; from ingest.office.child import limit_itself; limit_itself(300_000_000, 7, 1000);"
        "print([r.getrlimit(one) for one in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_CORE)])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("(", "[").replace(")", "]")) == [
        [300_000_000] * 2,
        [7, 8],
        [24_000] * 2,
        [0, 0],
    ]


def test_the_process_that_takes_too_much_memory_is_ended() -> None:
    configure(memory_bytes=250_000_000, seconds=30)
    with pytest.raises(TooLargeError) as caught:
        read_office("xlsx", xlsx({"s": [[f"cell {row} {column}" for column in range(20)] for row in range(20_000)]}))
    assert caught.value.code == "parser_out_of_memory"
    assert "250000000" in caught.value.detail


def test_a_library_that_no_memory_is_left_for_is_no_damage_of_the_file() -> None:
    configure(memory_bytes=100_000_000, seconds=30)
    with pytest.raises(TooLargeError) as caught:
        read_office("docx", docx(paragraph("x")))
    assert caught.value.code == "parser_out_of_memory"


def test_the_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLAYGROUND_API_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    child_that(
        monkeypatch, tmp_path,
        "import json, os, sys\nprint(json.dumps({'text': ' '.join(sorted(os.environ)), 'title': '', 'blocks': []}))",
    )  # fmt: skip
    told = set(read_office("docx", b"PK").text.split())
    assert told <= {
        "LC_CTYPE", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "OPENBLAS_NUM_THREADS", "PATH", "PYTHONIOENCODING",
        "PYTHONPATH", "RAYON_NUM_THREADS", "TMPDIR", "TOKIO_WORKER_THREADS",
    }  # fmt: skip


def test_the_process_loads_nothing_of_the_service() -> None:
    code = "import sys, ingest.office.child; print(sorted({'pydantic', 'sqlalchemy', 'xberg'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_read_side_by_side() -> None:
    found: dict[int, str] = {}

    def read(number: int) -> None:
        found[number] = read_office("docx", docx(paragraph(f"text {number}"))).text

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"text {number}" for number in range(3)}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted_file"),
        (b"%PDF-1.4", "damaged_file"),
        (docx(paragraph("x"))[:-30], "damaged_file"),
    ],
)
def test_what_is_plainly_no_archive_costs_no_process(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_archive(data)
    assert caught.value.code == code


@pytest.mark.parametrize("name", OFFICE_FILES)
def test_without_the_extra_files_are_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = importlib.util.find_spec

    def without(library: str, package: str | None = None) -> ModuleSpec | None:
        return None if library == limits.LIBRARY else found(library, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        parser_for(name)
    assert caught.value.code == "office_not_installed"
    assert "context-playground[office]" in caught.value.hint
    assert parser_for("a.txt").parse(b"x").text == "x"
    with pytest.raises(UnsupportedMediaTypeError):
        Parser.members()["word_document"].model_validate({"kind": "word_document"}).parse(docx(paragraph("x")))


def test_with_the_extra_nothing_is_missing() -> None:
    require_office()
    assert [parser_for(name).kind_of_class() for name in OFFICE_FILES] == [
        "word_document", "presentation", "workbook", "epub", "mail"
    ]  # fmt: skip
    assert office_limits() == OfficeLimits()
