"""The questions a product manager has to answer, one row each: answer, number, flip point, and how well it is known."""

from __future__ import annotations

import math

from app.evaluation.economics.advice import ASSUMED, MEASURED, NOT_MEASURABLE, Situation, advise
from app.evaluation.economics.caching import break_even_uses
from app.evaluation.economics.prices import PRICE_UNKNOWN, shown_usd
from app.evaluation.report.content import Content
from app.evaluation.report.decision import Decision
from app.evaluation.report.personalisation import personalising
from app.evaluation.report.sentences import winners_in_words
from app.evaluation.statistics.analysis import Analysis


def decisions(content: Content) -> list[Decision]:
    """Return the ten rows, always all of them."""
    return [
        _model_size(content),
        _how_much(content),
        _cutting(content),
        personalising(content),
        _good_output(content),
        _unsupported(content),
        _cost(content),
        _waiting(content),
        _fallback(content),
        _adaptation(content),
    ]


def _model_size(content: Content) -> Decision:
    return Decision(
        question="Big or small model?",
        answer="Not decided here: no answers were generated.",
        number=f"{content.economy.model}: "
        + (PRICE_UNKNOWN if content.price is None else f"{shown_usd(_usd(content))} per request with the top strategy"),
        flip_point="Compare the answers of both models on the same contexts.",
        status=NOT_MEASURABLE,
    )


def _how_much(content: Content) -> Decision:
    top = content.contestants[0]
    sent = "; ".join(
        f"{one.label} sends {one.evidence['sent']} of {sum(one.evidence.values())} marked passages in "
        f"{one.context_tokens:,.0f} tokens"
        for one in [top, *content.baselines]
    )
    return Decision(
        question="Retrieve, send everything, or nothing?",
        answer=f"Of the strategies that retrieve, {top.label} sends the most evidence by {content.findings.metric}"
        + ("." if content.baselines else "; no reference line was run."),
        number=sent,
        flip_point=_cost_flip_point(content),
        status=MEASURED,
    )


def _cost_flip_point(content: Content) -> str:
    point = content.break_even.break_even_requests_per_month
    if content.price is None:
        return f"{PRICE_UNKNOWN[0].upper()}{PRICE_UNKNOWN[1:]}: no turning point by cost."
    if not content.break_even.whole_documents.is_possible:
        return "Whole documents do not fit the model's window."
    if point is None:
        return "By cost alone whole documents are never dearer."
    if point <= 0:
        return "By cost alone retrieval is cheaper for any number of requests."
    return f"By cost alone whole documents are cheaper below {point:,.0f} requests a month."


def _cutting(content: Content) -> Decision:
    analysis = content.findings.analysis
    if analysis is None:
        return Decision(
            question="Cut, embed, store: how?", answer="No question could decide.", number="0 questions",
            flip_point="Mark answers as spans.", status=MEASURED,
        )  # fmt: skip
    winners = winners_in_words(content).replace("**", "")
    answer = f"Take one of: {winners}." if len(analysis.co_winners) > 1 else f"Take {winners}."
    if analysis.no_winner_reason is not None:
        answer = f"No winner: {analysis.no_winner_reason}"
    return Decision(
        question="Cut, embed, store: how?",
        answer=answer,
        number=_score(content, content.contestants[0].label),
        flip_point=_question_flip_point(analysis),
        status=MEASURED,
    )


def _question_flip_point(analysis: Analysis) -> str:
    """Return how many more questions would decide the pairs that are open."""
    still_open = [pair for pair in analysis.pairs if pair.verdict == "too_close_to_call"]
    if not still_open:
        return "Every pair is decided."
    if any(pair.note is not None for pair in still_open):
        return "Some pairs are not worth deciding by labels."
    detect = max((pair.questions_to_detect or 0) for pair in still_open)
    equal = max((pair.questions_to_show_equivalence or 0) for pair in still_open)
    return f"About {detect:,} more questions show any difference of the margin, {equal:,} that there is none."


