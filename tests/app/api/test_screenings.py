"""Screenings through the API: a job whose result keeps a part of the strategies and names no winner."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from app.demo import guide_folder
from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem

SIZES = (16, 24, 32, 48, 64, 96, 128, 200)


def entry(grid: list[int]) -> JsonObject:
    """Return BM25 over chunks of several sizes."""
    setup = {"chunker": {"kind": "fixed", "size_tokens": 64}, "stores": [{"kind": "bm25"}]}
    return {"label": "words", "setup": setup, "grid": {"settings": {"chunker.size_tokens": grid}}}


@pytest.fixture(scope="module")
def pages(client: TestClient) -> Workspace:
    """Return a workspace with some pages of the guide and a question set without labels."""
    workspace = Workspace(client)
    texts = [path.read_text(encoding="utf-8")[:12_000] for path in sorted(guide_folder().glob("*.md"))[:3]]
    workspace.send(*({"text": text, "external_id": str(number)} for number, text in enumerate(texts)))
    questions = [{"question": f"What is said of {word}?"} for word in ("chunks", "tokens", "labels")]
    workspace.post("/question-sets", {"name": "open", "questions": questions}, 201)
    return workspace


def screened(pages: Workspace, **fields: object) -> JsonObject:
    started = pages.post("/screenings", {"settings": {"questions_per_kind": 10}, **fields}, 202)
    job = pages.wait(started["id"])
    assert job["state"] == "succeeded", job
    result: JsonObject = job["result"]
    return result


def test_half_is_kept_and_nothing_wins(pages: Workspace) -> None:
    result = screened(pages, strategies=[entry(list(SIZES))], question_set="open")
    kept = [one["strategy"] for one in result["strategies"] if one["is_kept"]]
    assert len(SIZES) // 2 <= len(kept) <= len(SIZES)
    assert not {"winner", "best", "top"} & set(result)
    assert "Screening only" in result["note"]
    proposed = result["next_questions"]
    assert {one["origin"] for one in proposed} == {"active"}
    assert {one["question"] for one in proposed} <= {f"What is said of {w}?" for w in ("chunks", "tokens", "labels")}


def test_three_strategies_are_all_kept(pages: Workspace) -> None:
    result = screened(pages, strategies=[entry([16, 64, 200])])
    assert all(one["is_kept"] for one in result["strategies"])
    assert {one["decision"] for one in result["strategies"]} == {"too_few_strategies"}


def test_it_leaves_nothing_behind_but_its_job(pages: Workspace) -> None:
    indexes = pages.get("/indexes")["items"]
    screened(pages, strategies=[entry([16, 64, 200])])
    assert pages.get("/indexes")["items"] == indexes
    assert "What is said" not in json.dumps(pages.get(""))


def test_what_cannot_be_screened_is_refused(pages: Workspace) -> None:
    one = {"strategies": [{"strategy": "default"}]}
    expect_problem(pages.request("POST", "/screenings", json=one), 422, "too_few_strategies")
    unknown = {"strategies": [entry([16, 64])], "question_set": "nosuch"}
    expect_problem(pages.request("POST", "/screenings", json=unknown), 404, "question_set_not_found")
