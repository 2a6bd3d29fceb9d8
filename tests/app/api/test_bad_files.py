"""Bad files: refused at once where that can be seen, else marked failed with the reason; what answered still does."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from configs.settings import Settings
from tests.app.api.playground import Workspace, expect_problem
from tests.ingest.parsers.pdf_files import encrypted, pdf_of

WHOLE = pdf_of(["old words"])


@pytest.fixture(scope="module")
def shelf(client: TestClient) -> Workspace:
    """Return a workspace with a file that answers."""
    workspace = Workspace(client)
    workspace.upload(("kept.txt", b"kept words", "text/plain"))
    return workspace


def refused(workspace: Workspace, name: str, source: bytes, status: int, code: str, **fields: str) -> JsonObject:
    """Return the problem of an upload that must be refused and leave everything as it was."""
    before = workspace.state()
    files = [("files", ("fine.txt", b"fine", "text/plain")), ("files", (name, source, "application/octet-stream"))]
    response = workspace.request("POST", "/documents/files", files=files, data=fields)
    problem = expect_problem(response, status, code)
    assert workspace.state() == before
    return problem


@pytest.mark.parametrize(
    "name",
    [
        "../a.txt", "a/../../b.txt", "..", ".", "/etc/passwd", "a/..", "..\\a.txt", "x" * 600 + ".txt", "c:/a.txt",
        "%2e%2e/../a.txt",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(shelf: Workspace, name: str) -> None:
    refused(shelf, name, b"words", 422, "invalid_file_name")


@pytest.mark.parametrize("raw_name", [b"a\x00.txt", b""])
def test_a_name_that_cannot_be_stored_is_refused(shelf: Workspace, raw_name: bytes) -> None:
    before = shelf.state()
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\nwords\r\n--b--\r\n' % raw_name
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = shelf.request("POST", "/documents/files", content=form, headers=headers)
    assert response.status_code in (400, 422), response.text
    expect_problem(response, response.status_code, response.json()["code"])
    assert shelf.state() == before


@pytest.mark.parametrize("name", ["a.exe", "a.png", "a.doc", "noextension", "a.txt.zip"])
def test_a_kind_that_no_parser_reads_is_refused(shelf: Workspace, name: str) -> None:
    problem = refused(shelf, name, b"words", 415, "unsupported_media_type")
    assert ".pdf" in problem["hint"]


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.json"])
def test_a_file_of_zero_bytes_is_refused(shelf: Workspace, name: str) -> None:
    assert name in refused(shelf, name, b"", 422, "empty_file")["detail"]


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ("{", "invalid_description"),
        ("[]", "invalid_description"),
        ('{"tags": "a"}', "invalid_description"),
        ('{"title": "a"}', "invalid_description"),
        ('{"metadata": {"n": NaN}}', "invalid_description"),
        ('{"metadata": {"a": ["\\ud800"]}}', "invalid_text"),
        ('{"metadata": {"a": {"\\u0000": 1}}}', "invalid_text"),
        ("[" * 10_000, "nested_too_deeply"),
        (" " * 100_001, "invalid_request"),
    ],
)
def test_a_description_has_to_be_usable_json(shelf: Workspace, description: str, code: str) -> None:
    refused(shelf, "a.txt", b"words", 422, code, description=description)


@pytest.mark.parametrize(
    ("media_type", "content", "status"),
    [
        ("multipart/form-data; boundary=b", b"no form", 400),
        ("multipart/form-data", b"--b--", 400),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422),
        ("application/json", b"{}", 422),
        ("text/plain", b"words", 422),
    ],
)
def test_what_is_no_form_with_files_is_refused(shelf: Workspace, media_type: str, content: bytes, status: int) -> None:
    before = shelf.state()
    headers = {"Content-Type": media_type}
    response = shelf.request("POST", "/documents/files", content=content, headers=headers)
    expect_problem(response, status, "bad_request" if status == 400 else "invalid_request")
    assert shelf.state() == before


def test_a_field_instead_of_a_file_is_refused(shelf: Workspace) -> None:
    response: httpx2.Response = shelf.request("POST", "/documents/files", data={"files": "words"})
    expect_problem(response, 422, "invalid_request")


BAD_FILES = {
    "white space": ("a.txt", b" \r\n\t ", "empty_file"),
    "wrong encoding": ("a.txt", "Größe".encode("latin-1"), "wrong_encoding"),
    "half of UTF-16": ("a.txt", b"\xff\xfea", "wrong_encoding"),
    "NUL": ("a.txt", b"before\x00after", "nul_character"),
    "binary as text": ("a.md", b"\x89PNG\r\n\x1a\n\x00\x00", "wrong_encoding"),
    "truncated PDF": ("a.pdf", WHOLE[: len(WHOLE) // 2], "damaged_file"),
    "encrypted PDF": ("a.pdf", encrypted(WHOLE, "secret"), "encrypted_file"),
    "no PDF": ("a.pdf", b"just words", "damaged_file"),
    "PDF without text": ("a.pdf", pdf_of([""]), "no_text"),
    "broken JSON": ("a.json", b'{"text": ', "invalid_json"),
    "deep JSON": ("a.json", b"[" * 10_000 + b"]" * 10_000, "nested_too_deeply"),
    "surrogate in JSON": ("a.json", b'{"text": "\\ud800"}', "lone_surrogate"),
    "broken line": ("a.jsonl", b'{"text": "a"}\n{"text": \n', "invalid_json"),
    "HTML without text": ("a.html", b"<html><script>x</script></html>", "no_text"),
}


OLD_FILES = {
    "a.txt": b"old words",
    "a.md": b"old words",
    "a.pdf": WHOLE,
    "a.json": b'{"text": "old words"}',
    "a.jsonl": b'{"text": "old words"}\n',
    "a.html": b"<p>old words</p>",
}


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace with a file of each kind that answers."""
    workspace = Workspace(client)
    workspace.upload(*((name, source, "") for name, source in OLD_FILES.items()))
    return workspace


@pytest.fixture
def answering(library: Workspace) -> Iterator[Workspace]:
    """Yield the library, and check at the end that its documents answer as before."""
    before = answers(library)
    assert {external_id for external_id, _, _ in before} == set(OLD_FILES)
    yield library
    assert answers(library) == before


def answers(workspace: Workspace) -> list[tuple[str, str, str]]:
    """Return what the workspace finds."""
    passages = workspace.post("/searches", {"query": "old words", "k": 100})["passages"]
    return sorted((one["external_id"], one["version_id"], one["text"]) for one in passages)


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_read_fails_alone_with_the_reason(answering: Workspace, case: str) -> None:
    name, source, code = BAD_FILES[case]
    accepted = answering.upload((name, source, ""))
    assert answering.wait(accepted["job"]["id"])["state"] == "succeeded"
    shown = answering.get(f"/documents/{accepted['documents'][0]['document_id']}")
    assert (shown["state"], shown["answering_version"]) == ("failed", 1)
    assert shown["error"]["code"] == code
    assert shown["error"]["detail"]
    assert shown["error"]["hint"]


def test_a_text_over_the_limit_fails_in_its_job(answering: Workspace) -> None:
    text = b"a" * (Settings.model_fields["max_text_characters"].default + 1)
    accepted = answering.upload(("a.txt", text, ""))
    shown = answering.get(f"/documents/{accepted['documents'][0]['document_id']}")
    assert (shown["state"], shown["error"]["code"], shown["answering_version"]) == ("failed", "text_too_long", 1)