def _good_output(content: Content) -> Decision:
    return Decision(
        question="What is good output?",
        answer="Unknown without answers. Evidence in the context bounds it: what was not sent cannot be used.",
        number=f"{content.findings.metric} {_score(content, content.contestants[0].label)}",
        flip_point="Judge generated answers on these questions.",
        status=NOT_MEASURABLE,
    )


def _unsupported(content: Content) -> Decision:
    evidence = content.contestants[0].evidence
    marked = sum(evidence.values())
    lost = marked - evidence["sent"]
    return Decision(
        question="How often is an answer unsupported?",
        answer="No claim without generated answers. Where evidence is missing, an answer cannot rest on it.",
        number=f"{lost} of {marked} marked passages are not in the context of {content.contestants[0].label}",
        flip_point="Check the claims of generated answers against their contexts.",
        status=NOT_MEASURABLE,
    )


def _cost(content: Content) -> Decision:
    label = content.contestants[0].label
    cost = content.costs.get(label)
    if cost is None or cost.usd_per_request is None:
        number = PRICE_UNKNOWN
    else:
        number = f"{shown_usd(cost.usd_per_request)} per request, {shown_usd(cost.usd_per_month)} per month"
    return Decision(
        question="What does it cost per call and month?",
        answer=f"{content.economy.model}, {content.economy.requests_per_day:,.0f} requests a day, "
        f"{content.economy.output_tokens} tokens an answer.",
        number=number,
        flip_point="See the table of assumptions: each at half and at double.",
        status=ASSUMED,
    )


def _waiting(content: Content) -> Decision:
    latency = content.contestants[0].latency
    if latency is None or latency.p50 is None or latency.p95 is None:
        number = "fewer than 100 timed requests"
    else:
        number = (
            f"p50 {latency.p50.seconds * 1e3:.0f} ms, p95 {latency.p95.seconds * 1e3:.0f} ms "
            f"[{latency.p95.low_seconds * 1e3:.0f}, {latency.p95.high_seconds * 1e3:.0f}]"
        )
    return Decision(
        question="How long do users wait?",
        answer="For search and packing on this machine; the model's own time comes on top and is not in it.",
        number=number,
        flip_point="Another machine, a larger corpus, or parallel users.",
        status=MEASURED,
    )


def _fallback(content: Content) -> Decision:
    analysis = content.findings.analysis
    safe = analysis.cheapest_safe_choice if analysis is not None else None
    terms = content.break_even.assumptions.cache_terms(content.price)
    uses = break_even_uses(terms)
    return Decision(
        question="Fallback and cache?",
        answer=f"Fall back to {safe.label}." if safe is not None else "No cheaper strategy was shown to be safe.",
        number=analysis.choice if analysis is not None else "no verdict",
        flip_point=f"Prompt caching pays from {uses:.2f} uses of a prefix within its lifetime."
        if math.isfinite(uses)
        else "Prompt caching saves nothing at these prices.",
        status=MEASURED if safe is not None else ASSUMED,
    )


def _adaptation(content: Content) -> Decision:
    advice = advise(Situation(), content.break_even)
    against = [finding for finding in advice.findings if finding.holds is False]
    return Decision(
        question="Prompt, retrieve or fine-tune?",
        answer=advice.sentence,
        number=against[0].number if against else "every rule holds",
        flip_point=against[0].flip_point if against else advice.findings[0].flip_point,
        status=ASSUMED,
    )


def _usd(content: Content) -> float | None:
    cost = content.costs.get(content.contestants[0].label)
    return cost.usd_per_request if cost is not None else None


def _score(content: Content, label: str) -> str:
    analysis = content.findings.analysis
    scores = {one.label: one for one in analysis.strategies} if analysis is not None else {}
    if label not in scores:
        return _mean(content.strategy(label).means[content.findings.metric])
    one = scores[label]
    return f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _mean(value: float | None) -> str:
    return "not applicable" if value is None else f"{value:.3f}"
