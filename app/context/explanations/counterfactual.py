"""The smallest single change that admits a text, found by trying."""

from __future__ import annotations

import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.context.contexts import Contexts
from app.context.explanations.change_search import ChangeSearch
from app.context.explanations.changes import Change, ChangeKind, Changes
from app.context.explanations.stages import TargetView
from app.context.explanations.stretches import stretches, uncovered
from app.context.explanations.trials import Outcome, Trials, admits
from app.context.explanations.walk import Walk, walk
from app.context.explanations.why_not import Opened, target_view
from app.context.retrieve import Retriever
from configs.part import JsonObject
from indexes.database.engine import Database

MOST_TRIALS = 60
MOST_SECONDS = 10.0
MOST_SETUPS = 8

HOPELESS = {
    "unknown_document": "There is no such document here; upload it first.",
    "no_ready_version": "No version of the document is ready yet; wait for its job.",
    "text_gone": "The version that answers now no longer has this text.",
}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PushedOut(_Value):
    """Text that was in the context and no longer is."""

    label: str = Field(description="source that held it, before the change")
    document_id: str
    version_id: str
    start: int
    end: int


class Counterfactual(_Value):
    """One change that admits the text by itself; verified by assembling the context with it."""

    kind: ChangeKind
    setting: str = Field(description="what is changed, as a path into the strategy")
    before: Any
    after: Any
    size: float = Field(
        description="doublings for candidates, the budget and the constant of reciprocal ranks; share of the range for "
        "weights, thresholds and distances; 1 for another packer, fusion or merging; 2 for another retrieval setup"
    )
    sentence: str
    labels: tuple[str, ...] = Field(description="sources that then hold the text")
    tokens_before: int
    tokens_after: int
    pushed_out: tuple[PushedOut, ...]
    pushed_out_characters: int
    request: JsonObject = Field(description="body of POST …/contexts that assembles the context with the change")


class Counterfactuals(_Value):
    """Changes that admit a text, the smallest first: by size, then by what they push out, then by tokens."""

    context_id: str
    target: TargetView
    is_included_now: bool = Field(description="the same request, assembled now, holds the text without any change")
    documents_changed: bool
    found: bool
    sentence: str
    changes: tuple[Counterfactual, ...] = Field(description="the smallest change found of each setting that has one")
    trials: int = Field(description="contexts that were assembled to find out")
    most_trials: int
    stopped_early: bool = Field(description="trials or time ran out, so there may be smaller changes")
    seconds: float


def counterfactuals(
    database: Database,
    contexts: Contexts,
    retriever: Retriever,
    opened: Opened,
    *,
    most_trials: int = MOST_TRIALS,
    seconds: float = MOST_SECONDS,
) -> Counterfactuals:
    """Return the single changes that admit the target; nothing is saved. For a hidden document as for none."""
    begin = time.monotonic()
    asked, place = opened.asked, opened.place
    walked = walk(database, retriever, asked, place, opened.assembled, opened.found)
    why = _hopeless(walked)
    shown: list[Counterfactual] = []
    trials = None
    if not why and not walked.is_included and place is not None:
        trials = Trials(opened.rerun, walked.place or place, asked.policy.model, most=most_trials, seconds=seconds)
        search = ChangeSearch(Changes(asked.setup, asked.policy), trials, walked, opened)
        with database.read() as session:
            setups = list(search.changes.setups(session, asked.request.workspace_id))[:MOST_SETUPS]
        shown = [_shown(outcome, opened, contexts, walked) for outcome in search.outcomes(setups)]
    shown.sort(key=lambda one: (one.size, one.pushed_out_characters, one.tokens_after, one.setting))
    return Counterfactuals(
        context_id=asked.id,
        target=target_view(opened.target, place),
        is_included_now=walked.is_included,
        documents_changed=opened.documents_changed,
        found=bool(shown),
        sentence=why or _summary(walked, shown, trials),
        changes=tuple(shown),
        trials=trials.count if trials is not None else 0,
        most_trials=most_trials,
        stopped_early=trials is not None and trials.is_over,
        seconds=round(time.monotonic() - begin, 4),
    )


def _hopeless(walked: Walk) -> str:
    """Return why no setting can help, "" where one may."""
    if walked.not_ingested is not None and walked.not_ingested in HOPELESS:
        return HOPELESS[walked.not_ingested]
    if not walked.is_permitted:
        return "Whoever asked may not read the document; no setting changes that."
    if walked.failed_conditions:
        return "The request's filter leaves the document out; ask without the conditions that do not hold."
    return ""


def _shown(outcome: Outcome, opened: Opened, contexts: Contexts, walked: Walk) -> Counterfactual:
    change, before, after = outcome.change, opened.assembled, outcome.assembled
    held = stretches((one.version_id, one.span) for one in after.sources)
    pushed = [
        PushedOut(
            label=source.label, document_id=source.document_id, version_id=source.version_id, start=span.start,
            end=span.end,
        )
        for source in before.sources
        for span in uncovered(source.span, held.get(source.version_id, ()))
        if contexts.text_of(source.version_id, span).strip()
    ]  # fmt: skip
    place = walked.place or opened.place
    assert place is not None
    assert admits(after, place)
    labels = [
        one.label
        for one in after.sources
        if one.document_id == place.document.id and (place.span is None or one.span.overlap(place.span))
    ]
    return Counterfactual(
        kind=change.kind, setting=change.setting, before=change.before, after=change.after,
        size=round(change.size, 6), sentence=_sentence(change, pushed, before.tokens.total, after.tokens.total),
        labels=tuple(labels), tokens_before=before.tokens.total, tokens_after=after.tokens.total,
        pushed_out=tuple(pushed), pushed_out_characters=sum(one.end - one.start for one in pushed),
        request=_request(change, opened),
    )  # fmt: skip


def _request(change: Change, opened: Opened) -> JsonObject:
    asked, request = opened.asked, opened.asked.request
    body: JsonObject = {
        "question": request.question,
        "principals": sorted(request.principal.names),
        "setup": change.setup.model_dump(mode="json"),
        "context": change.policy.model_dump(mode="json"),
    }
    if request.restriction is not None:
        body["filter"] = request.restriction.model_dump(mode="json", by_alias=True)
    if asked.user_id is not None:
        body |= {"user_id": asked.user_id, "as_of": asked.as_of.isoformat()}
    if asked.preferences is not None:
        body["preferences"] = asked.preferences.model_dump(mode="json", exclude_unset=True)
    return body


def _sentence(change: Change, pushed: list[PushedOut], before: int, after: int) -> str:
    what = f"{change.setting} {_value(change.before)} → {_value(change.after)}"
    if change.kind == "index":
        what = f"Searching by {change.after}"
    out = (
        f"pushes out {len(pushed)} stretch{'' if len(pushed) == 1 else 'es'} of text"
        if pushed
        else "pushes nothing out"
    )
    return f"{what} admits it, {out} and takes {after:,} tokens instead of {before:,}."


def _value(value: Any) -> str:
    return str(value.get("kind", value)) if isinstance(value, dict) else str(value)


def _summary(walked: Walk, shown: list[Counterfactual], trials: Trials | None) -> str:
    if walked.is_included:
        return "It is in the context as it would be assembled now; nothing has to change."
    if shown:
        return f"The smallest change: {shown[0].sentence}"
    count = trials.count if trials is not None else 0
    return f"No single change admits it; {count} were tried."
