"""Question sets: answers marked by quote or by span, kept with the version that answered, and never changed."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem

TEXT = "Refunds take ten days. Shipping is free. Refunds take effort."


@pytest.fixture(scope="module")
def library(client: TestClient) -> tuple[Workspace, str]:
    """Return a workspace with one document, and the document's id."""
    workspace = Workspace(client)
    (one,) = workspace.send({"text": TEXT, "external_id": "a"})
    return workspace, str(one["document_id"])


def question(document_id: str, **evidence: object) -> JsonObject:
    """Return a question with one piece of evidence."""
    return {"question": "How long?", "evidence": [{"document_id": document_id, **evidence}]}


def test_quotes_become_spans_of_the_answering_version(library: tuple[Workspace, str]) -> None:
    workspace, document_id = library
    body = {"name": "quoted", "questions": [question(document_id, quote="Shipping is free."), {"question": "Why?"}]}
    saved = workspace.post("/question-sets", body, 201)
    assert [one["id"] for one in saved["questions"]] == ["q1", "q2"]
    (evidence,) = saved["questions"][0]["evidence"]
    assert TEXT[evidence["start"] : evidence["end"]] == "Shipping is free."
    version = workspace.get(f"/documents/{document_id}")["version_id"]
    assert (evidence["document_id"], evidence["version_id"]) == (document_id, version)
    assert saved["questions"][1]["evidence"] == []
    assert workspace.get("/question-sets/quoted") == saved
    assert TEXT not in str(saved)


def test_the_same_questions_again_are_the_same_set(library: tuple[Workspace, str]) -> None:
    workspace, document_id = library
    body = {"name": "same", "questions": [question(document_id, quote="Shipping is free.")]}
    start = TEXT.index("Shipping")
    spans = {"name": "same", "questions": [question(document_id, start=start, end=start + len("Shipping is free."))]}
    saved = workspace.post("/question-sets", body, 201)
    assert workspace.post("/question-sets", body, 200) == saved
    assert workspace.post("/question-sets", spans, 200) == saved
    other = {"name": "same", "questions": [{"question": "Other?"}]}
    expect_problem(workspace.request("POST", "/question-sets", json=other), 409, "question_set_exists")
    assert workspace.get("/question-sets/same") == saved


@pytest.mark.parametrize(
    ("evidence", "status", "code"),
    [
        ({"quote": "Refunds take"}, 422, "quote_ambiguous"),
        ({"quote": "refunds take ten"}, 422, "quote_not_found"),
        ({"start": 0, "end": len(TEXT) + 1}, 422, "span_outside_document"),
        ({"start": 5, "end": 5}, 422, "invalid_request"),
        ({"start": 5}, 422, "invalid_request"),
        ({"start": 0, "end": 5, "quote": "Other"}, 422, "quote_differs"),
        ({"external_id": "a"}, 422, "invalid_request"),
        ({"grade": 4}, 422, "invalid_request"),
    ],
)
def test_evidence_that_marks_no_one_place_is_refused(
    library: tuple[Workspace, str], evidence: JsonObject, status: int, code: str
) -> None:
    workspace, document_id = library
    body = {"name": "refused", "questions": [{"question": "Fine?"}, question(document_id, **evidence)]}
    expect_problem(workspace.request("POST", "/question-sets", json=body), status, code)
    expect_problem(workspace.request("GET", "/question-sets/refused"), 404, "question_set_not_found")


def test_evidence_needs_a_document_that_answers(workspace: Workspace) -> None:
    (bad,) = workspace.upload(("bad.pdf", b"%PDF-1.4 cut off", ""))["documents"]
    for document_id, status, code in (
        ("nosuch", 404, "document_not_found"),
        (bad["document_id"], 409, "document_not_ready"),
    ):
        body = {"name": "s", "questions": [question(document_id, start=0, end=1)]}
        expect_problem(workspace.request("POST", "/question-sets", json=body), status, code)


