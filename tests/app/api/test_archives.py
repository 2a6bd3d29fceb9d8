"""Workspaces as files: what is exported, what an import makes of it, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from app.evaluation.workspace_files.entries import DOCUMENTS, MANIFEST
from configs.part import JsonObject
from configs.settings import Settings
from tests.app.api.operations import operations
from tests.app.api.playground import Workspace, expect, expect_problem, lexical
from tests.app.evaluation.workspace_files.zips import LINE, archive, contents, lines, unzipped, zipped

PAGE = b"<html><head><title>Terms</title></head><body><h1>Refunds</h1><p>Refunds take 14 days.</p></body></html>"
HANDBOOK = "# Refunds\n\nRefunds take 14 days \N{EM DASH} never more.\n\n# Shipping\n\nShips on Mondays."

MISMARKED = {
    "id": "q", "question": "Who?", "evidence": [{"external_id": "a", "start": 0, "end": 5, "quote": "howdy"}],
}  # fmt: skip


def export(workspace: Workspace, **parameters: Any) -> bytes:
    """Return the workspace's archive."""
    response = workspace.request("GET", "/export", params=parameters)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    assert workspace.id in response.headers["content-disposition"]
    return response.content


def send(workspace: Workspace, content: bytes) -> Any:
    """Return the answer to an import, whatever it is."""
    return workspace.request("POST", "/imports", files={"archive": ("a.zip", content, "application/zip")})


def import_into(workspace: Workspace, content: bytes) -> tuple[JsonObject, JsonObject]:
    """Return the answer to an import that is taken, and its job's result."""
    accepted: JsonObject = expect(202, send(workspace, content))
    job = workspace.wait(accepted["job"]["id"])
    assert job["state"] == "succeeded", job
    return accepted, job["result"]


def essence(content: bytes) -> dict[str, Any]:
    """Return what an archive says of a workspace, without its dates and names of entries."""
    entries = unzipped(content)
    rows = [json.loads(line) for line in entries[DOCUMENTS].decode().splitlines()]
    documents = [{**row, "entry": hashlib.sha256(entries[row["entry"]]).hexdigest()} for row in rows]
    named = {name: text for name, text in entries.items() if name.startswith(("strategies/", "question-sets/"))}
    return {"documents": documents, **named}


def filled(client: TestClient) -> Workspace:
    """Return a workspace with texts and files, two strategies and two question sets."""
    workspace = Workspace(client)
    workspace.send(
        {"text": HANDBOOK, "external_id": "handbook", "media_type": "text/markdown", "title": "Handbook",
         "tags": ["terms"], "metadata": {"year": 2026, "nested": {"a": [1, None]}}, "access": ["group:finance"]},
        {"text": "Mondays only.", "external_id": "untitled"},
    )  # fmt: skip
    workspace.upload(
        ("terms.html", PAGE, "text/html"), ("notes/plain.txt", "\ufeffPlain\r\nnotes".encode(), "text/plain")
    )
    workspace.post("/strategies", {"name": "words", "strategy": {"retrieval": lexical(33)}}, 201)
    workspace.post("/strategies", {"name": "words", "strategy": {"retrieval": lexical(34)}}, 201)
    marked = [
        {"id": "q1", "question": "How long?", "tags": ["x"], "cluster": "c", "pinned": True, "evidence": [
            {"external_id": "handbook", "quote": "14 days \N{EM DASH} never more", "grade": 3},
            {"external_id": "terms.html", "quote": "14 days"},
            {"external_id": "untitled"},
        ]},
        {"id": "q2", "question": "Who is the boss?", "unanswerable": True},
    ]  # fmt: skip
    workspace.post("/question-sets", {"name": "first", "questions": marked}, 201)
    workspace.post("/question-sets", {"name": "second", "questions": [{"question": "Unlabelled?"}]}, 201)
    return workspace


@pytest.fixture(scope="module")
def origin(client: TestClient) -> Workspace:
    """Return a workspace that tests export and leave as it is."""
    return filled(client)


def test_an_archive_says_what_is_in_it(origin: Workspace) -> None:
    entries = unzipped(export(origin))
    manifest = json.loads(entries.pop(MANIFEST))
    assert (manifest["workspace"], manifest["default_strategy"], manifest["documents"]) == ("Test", "default", 4)
    assert manifest["entries"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for name, content in entries.items()
    }
    rows = {row["external_id"]: row for row in map(json.loads, entries[DOCUMENTS].decode().splitlines())}
    assert entries[rows["terms.html"]["entry"]] == PAGE
    assert rows["terms.html"]["content"] == "source"
    assert entries[rows["handbook"]["entry"]] == HANDBOOK.encode()
    assert rows["handbook"]["access"] == ["group:finance"]
    assert rows["untitled"]["title"] is None
    assert yaml.safe_load(entries["strategies/words.yaml"])["name"] == "words"
    assert len(entries["question-sets/first.jsonl"].splitlines()) == 2


