"""Counterfactuals: every change does what it says when it is applied, and the smallest comes first."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.api.service import Service
from app.context.explanations.counterfactual import counterfactuals
from app.context.explanations.target import Target
from app.context.explanations.why_not import open_context
from configs.part import JsonObject
from indexes.access import Principal
from tests.app.api.conftest import app_of
from tests.app.api.explained import BUDGET, asked_why, by_words, hybrid, made, section, stage, stocked
from tests.app.api.playground import Workspace


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace whose documents each stop at another stage; tests only read it."""
    return stocked(client)


def changes_of(workspace: Workspace, context: JsonObject, **target: Any) -> JsonObject:
    """Return the changes that admit a target, after applying each."""
    answer: JsonObject = workspace.post(f"/contexts/{context['id']}/counterfactuals", target)
    assert answer["trials"] <= answer["most_trials"]
    assert answer["found"] == bool(answer["changes"])
    sizes = [one["size"] for one in answer["changes"]]
    assert sizes == sorted(sizes)
    sent = stretches_of(context)
    for change in answer["changes"]:
        again = workspace.post("/contexts", change["request"], 201)
        seen = asked_why(workspace, again, **target)
        assert seen["is_included"], change
        assert change["labels"]
        assert change["tokens_after"] <= change["request"]["context"]["budget_tokens"]
        out = stretches_of({"citations": change["pushed_out"]})
        assert out <= sent
        assert len(out) == change["pushed_out_characters"]
    return answer


def stretches_of(context: JsonObject) -> set[tuple[str, int]]:
    """Return every character that a context holds."""
    return {
        (one["version_id"], position) for one in context["citations"] for position in range(one["start"], one["end"])
    }


def test_the_smallest_budget_admits_and_one_token_less_does_not(library: Workspace) -> None:
    context = made(library, question="banana rule cherry", setup=hybrid(), budget_tokens=700, answer_reserve_tokens=300)
    one = next(one for one in context["receipt"]["candidates"] if one["reason"] == "budget")
    target = {"document_id": one["document_id"], "start": one["start"], "end": one["end"]}
    answer = changes_of(library, context, **target)
    (budget,) = [change for change in answer["changes"] if change["setting"] == "context.budget_tokens"]
    missed = one["details"]["needed_tokens"] - one["details"]["left_tokens"]
    assert 700 < budget["after"] <= 700 + missed + 250
    assert budget["pushed_out"] == []
    assert budget["tokens_after"] > budget["tokens_before"]
    far = {**budget["request"], "context": {**budget["request"]["context"], "budget_tokens": 700 + missed - 120}}
    assert not asked_why(library, library.post("/contexts", far, 201), **target)["is_included"]


def test_more_candidates_admit_what_ranks_behind_them(library: Workspace) -> None:
    context = made(library, setup=by_words(candidates=2), context=BUDGET)
    answer = changes_of(library, context, quote="The elder rule 1 covers the case elder1.")
    (more,) = [change for change in answer["changes"] if change["kind"] == "candidates"]
    why = asked_why(library, context, quote="The elder rule 1 covers the case elder1.")
    assert more["after"] == why["chunks"][0]["standings"][0]["rank"]
    assert {"candidates"} <= {change["kind"] for change in answer["changes"]}


def test_several_kinds_of_changes_admit_the_same_text(library: Workspace) -> None:
    context = made(library, question="cherry0 damson1 elder2", setup=hybrid(candidates=2), context=BUDGET)
    kinds = {change["kind"] for change in changes_of(library, context, external_id="banana")["changes"]}
    assert {"candidates", "index"} <= kinds


def test_a_near_duplicate_is_told_and_admitted_by_a_smaller_distance(workspace: Workspace) -> None:
    text = section("apple", 20)
    changed = text.replace("rule 7 covers", "rule 7 excludes")
    workspace.send({"text": text, "external_id": "a"}, {"text": changed, "external_id": "b"})
    context = made(workspace, context={**BUDGET, "near_duplicate_distance": 16})
    quotes = ("The apple rule 7 covers the case apple7.", "The apple rule 7 excludes the case apple7.")
    (lost,) = [quote for quote in quotes if not asked_why(workspace, context, quote=quote)["is_included"]]
    answer = asked_why(workspace, context, quote=lost)
    assert (answer["stopped_by"], answer["code"]) == ("unique", "near_duplicate")
    distance = stage(answer, "unique")["details"]["distance"]
    assert f"differs in {distance} of 64 bits" in answer["sentence"]
    changes = changes_of(workspace, context, quote=lost)["changes"]
    (smaller,) = [one for one in changes if one["setting"] == "context.near_duplicate_distance"]
    assert smaller["after"] == distance - 1
    assert smaller["size"] == pytest.approx((16 - smaller["after"]) / 16)


def test_trials_are_bounded(client: TestClient, library: Workspace) -> None:
    context = made(library, setup=by_words(candidates=2), context=BUDGET)
    service: Service = app_of(client).state.service
    target, nobody = Target(external_id="elder"), Principal.of([])
    parts = service.database, service.contexts, service.retriever
    for bounds in ({"most_trials": 3}, {"seconds": 0.0}):
        opened = open_context(*parts, library.id, context["id"], target, nobody)
        answer = counterfactuals(*parts, opened, **bounds)
        assert answer.stopped_early
        assert answer.trials <= 3


def test_nothing_admits_an_exact_copy(library: Workspace) -> None:
    context = made(library, setup=hybrid(), context=BUDGET)
    lost = next(
        name for name in ("apple", "apple-copy") if not asked_why(library, context, external_id=name)["is_included"]
    )
    answer = changes_of(library, context, external_id=lost)
    assert (answer["found"], answer["stopped_early"]) == (False, False)
    assert answer["sentence"] == f"No single change admits it; {answer['trials']} were tried."
    assert 5 <= answer["trials"] <= 60
