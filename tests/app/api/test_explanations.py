"""Why-not: a planted case for every stage, and nothing told of what is hidden."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from app.api.examples_explanations import TARGETS
from app.context.explanations.target import Target
from app.demo import guide_folder
from configs.part import JsonObject
from tests.app.api.explained import BUDGET, WORDS, asked_why, by_words, hybrid, made, section, stage, stocked
from tests.app.api.playground import Workspace, expect_problem


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace whose documents each stop at another stage; tests only read it."""
    return stocked(client)


def test_what_is_sent_is_named_with_its_label(library: Workspace) -> None:
    context = made(library, question="banana rule", context=BUDGET)
    answer = asked_why(library, context, external_id="banana")
    assert (answer["is_included"], answer["is_included_now"], answer["documents_changed"]) == (True, True, False)
    assert (answer["stopped_by"], answer["code"]) == (None, None)
    labels = {one["label"] for one in context["citations"]}
    assert set(answer["recorded"]["labels"]) <= labels
    assert answer["recorded"]["labels"]
    citation = context["citations"][0]
    span = {"document_id": citation["document_id"], "start": citation["start"] + 5, "end": citation["end"] - 5}
    assert asked_why(library, context, **span)["recorded"]["labels"] == [citation["label"]]


def test_an_unknown_document_is_not_ingested(library: Workspace) -> None:
    answer = asked_why(library, made(library), document_id="nosuch")
    assert (answer["stopped_by"], answer["code"]) == ("ingested", "not_ingested")
    assert [one["verdict"] for one in answer["stages"]] == ["stopped"] + ["not_reached"] * 8
    assert answer["target"]["document_id"] is None


def test_a_document_outside_the_index_is_not_ingested(workspace: Workspace) -> None:
    workspace.send({"text": section("apple"), "external_id": "old"})
    setup = by_words(96)
    workspace.build(setup=setup, maintained=False)
    workspace.send({"text": section("banana"), "external_id": "new"})
    context = made(workspace, setup=setup)
    answer = asked_why(workspace, context, external_id="new")
    assert (answer["code"], stage(answer, "ingested")["details"]) == ("not_ingested", {"cause": "not_in_index"})
    changes = workspace.post(f"/contexts/{context['id']}/counterfactuals", {"external_id": "new"})
    assert {one["kind"] for one in changes["changes"]} == {"index"}


def test_only_who_may_know_is_told_that_the_asker_may_not_read(library: Workspace) -> None:
    context = made(library)
    told = asked_why(library, context, external_id="secret", principals=["user:ann"])
    assert (told["stopped_by"], told["code"]) == ("permitted", "not_permitted")
    for tail in ("why-not", "counterfactuals"):
        answers = []
        for name in ("secret", "nosuch"):
            response = library.request("POST", f"/contexts/{context['id']}/{tail}", json={"external_id": name})
            answers.append(response.text.replace(name, "?").partition('"seconds"')[0])
        assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "extra", [{"start": 3, "end": 9}, {"start": 3, "end": 900_000}, {"quote": "secret apple rule 1"}]
)
def test_spans_and_quotes_of_what_is_hidden_are_those_of_what_is_not_there(
    library: Workspace, extra: JsonObject
) -> None:
    context = made(library)
    (secret,) = library.get("/documents", external_id="secret")["items"]
    bodies = [{name: value, **extra} for name, value in (("document_id", secret["id"]), ("document_id", "nosuch"))]
    answers = [
        library.request("POST", f"/contexts/{context['id']}/why-not", json=body).text.replace(body["document_id"], "?")
        for body in bodies
    ]
    assert answers[0] == answers[1]


def test_a_quote_of_what_is_hidden_is_found_nowhere(library: Workspace) -> None:
    context = made(library)
    response = library.request("POST", f"/contexts/{context['id']}/why-not", json={"quote": "secret apple rule 1"})
    problem = expect_problem(response, 422, "quote_not_found")
    assert (problem["matches"], problem["places"]) == (0, [])


def test_who_lacks_a_right_of_the_asker_gets_no_explanation(library: Workspace) -> None:
    context = made(library, question="banana rule", principals=["user:ann"], setup=by_words(candidates=2))
    assert asked_why(library, context, external_id="cherry", principals=["user:ann", "user:bob"])
    for names in ([], ["user:bob"]):
        body = {"external_id": "cherry", "principals": names}
        response = library.request("POST", f"/contexts/{context['id']}/why-not", json=body)
        expect_problem(response, 404, "context_not_found")