def test_export_import_export_gives_the_same(origin: Workspace, client: TestClient) -> None:
    content = export(origin)
    other = Workspace(client)
    accepted, result = import_into(other, content)
    assert accepted["documents"] == {"created": 4}
    assert accepted["question_sets"] == ["first", "second"]
    assert {(one["name"], one["is_new"]) for one in accepted["strategies"]} == {("default", False), ("words", True)}
    assert result["documents"] == 4
    assert result["problems"] == []
    assert essence(export(other)) == essence(content)
    for name in ("words", "default"):
        strategies = [workspace.get(f"/strategies/{name}")["strategy"] for workspace in (origin, other)]
        assert strategies[0] == strategies[1]


def test_what_was_imported_is_found_and_marked_where_it_was(origin: Workspace, client: TestClient) -> None:
    other = Workspace(client)
    import_into(other, export(origin))
    for query, readers in (("Mondays", []), ("refunds", ["group:finance"]), ("refunds", [])):
        found = [workspace.found(query, principals=readers) for workspace in (origin, other)]
        assert found[0][0] == found[1][0]
        assert sorted(found[0]) == sorted(found[1])  # equal scores end by ids, which are new
    marked = {}
    for workspace in (origin, other):
        ids = {document["id"]: document["external_id"] for document in workspace.get("/documents")["items"]}
        questions = workspace.get("/question-sets/first")["questions"]
        marked[workspace.id] = [
            (ids[label["document_id"]], label["start"], label["end"], label["grade"])
            for question in questions
            for label in question["evidence"]
        ]
        assert workspace.get("/question-sets/first/staleness")["current"] == 3
    assert marked[origin.id] == marked[other.id]


def test_importing_again_changes_nothing(client: TestClient) -> None:
    workspace = filled(client)
    content = export(workspace)
    before = [workspace.get(tail) for tail in ("/documents", "/strategies", "/question-sets", "/indexes")]
    accepted, result = import_into(workspace, content)
    assert accepted["documents"] == {"unchanged": 4}
    assert not any(one["is_new"] for one in accepted["strategies"])
    assert [one["name"] for one in result["question_sets"]] == ["first", "second"]
    assert [workspace.get(tail) for tail in ("/documents", "/strategies", "/question-sets", "/indexes")] == before


def test_a_set_of_that_name_with_other_questions_stays_and_is_named(origin: Workspace, client: TestClient) -> None:
    other = Workspace(client)
    other.post("/question-sets", {"name": "second", "questions": [{"question": "Another?"}]}, 201)
    _, result = import_into(other, export(origin))
    assert [one["name"] for one in result["question_sets"]] == ["first"]
    assert [(one["question_set"], one["code"]) for one in result["problems"]] == [("second", "question_set_exists")]
    assert other.get("/question-sets/second")["questions"][0]["question"] == "Another?"


def test_a_text_that_reads_otherwise_is_not_taken_for_the_marked_one(client: TestClient) -> None:
    workspace = Workspace(client)
    _, result = import_into(workspace, archive({**contents(), "question-sets/s.jsonl": lines(MISMARKED)}))
    assert [(one["question_set"], one["code"]) for one in result["problems"]] == [("s", "texts_differ")]
    assert workspace.get("/question-sets")["items"] == []


def test_stale_sets_are_refused_or_left_out_by_name(client: TestClient) -> None:
    workspace = filled(client)
    workspace.send({"text": "All new.", "external_id": "handbook"})
    problem = expect_problem(workspace.request("GET", "/export"), 409, "stale_labels")
    assert "'first'" in problem["detail"]
    entries = unzipped(export(workspace, leave_out_stale=True))
    assert json.loads(entries[MANIFEST])["left_out"] == ["first"]
    assert "question-sets/first.jsonl" not in entries
    assert "question-sets/second.jsonl" in entries


