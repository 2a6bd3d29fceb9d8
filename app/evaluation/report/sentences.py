"""What a report says in words: the headline, the margin, the verdicts, the sample."""

from __future__ import annotations

from collections import Counter

from app.evaluation.report.content import Content
from app.evaluation.statistics.pair_verdict import PairVerdict

WINNERS_NAMED = 3
"""Of many co-winners so many are named, the best means first."""
VALID = "Valid until documents, questions or the model change."


def headline(content: Content) -> str:
    """Return what was found, in two or three sentences."""
    analysis = content.findings.analysis
    if analysis is None:
        return "No question could decide: the set has no sampled question whose labels carry the deciding metric."
    said = []
    if analysis.no_winner_reason is not None:
        return f"There is no winner: {analysis.no_winner_reason}."
    if len(analysis.co_winners) == 1:
        said.append(f"**{analysis.co_winners[0]}** is better than every other strategy.")
    elif len(analysis.co_winners) == len(analysis.strategies):
        said.append("No strategy was shown to be better than all others: all of them are co-winners.")
    else:
        said.append(f"None of these was shown to be worse than another: {winners_in_words(content)}.")
    safe = analysis.cheapest_safe_choice
    cheapest = f"The cheapest safe choice is **{safe.label}**: " if safe is not None else ""
    choice = f"{analysis.choice[0].upper()}{analysis.choice[1:]}"
    said.append(f"{cheapest}{analysis.choice if cheapest else choice}.")
    said.append("Evidence in the context bounds the quality of answers and is not that quality.")
    return " ".join(said)


def winners_in_words(content: Content) -> str:
    """Return the co-winners, the best means first; of many, only some by name."""
    analysis = content.findings.analysis
    winners = analysis.co_winners if analysis is not None else []
    ordered = [one.label for one in content.contestants if one.label in winners]
    named = ", ".join(f"**{label}**" for label in ordered[:WINNERS_NAMED])
    more = len(ordered) - WINNERS_NAMED
    return named if more <= 0 else f"{named} and {more} more of {len(content.contestants)}"


def margin_sentence(content: Content) -> str:
    """Return the margin in words: how many of the marked passages it is."""
    margin = content.experiment.parsed_specification().margin
    marked = sum(len(question.evidence) for question in content.questions)
    passages = max(1, round(margin * marked))
    return (
        f"Differences under {margin:g} do not matter by the margin that was fixed before the run: "
        f"about {passages} more of {marked} marked passages."
    )


def verdict_words(pair: PairVerdict) -> str:
    """Return the verdict as the middle of a sentence: `first … second`."""
    if pair.verdict == "too_close_to_call":
        return f"too close to call ({(pair.reason or '').replace('_', ' ')})"
    return {"better": "better than", "worse": "worse than", "equivalent": "equivalent to"}[pair.verdict]


def sample_sentences(content: Content) -> list[str]:
    """Return what the figures rest on: questions, documents, looks, versions, dates."""
    counts, analysis, experiment = content.findings.questions, content.findings.analysis, content.experiment
    origins = Counter(question.origin for question in content.questions)
    sentences = [
        f"{counts.decided} of {counts.asked} questions of set “{experiment.question_set}” (hash "
        f"{experiment.question_set_hash}) decided; {counts.unanswerable} unanswerable, {counts.not_sampled} not "
        f"sampled, {counts.not_applicable} without labels for {content.findings.metric}, {counts.stale} with stale "
        "labels.",
        "Origins: " + ", ".join(f"{count} {origin}" for origin, count in sorted(origins.items())) + ".",
        f"{content.documents} documents of about {content.corpus_tokens:,} tokens, pinned when the experiment began.",
        f"Made {experiment.created_at:%Y-%m-%d %H:%M} UTC with version {experiment.code_version}; look "
        f"{experiment.look}; prices as of {content.price_date}. {VALID}",
    ]
    if content.findings.erased_cells:
        sentences.append(
            f"{content.findings.erased_cells} cells rested on documents that were erased since: their scores stay, "
            "what they found and sent is gone."
        )
    if analysis is not None:
        scope = "" if analysis.scope_note is None else f" The finding {analysis.scope_note}."
        sentences.append(f"{analysis.clusters} clusters of questions.{scope}")
        if analysis.winner_cross_fitted is not None and analysis.winner_naive is not None:
            sentences.append(
                f"What choosing this way yields: {analysis.winner_cross_fitted:.3f}, cross-fitted; the winner's own "
                f"mean flatters it by {analysis.winner_naive - analysis.winner_cross_fitted:+.3f}."
            )
    sentences.append("Nothing here speaks of hallucination or of model size: no answers were generated.")
    return sentences