def test_sets_are_listed_in_pages_without_questions_and_deleted(workspace: Workspace) -> None:
    for name in ("a", "b", "c"):
        workspace.post("/question-sets", {"name": name, "questions": [{"question": f"{name}?"}]}, 201)
    page = workspace.get("/question-sets", limit=2)
    rest = workspace.get("/question-sets", cursor=page["next_cursor"])
    assert [one["name"] for one in page["items"] + rest["items"]] == ["a", "b", "c"]
    assert (rest["next_cursor"], page["items"][0]["question_count"]) == (None, 1)
    assert not {"questions", "labels"} & set(page["items"][0])
    for _ in range(2):
        assert workspace.request("DELETE", "/question-sets/b").status_code == 204
    assert [one["name"] for one in workspace.get("/question-sets")["items"]] == ["a", "c"]
    workspace.post("/question-sets", {"name": "b", "questions": [{"question": "Other?"}]}, 201)


def test_what_is_marked_is_counted(library: tuple[Workspace, str]) -> None:
    workspace, document_id = library
    questions = [
        {**question(document_id, quote="Shipping is free.", grade=3), "pinned": True, "cluster": "shop"},
        {"question": "Which page?", "evidence": [{"external_id": "a"}], "cluster": "shop", "origin": "active"},
        {"question": "Open?", "unanswerable": True},
        {"question": "Why?"},
    ]
    saved = workspace.post("/question-sets", {"name": "counted", "questions": questions}, 201)
    assert saved["labels"] == {
        "spans": 1, "documents": 1, "unlabelled": 1, "unanswerable": 1, "pinned": 1,
        "origins": {"sampled": 3, "active": 1}, "clusters": 1, "users": 0,
    }  # fmt: skip
    span, document = (one["evidence"][0] for one in saved["questions"][:2])
    assert (span["grade"], document["grade"], document["document_id"]) == (3, 1, document_id)
    assert {document[name] for name in ("version_id", "start", "end")} == {None}


def test_a_quote_that_is_refused_shows_what_was_found(library: tuple[Workspace, str]) -> None:
    workspace, document_id = library
    several = {"name": "refused", "questions": [question(document_id, quote="Refunds take")]}
    problem = expect_problem(workspace.request("POST", "/question-sets", json=several), 422, "quote_ambiguous")
    assert problem["positions"] == [0, TEXT.rindex("Refunds")]
    assert problem["surroundings"][1].endswith("Refunds take effort.")
    none = {"name": "refused", "questions": [question(document_id, quote="shipping  is free")]}
    problem = expect_problem(workspace.request("POST", "/question-sets", json=none), 422, "quote_not_found")
    assert problem["closest"] == {"start": 23, "end": 39, "text": "Shipping is free"}
    assert (problem["question_id"], problem["label"]) == ("q1", 0)


def test_stale_labels_are_shown_and_moved_into_a_new_set(workspace: Workspace) -> None:
    (page,) = workspace.send({"text": TEXT, "external_id": "a"})
    questions = [question(page["document_id"], quote=quote) for quote in ("Shipping is free.", "take ten days")]
    workspace.post("/question-sets", {"name": "old", "questions": questions}, 201)
    assert workspace.get("/question-sets/old/staleness")["current"] == 2
    workspace.send({"text": f"New! {TEXT} They take ten days.", "external_id": "a"})
    found = workspace.get("/question-sets/old/staleness")
    assert (found["labels"], found["current"], found["replaced"], found["movable"]) == (2, 0, 2, 1)
    assert [one["moved_to"] and one["moved_to"]["start"] for one in found["stale"]] == [28, None]
    response = workspace.request("POST", "/question-sets/old/relocations", json={"name": "new"})
    assert expect_problem(response, 409, "labels_not_movable")["labels"] == found["stale"][1:]
    body = {"name": "new", "drop_stale": True}
    moved = workspace.post("/question-sets/old/relocations", body, 201)
    assert (moved["moved_labels"], moved["dropped_questions"], moved["question_count"]) == (1, ["q2"], 1)
    assert workspace.post("/question-sets/old/relocations", body, 200) == moved
    assert workspace.get("/question-sets/new/staleness")["stale"] == []
    assert workspace.get("/question-sets/old/staleness") == found
    taken = workspace.request("POST", "/question-sets/old/relocations", json={"name": "old", "drop_stale": True})
    expect_problem(taken, 409, "question_set_exists")