def test_the_filter_is_named_with_the_conditions_that_do_not_hold(library: Workspace) -> None:
    condition = {"tags": ["fruit"]}
    answer = asked_why(library, made(library, filter={"all": [condition]}), external_id="long")
    assert (answer["stopped_by"], answer["code"]) == ("filtered", "filtered_out")
    assert stage(answer, "filtered")["details"]["failed_conditions"] == [condition]


def test_a_text_across_chunks_is_cut_and_each_part_is_shown(library: Workspace) -> None:
    context = made(library, question="word1 word2", setup=by_words(), context=BUDGET | {"merge_adjacent": False})
    chunks = sorted((one["start"], one["end"]) for one in context["receipt"]["candidates"] if one["included"])
    border = chunks[0][1]
    (long,) = library.get("/documents", external_id="long")["items"]
    answer = asked_why(library, context, document_id=long["id"], start=border - 8, end=border + 12)
    cut = stage(answer, "chunked")
    assert (cut["verdict"], cut["code"]) == ("partly", "cut_across_chunks")
    parts = cut["details"]["parts"]
    assert [part["held"][0] for part in parts] == [border - 8, pytest.approx(border, abs=1)]
    assert (answer["stopped_by"], answer["code"], answer["is_included"]) == ("chunked", "cut_across_chunks", False)


def test_a_true_rank_behind_the_candidates_is_told(library: Workspace) -> None:
    setup = by_words(candidates=2)
    deep = made(library, setup=by_words(candidates=1_000))
    ranks = {(one["document_id"], one["ordinal"]): one["rank"] for one in deep["receipt"]["candidates"]}
    answer = asked_why(library, made(library, setup=setup), external_id="elder")
    assert (answer["stopped_by"], answer["code"]) == ("ranked", "beyond_candidates")
    way = answer["chunks"][0]
    (standing,) = way["standings"]
    assert standing["rank"] == ranks[answer["target"]["document_id"], way["ordinal"]] > 2
    assert (standing["taken"], standing["of"], standing["is_taken"]) == (2, len(ranks), False)
    assert f"rank {standing['rank']} of {len(ranks)}" in answer["sentence"]


def test_a_text_without_a_word_of_the_question_is_absent_in_words(library: Workspace) -> None:
    context = made(library, question="apple0", setup=hybrid(candidates=2))
    answer = asked_why(library, context, external_id="damson")
    dense, lexical = answer["chunks"][0]["standings"]
    assert (lexical["rank"], lexical["score"], dense["rank"] > 2) == (None, 0.0, True)
    assert "absent in lexical (bm25): it shares no term with the question" in answer["sentence"]


def test_what_fusion_ranks_behind_the_candidates_is_lost_there(library: Workspace) -> None:
    for candidates in range(1, 5):
        context = made(library, question="cherry0 damson1 elder2", setup=hybrid(candidates=candidates))
        for name in ("apple", "banana", "cherry", "damson", "elder"):
            answer = asked_why(library, context, external_id=name)
            if answer["stopped_by"] == "fused":
                fused = answer["chunks"][0]["fused"]
                assert (answer["code"], fused["rank"] > candidates) == ("lost_in_fusion", True)
                assert any(one["is_taken"] for one in answer["chunks"][0]["standings"])
                return
    pytest.fail("no document was lost in fusion")


def test_a_copy_is_lost_to_the_candidate_that_says_the_same(library: Workspace) -> None:
    context = made(library, context=BUDGET)
    answers = {name: asked_why(library, context, external_id=name) for name in ("apple", "apple-copy")}
    (lost,) = [name for name, answer in answers.items() if not answer["is_included"]]
    (kept,) = [name for name in answers if name != lost]
    assert (answers[lost]["stopped_by"], answers[lost]["code"]) == ("unique", "exact_duplicate")
    winner = stage(answers[lost], "unique")["details"]["winner"]
    assert winner["document_id"] == answers[kept]["target"]["document_id"]
    assert winner["label"] in answers[kept]["recorded"]["labels"]


