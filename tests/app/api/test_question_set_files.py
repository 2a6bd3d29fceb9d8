"""Question sets as files: imported from every layout, exported in every layout, and refused with the line at fault."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.app.api.playground import Workspace, expect, expect_problem

TEXT = "Rückgabe dauert zehn Tage. Der Versand ist kostenlos 🚚."
JSONL = (
    '{"question": "Wie lange?", "evidence": [{"external_id": "page.md", "quote": "zehn Tage"}], "tags": ["a"]}\n'
    '{"question": "Was kostet der Versand?", "evidence": [{"external_id": "page.md", "quote": "kostenlos 🚚"}]}\n'
)


@pytest.fixture(scope="module")
def shop(client: TestClient) -> Workspace:
    """Return a workspace with one document; tests only add sets."""
    workspace = Workspace(client)
    workspace.send({"text": TEXT, "external_id": "page.md"})
    return workspace


def send(workspace: Workspace, file_format: str, name: str, **files: str | bytes) -> httpx2.Response:
    """Send files to be imported."""
    parts = [(part, (f"{part}.txt", content, "text/plain")) for part, content in files.items()]
    return workspace.request("POST", "/question-sets/imports", data={"format": file_format, "name": name}, files=parts)


def export(workspace: Workspace, name: str, file_format: str) -> httpx2.Response:
    """Return the exported file."""
    response = workspace.request("GET", f"/question-sets/{name}/export", params={"format": file_format})
    assert response.status_code == 200, response.text
    return response


@pytest.mark.parametrize(
    ("file_format", "media_type", "file_name"),
    [
        ("jsonl", "application/x-ndjson", "jsonl.jsonl"),
        ("csv", "text/csv", "csv.csv"),
        ("chunking_eval", "text/csv", "chunking_eval-chunking-eval.csv"),
    ],
)
def test_an_export_is_imported_again(shop: Workspace, file_format: str, media_type: str, file_name: str) -> None:
    saved: Any = expect(201, send(shop, "jsonl", file_format, questions=JSONL))
    assert (saved["question_count"], saved["labels"]["spans"], saved["dropped_questions"]) == (2, 2, 0)
    assert "questions" not in saved
    assert expect(200, send(shop, "jsonl", file_format, questions=JSONL)) == saved
    response = export(shop, file_format, file_format)
    assert response.headers["content-type"].split(";")[0] == media_type
    assert response.headers["content-disposition"] == f'attachment; filename="{file_name}"'
    again = expect(201, send(shop, file_format, f"{file_format}-again", questions=response.content))
    shown = [shop.get(f"/question-sets/{name}")["questions"] for name in (file_format, f"{file_format}-again")]
    assert [one["evidence"] for one in shown[0]] == [one["evidence"] for one in shown[1]]
    if file_format != "chunking_eval":  # which has no tags
        assert again["content_hash"] == saved["content_hash"]


def test_beir_marks_documents_and_counts_what_it_leaves_out(shop: Workspace) -> None:
    queries = '{"_id": "a b", "text": "Wie lange?"}\n{"_id": "2", "text": "Unjudged?"}\n'
    qrels = "query-id\tcorpus-id\tscore\na b\tpage\t2\na b\tother\t0\n"
    saved: Any = expect(201, send(shop, "beir", "beir", queries=queries, qrels=qrels))
    assert (saved["dropped_questions"], saved["skipped_judgements"], saved["labels"]["documents"]) == (1, 1, 1)
    (question,) = shop.get("/question-sets/beir")["questions"]
    assert question["id"].startswith("a-b-")
    with zipfile.ZipFile(io.BytesIO(export(shop, "beir", "beir").content)) as archive:
        assert set(archive.namelist()) == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv"}
        assert archive.read("qrels/test.tsv").decode().endswith(f"{question['id']}\tpage.md\t2\n")


@pytest.mark.parametrize(
    ("content", "status", "code", "line"),
    [
        ("{", 422, "invalid_question_file", 3),
        ('{"question": "?", "evidence": [{"external_id": "nosuch"}]}', 404, "document_not_found", 3),
        ('{"question": "?", "evidence": [{"external_id": "page", "quote": "e"}]}', 422, "quote_ambiguous", 3),
        (b"\xff", 422, "invalid_question_file", 3),
    ],
)
def test_a_file_is_saved_whole_or_not_at_all(
    shop: Workspace, content: str | bytes, status: int, code: str, line: int
) -> None:
    last = content.encode() if isinstance(content, str) else content
    problem = expect_problem(send(shop, "jsonl", "refused", questions=JSONL.encode() + last), status, code)
    assert (problem["file"], problem["line"]) == ("questions", line)
    expect_problem(shop.request("GET", "/question-sets/refused"), 404, "question_set_not_found")


def test_a_form_that_lacks_something_is_refused(shop: Workspace) -> None:
    expect_problem(send(shop, "beir", "refused", questions=JSONL), 422, "wrong_files")
    expect_problem(send(shop, "jsonl", "refused"), 422, "wrong_files")
    expect_problem(send(shop, "xml", "refused", questions=JSONL), 422, "invalid_request")
    expect_problem(send(shop, "jsonl", "../refused", questions=JSONL), 422, "invalid_request")
    expect_problem(send(shop, "jsonl", "refused", questions=b""), 422, "empty_question_file")


def test_a_set_with_stale_labels_is_not_exported(workspace: Workspace) -> None:
    workspace.send({"text": TEXT, "external_id": "page.md"})
    expect(201, send(workspace, "jsonl", "old", questions=JSONL))
    workspace.send({"text": f"Neu: {TEXT}", "external_id": "page.md"})
    response = workspace.request("GET", "/question-sets/old/export")
    assert expect_problem(response, 409, "stale_labels")["count"] == 2
    workspace.post("/question-sets/old/relocations", {"name": "new"}, 201)
    assert "Neu" not in export(workspace, "new", "jsonl").text


def test_what_a_layout_cannot_carry_is_refused(shop: Workspace) -> None:
    shop.post("/question-sets", {"name": "unmarked", "questions": [{"question": "Warum?"}]}, 201)
    response = shop.request("GET", "/question-sets/unmarked/export", params={"format": "chunking_eval"})
    assert expect_problem(response, 409, "format_cannot_carry")["questions"] == ["q1"]


def test_an_import_of_another_workspaces_document_is_refused(client: TestClient, shop: Workspace) -> None:
    problem = expect_problem(send(Workspace(client), "jsonl", "s", questions=JSONL), 404, "document_not_found")
    assert "Versand" not in str(problem)
    assert shop.get("/documents")["items"][0]["external_id"] == "page.md"