def test_documents_whose_bytes_are_gone_are_named(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.upload(("broken.pdf", b"%PDF-1.4 no more than this", "application/pdf"))
    (document,) = workspace.get("/documents")["items"]
    assert document["state"] == "failed"
    settings: Settings = client.app.state.settings  # type: ignore[attr-defined]  # of FastAPI
    (path,) = (settings.data_folder / "uploads" / workspace.id).iterdir()
    assert "source" in essence(export(workspace))["documents"][0]["content"]
    path.unlink()
    expect_problem(workspace.request("GET", "/export"), 503, "source_missing")


BAD = {
    "no_zip": (b"no zip", "archive_unreadable"),
    "no_manifest": (zipped(*contents().items()), "archive_incomplete"),
    "outside": (archive({**contents(), "../x": b"x"}), "archive_unsafe_name"),
    "unknown_entry": (archive({**contents(), "readme.txt": b"x"}), "archive_invalid"),
    "no_line": (archive({**contents(), DOCUMENTS: b"{}\n"}), "archive_invalid"),
    "no_json": (archive({**contents(), DOCUMENTS: b"nonsense\n"}), "archive_invalid"),
    "deep": (archive({**contents(), DOCUMENTS: lines({**LINE, "metadata": {"a": json.loads("[" * 60 + "]" * 60)}})}),
             "archive_invalid"),
    "twice": (archive({**contents(), DOCUMENTS: lines(LINE, LINE)}), "archive_invalid"),
    "no_bytes": (archive({DOCUMENTS: lines(LINE)}), "archive_incomplete"),
    "outside_text": (
        archive({**contents(), DOCUMENTS: lines({**LINE, "structure": [
            {"kind": "heading", "start": 0, "end": 12, "level": 1, "label": "x"}]})}), "archive_invalid"),
    "unordered": (
        archive({**contents(), DOCUMENTS: lines({**LINE, "structure": [
            {"kind": "heading", "start": start, "end": 6, "level": 1, "label": "x"} for start in (5, 0)]})}),
        "archive_invalid"),
    "no_utf8": (archive({**contents(), "documents/000001": b"\xff"}), "archive_invalid"),
    "nul": (archive({**contents(), "documents/000001": b"a\0b"}), "archive_invalid"),
    "media_type": (
        archive({**contents(), DOCUMENTS: lines(
            {key: value for key, value in {**LINE, "content": "source", "media_type": "image/png"}.items()
             if key != "structure"})}), "unsupported_media_type"),
    "strategy": (archive({**contents(), "strategies/s.yaml": b"name: s\nstrategy: {}\n"}), "invalid_strategy_file"),
    "strategy_name": (
        archive({**contents(), "strategies/s.yaml": b"name: t\nstrategy: {retrieval: {baseline: no_context}}"}),
        "archive_invalid"),
    "yaml": (archive({**contents(), "strategies/s.yaml": b"a: &x [*x]"}), "invalid_yaml"),
    "questions": (archive({**contents(), "question-sets/s.jsonl": b'{"question": ""}\n'}), "archive_invalid"),
    "no_questions": (archive({**contents(), "question-sets/s.jsonl": b"\n"}), "archive_invalid"),
    "foreign_label": (
        archive({**contents(), "question-sets/s.jsonl": lines({"question": "?", "evidence": [{"external_id": "b"}]})}),
        "archive_invalid"),
    "quote_alone": (
        archive({**contents(), "question-sets/s.jsonl": lines(
            {"question": "?", "evidence": [{"external_id": "a", "quote": "hello"}]})}), "archive_invalid"),
    "version": (archive(version=2), "archive_manifest"),
    "count": (archive(documents=2), "archive_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_refused_and_changes_nothing(origin: Workspace, case: str) -> None:
    content, code = BAD[case]
    before = origin.state()
    response = send(origin, content)
    assert 400 <= response.status_code < 500
    problem = expect_problem(response, response.status_code, code)
    assert len(problem["detail"]) < 1_000
    assert origin.state() == before


def test_an_error_names_file_and_line(origin: Workspace) -> None:
    second = {**LINE, "external_id": "b", "entry": "documents/000002", "tags": "many"}
    content = archive({**contents(), "documents/000002": b"x", DOCUMENTS: lines(LINE, second)})
    problem = expect_problem(send(origin, content), 422, "archive_invalid")
    assert problem["detail"].startswith("documents.jsonl, line 2: tags")
    assert (problem["file"], problem["line"]) == ("documents.jsonl", 2)


def test_the_quota_of_documents_counts_imported_ones(client: TestClient) -> None:
    workspace = Workspace(client)
    expect(200, workspace.request("PUT", "/quotas", json={"documents_per_day": 0}))
    before = workspace.get("/documents")
    expect_problem(send(workspace, archive()), 429, "quota_exceeded")
    assert workspace.get("/documents") == before
    assert workspace.jobs() == []


def test_erasing_a_document_blanks_what_its_import_was_told(client: TestClient) -> None:
    workspace = Workspace(client)
    accepted, result = import_into(workspace, archive({**contents(), "question-sets/s.jsonl": lines(MISMARKED)}))
    assert result["problems"]
    erased = workspace.post("/erasures", {"external_id": "a"}, 202)
    assert workspace.wait(erased["job"]["id"])["state"] == "succeeded"
    assert workspace.job(accepted["job"]["id"])["result"] == {"erased": True}


def test_who_may_take_a_workspace_with_them_and_who_may_bring_one() -> None:
    """That the roles are kept to is tested for every operation alike."""
    roles = {str(operation): operation.description.get("x-required-role") for operation in operations()}
    workspace = "/v1/workspaces/{workspace_id}"
    assert roles[f"GET {workspace}/export"] == roles[f"GET {workspace}/indexes/{{index_id}}/vectors"] == "admin"
    assert roles[f"POST {workspace}/imports"] == roles[f"POST {workspace}/strategies/files"] == "editor"
    assert roles[f"GET {workspace}/strategies/{{strategy_name}}/file"] == "viewer"