def test_a_budget_is_missed_by_the_tokens_the_receipt_says(library: Workspace) -> None:
    context = made(library, question="banana rule cherry", setup=hybrid(), budget_tokens=700, answer_reserve_tokens=300)
    dropped = [one for one in context["receipt"]["candidates"] if one["reason"] == "budget"]
    assert dropped
    for one in dropped:
        span = {"document_id": one["document_id"], "start": one["start"], "end": one["end"]}
        answer = asked_why(library, context, **span)
        assert (answer["stopped_by"], answer["code"]) == ("packed", "budget")
        missed = one["details"]["needed_tokens"] - one["details"]["left_tokens"]
        assert stage(answer, "packed")["details"]["missed_by_tokens"] == missed
        assert f"missed the budget by {missed} token" in answer["sentence"]
        assert answer["recorded"]["candidates"] == [one]


def test_baselines_are_explained_too(library: Workspace) -> None:
    nothing = asked_why(library, made(library, setup={"baseline": "no_context"}), external_id="apple")
    assert (nothing["stopped_by"], nothing["code"]) == ("ranked", "nothing_retrieved")
    whole = made(library, setup={"baseline": "whole_documents"}, budget_tokens=600, answer_reserve_tokens=100)
    first = asked_why(library, whole, external_id="apple")
    last = asked_why(library, whole, quote=" ".join(WORDS[:9]))
    assert (first["is_included"], last["is_included"]) == (True, False)
    assert (last["stopped_by"], last["code"]) == ("packed", "budget")
    hidden = asked_why(library, whole, external_id="secret")
    assert hidden["code"] == "not_ingested"


def test_a_new_version_is_explained_beside_what_was_recorded(workspace: Workspace) -> None:
    workspace.send({"text": section("apple"), "external_id": "a"}, {"text": section("banana"), "external_id": "b"})
    context = made(workspace)
    old = {"external_id": "a", "quote": "The apple rule 3 covers the case apple3."}
    assert asked_why(workspace, context, **old)["documents_changed"] is False
    workspace.send({"text": "New. " + section("apple"), "external_id": "a"})
    moved = asked_why(workspace, context, **old)
    assert (moved["documents_changed"], moved["is_included"], moved["is_included_now"]) == (True, True, True)
    assert moved["recorded"]["labels"]
    workspace.send({"text": section("cherry"), "external_id": "a"})
    gone = asked_why(workspace, context, **old)
    assert (gone["is_included"], gone["is_included_now"], gone["code"]) == (True, False, "not_ingested")
    assert stage(gone, "ingested")["details"] == {"cause": "text_gone"}
    new = asked_why(workspace, context, quote="The cherry rule 3 covers the case cherry3.")
    assert (new["is_included"], new["recorded"]["candidates"]) == (False, [])


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"quote": "The apple rule 99"}, "quote_not_found"),
        ({"quote": "The apple rule 3 covers"}, "quote_ambiguous"),
        ({"external_id": "apple", "start": 1, "end": 1_000_000}, "span_outside_document"),
        ({}, "invalid_request"),
        ({"quote": "x", "external_id": "apple", "start": 1, "end": 2}, "invalid_request"),
        ({"external_id": "apple", "document_id": "apple"}, "invalid_request"),
        ({"external_id": "apple", "start": 1}, "invalid_request"),
        ({"external_id": "apple", "start": 2, "end": 2}, "invalid_request"),
        ({"quote": " \n"}, "invalid_request"),
    ],
)
def test_a_target_that_means_no_single_text_is_refused(library: Workspace, target: JsonObject, code: str) -> None:
    context = made(library)
    for tail in ("why-not", "counterfactuals"):
        problem = expect_problem(library.request("POST", f"/contexts/{context['id']}/{tail}", json=target), 422, code)
        if code == "quote_ambiguous":
            assert problem["matches"] == len(problem["places"]) == 2
            assert all("The apple rule 3 covers" in place["surroundings"] for place in problem["places"])


def test_examples_fit_the_guide_that_they_are_about() -> None:
    texts = {page.stem: page.read_text(encoding="utf-8") for page in guide_folder().glob("*.md")}
    for example in TARGETS.values():
        target = Target.model_validate(example["value"])
        if target.quote is not None:
            assert sum(text.count(target.quote) for text in texts.values()) == 1
        elif target.end is not None:
            assert target.end <= len(texts[(target.document_id or "").removeprefix("demo-")])
