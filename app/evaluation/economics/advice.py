"""Prompt, retrieve or fine-tune: rules with the numbers they used, and where each would turn. Advice, no oracle."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.economics.break_even import BreakEven
from app.evaluation.economics.prices import PRICE_UNKNOWN, shown_usd

Status = Literal["measured here", "assumed (editable)", "not measurable without a model"]
MEASURED: Status = "measured here"
ASSUMED: Status = "assumed (editable)"
NOT_MEASURABLE: Status = "not measurable without a model"

WEEKLY_CHANGES_PER_MONTH = 365.25 / 12 / 7
WHOLE_DOCUMENTS_TOKENS = 200_000
"""Above it whole documents are no default, whatever the window holds (a rule of Anthropic's)."""
FEWEST_EXAMPLES = 500


class Situation(BaseModel):
    """What a team knows about its task and its documents."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    changes_per_month: float = Field(1.0, ge=0, le=1e9, description="how often the knowledge changes")
    needs_access_rights: bool = Field(False, description="users may read different documents")
    needs_citations: bool = Field(False, description="answers have to name the passages they rest on")
    is_slow_acceptable: bool = Field(True, description="users can wait while the model reads all documents")
    good_examples: int = Field(0, ge=0, le=10**9, description="checked pairs of input and wanted output")
    is_about_form: bool = Field(False, description="style, format or use of tools is to improve, not knowledge")
    is_stable: bool = Field(False, description="the wanted form will stay what it is for months")


class Finding(BaseModel):
    """One rule applied: what it looked at, whether it holds, and where it would turn."""

    model_config = ConfigDict(frozen=True)

    speaks_for: Literal["prompt_and_cache", "retrieve", "fine_tune"]
    condition: str
    holds: bool | None = Field(description="null: not known, and then nothing rests on it")
    number: str = Field(description="the value that was used")
    flip_point: str = Field(description="what would turn the rule")
    status: Status


class Advice(BaseModel):
    """How to give the model its knowledge, and whether to fine-tune its form beside it."""

    model_config = ConfigDict(frozen=True)

    knowledge: Literal["prompt_and_cache", "retrieve"] = Field(
        description="whole documents in a cached prompt where no rule speaks against it, else retrieval"
    )
    fine_tune: bool = Field(description="form only, beside the way of giving knowledge; never for facts first")
    sentence: str
    findings: list[Finding]
    unanswered: list[Finding] = Field(description="what would have to be measured with a model's answers")


def advise(situation: Situation, costs: BreakEven) -> Advice:
    """Return the advice for a situation, with costs as `compare_ways` gave them for its documents."""
    prompting = [*_size_findings(costs), *_need_findings(situation)]
    tuning = _tuning_findings(situation)
    knowledge: Literal["prompt_and_cache", "retrieve"] = "retrieve"
    against = [finding for finding in prompting if finding.holds is False]
    if not against:
        knowledge, because = "prompt_and_cache", "nothing known speaks against it"
    else:
        because = "not the case: " + "; ".join(f"{finding.condition} ({finding.number})" for finding in against)
    fine_tune = all(finding.holds for finding in tuning)
    named = "put whole documents into a cached prompt" if knowledge == "prompt_and_cache" else "retrieve"
    form = "Fine-tune the form beside it." if fine_tune else "Do not fine-tune."
    return Advice(
        knowledge=knowledge,
        fine_tune=fine_tune,
        sentence=f"{named[0].upper()}{named[1:]}: {because}. {form}",
        findings=[*prompting, *tuning],
        unanswered=_unanswered(),
    )


def _size_findings(costs: BreakEven) -> list[Finding]:
    whole, retrieval = costs.whole_documents, costs.retrieval
    window_tokens = costs.assumptions.context_window_tokens
    window = "unknown" if window_tokens is None else f"{window_tokens:,} tokens"
    return [
        Finding(
            speaks_for="prompt_and_cache",
            condition="the documents fit a prompt",
            holds=whole.is_possible and costs.assumptions.corpus_tokens <= WHOLE_DOCUMENTS_TOKENS,
            number=f"{costs.assumptions.corpus_tokens:,} tokens; the model's window is {window}",
            flip_point=f"{WHOLE_DOCUMENTS_TOKENS:,} tokens, or the window less instructions, question and answer",
            status=MEASURED,
        ),
        Finding(
            speaks_for="prompt_and_cache",
            condition="whole documents cost no more than retrieval",
            holds=None if whole.usd_per_month is None else costs.cheapest == "whole_documents",
            number=f"{shown_usd(whole.usd_per_month)} and {shown_usd(retrieval.usd_per_month)} per month",
            flip_point=_cost_flip_point(costs),
            status=ASSUMED,
        ),
    ]


def _cost_flip_point(costs: BreakEven) -> str:
    if costs.whole_documents.usd_per_month is None:
        return PRICE_UNKNOWN
    if not costs.whole_documents.is_possible:
        return "whole documents do not fit the model's window"
    if costs.break_even_requests_per_month is None:
        return "retrieval costs no less for any number of requests at today's cost of each"
    return f"{costs.break_even_requests_per_month:,.0f} requests per month at today's cost of each"


def _need_findings(situation: Situation) -> list[Finding]:
    return [
        Finding(
            speaks_for="prompt_and_cache",
            condition="knowledge changes less than weekly",
            holds=situation.changes_per_month < WEEKLY_CHANGES_PER_MONTH,
            number=f"{situation.changes_per_month:g} changes per month",
            flip_point=f"{WEEKLY_CHANGES_PER_MONTH:.1f} changes per month",
            status=ASSUMED,
        ),
        _yes_or_no("prompt_and_cache", "all users may read all documents", not situation.needs_access_rights),
        _yes_or_no("prompt_and_cache", "answers need not cite passages", not situation.needs_citations),
        _yes_or_no("prompt_and_cache", "users can wait while all is read", situation.is_slow_acceptable),
    ]


def _tuning_findings(situation: Situation) -> list[Finding]:
    return [
        _yes_or_no("fine_tune", "form is to improve, not knowledge", situation.is_about_form),
        Finding(
            speaks_for="fine_tune",
            condition=f"there are more than {FEWEST_EXAMPLES} good examples",
            holds=situation.good_examples > FEWEST_EXAMPLES,
            number=f"{situation.good_examples:,} examples",
            flip_point=f"{FEWEST_EXAMPLES + 1} examples",
            status=ASSUMED,
        ),
        _yes_or_no("fine_tune", "the wanted form is stable", situation.is_stable),
    ]


def _yes_or_no(speaks_for: Literal["prompt_and_cache", "fine_tune"], condition: str, holds: bool) -> Finding:
    number, flip_point = ("yes", "no") if holds else ("no", "yes")
    return Finding(
        speaks_for=speaks_for, condition=condition, holds=holds, number=number, flip_point=flip_point, status=ASSUMED
    )


def _unanswered() -> list[Finding]:
    questions: tuple[tuple[Literal["prompt_and_cache", "fine_tune"], str], ...] = (
        ("prompt_and_cache", "the model answers as well from whole documents"),
        ("fine_tune", "a fine-tuned model answers better than a prompted one"),
    )
    return [
        Finding(
            speaks_for=speaks_for,
            condition=condition,
            holds=None,
            number="no answers were generated",
            flip_point="compare answers of a model",
            status=NOT_MEASURABLE,
        )
        for speaks_for, condition in questions
    ]
