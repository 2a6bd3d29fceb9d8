"""Advice: each rule at its edge turns the result, numbers and flip points are the ones used."""

from __future__ import annotations

from typing import Any

import pytest

from app.evaluation.economics.advice import ASSUMED, MEASURED, NOT_MEASURABLE, Advice, Finding, Situation, advise
from app.evaluation.economics.break_even import compare_ways
from tests.app.evaluation.economics.price_lists import made_assumptions, made_price

TUNABLE = {"is_about_form": True, "good_examples": 501, "is_stable": True}
SMALL = {"corpus_tokens": 1_500}
"""Whole documents cost less than the 2,000 tokens that retrieval sends."""


def advice(situation: dict[str, Any], assumptions: dict[str, Any], *, is_priced: bool = True) -> Advice:
    """Return the advice for made-up costs."""
    costs = compare_ways(made_price() if is_priced else None, made_assumptions(**assumptions))
    return advise(Situation.model_validate(situation), costs)


def finding(result: Advice, condition: str) -> Finding:
    """Return the finding whose condition contains the words."""
    (found,) = [one for one in result.findings if condition in one.condition]
    return found


def test_a_small_stable_open_corpus_goes_into_the_prompt() -> None:
    result = advice({}, SMALL)
    assert (result.knowledge, result.fine_tune) == ("prompt_and_cache", False)
    assert result.sentence.startswith("Put whole documents into a cached prompt: nothing known speaks against it.")


@pytest.mark.parametrize(
    ("situation", "condition", "number"),
    [
        ({"changes_per_month": 4.4}, "less than weekly", "4.4 changes per month"),
        ({"needs_access_rights": True}, "all users may read", "no"),
        ({"needs_citations": True}, "need not cite", "no"),
        ({"is_slow_acceptable": False}, "users can wait", "no"),
    ],
)
def test_each_need_alone_turns_to_retrieval(situation: dict[str, Any], condition: str, number: str) -> None:
    result = advice(situation, SMALL)
    assert result.knowledge == "retrieve"
    found = finding(result, condition)
    assert (found.holds, found.number, found.status) == (False, number, ASSUMED)
    assert found.condition in result.sentence
    assert [one.condition for one in result.findings if one.holds is False and one.speaks_for != "fine_tune"] == [
        found.condition
    ]


def test_changes_just_below_weekly_are_rare_enough() -> None:
    assert advice({"changes_per_month": 4.3}, SMALL).knowledge == "prompt_and_cache"
    assert finding(advice({}, SMALL), "weekly").flip_point == "4.3 changes per month"


@pytest.mark.parametrize(("corpus_tokens", "holds"), [(200_000, True), (200_001, False)])
def test_a_large_corpus_turns_to_retrieval(corpus_tokens: int, holds: bool) -> None:
    result = advice({}, {"corpus_tokens": corpus_tokens, "retrieved_tokens": 300_000})
    found = finding(result, "fit a prompt")
    assert (found.holds, found.status) == (holds, MEASURED)
    assert f"{corpus_tokens:,} tokens" in found.number
    assert result.knowledge == ("prompt_and_cache" if holds else "retrieve")


def test_a_small_window_turns_to_retrieval() -> None:
    result = advice({}, {**SMALL, "retrieved_tokens": 500, "context_window_tokens": 2_000})
    assert finding(result, "fit a prompt").holds is False
    assert finding(result, "cost no more").flip_point == "whole documents do not fit the model's window"
    assert result.knowledge == "retrieve"


def test_dearer_documents_turn_to_retrieval_with_the_numbers() -> None:
    assumptions = {"hosting_usd_per_month": 100.0, "smallest_cached_tokens": 10**6}
    result = advice({}, assumptions)
    found = finding(result, "cost no more")
    assert result.knowledge == "retrieve"
    assert (found.holds, found.number) == (False, "$321 and $123 per month")
    assert found.flip_point == "1,020 requests per month at today's cost of each"
    small = finding(advice({}, SMALL), "cost no more")
    assert small.flip_point == "retrieval costs no less for any number of requests at today's cost of each"


def test_an_unknown_price_decides_nothing() -> None:
    result = advice({}, SMALL, is_priced=False)
    found = finding(result, "cost no more")
    assert (found.holds, found.flip_point) == (None, "price unknown")
    assert found.number == "price unknown and price unknown per month"
    assert result.knowledge == "prompt_and_cache"


@pytest.mark.parametrize(
    ("changes", "fine_tune"),
    [({}, True), ({"is_about_form": False}, False), ({"good_examples": 500}, False), ({"is_stable": False}, False)],
)
def test_fine_tuning_needs_form_examples_and_stability(changes: dict[str, Any], fine_tune: bool) -> None:
    result = advice(TUNABLE | changes, SMALL)
    assert result.fine_tune == fine_tune
    assert result.sentence.endswith("Fine-tune the form beside it." if fine_tune else "Do not fine-tune.")
    assert result.knowledge == "prompt_and_cache"


def test_what_needs_a_model_is_listed_and_never_answered() -> None:
    result = advice(TUNABLE, SMALL)
    assert len(result.unanswered) == 2
    assert {(one.holds, one.status) for one in result.unanswered} == {(None, NOT_MEASURABLE)}
    assert NOT_MEASURABLE not in {one.status for one in result.findings}
