"""Why a text is not in a context: its way through every stage, and the first that stopped it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from app.context.assembled import Assembled
from app.context.contexts import Contexts
from app.context.explanations.asked import Asked, Rerun, load_asked
from app.context.explanations.places import Place, locate
from app.context.explanations.stages import Recorded, Stage, TargetView, WhyNot
from app.context.explanations.target import Target
from app.context.explanations.walk import Walk, walk
from app.context.explanations.walk_stages import stages_of
from app.context.receipt import Receipt
from app.context.retrieve import Retrieved, Retriever
from configs.span import Span
from indexes.access import Principal
from indexes.database.engine import Database

MOST_CHUNKS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A saved context with the place of a target in it, and the same request assembled now."""

    asked: Asked
    target: Target
    place: Place | None
    rerun: Rerun
    assembled: Assembled

    @property
    def found(self) -> Retrieved:
        """Return what the context's setup finds at present."""
        return self.rerun.retrieved(self.asked.setup, self.asked.policy)

    @cached_property
    def documents_changed(self) -> bool:
        """Tell whether the request comes out otherwise than the receipt recorded."""
        return self.rerun.differs_from_receipt(self.assembled)


def open_context(
    database: Database,
    contexts: Contexts,
    retriever: Retriever,
    workspace_id: str,
    context_id: str,
    target: Target,
    caller: Principal,
) -> Opened:
    """Return the saved context for explaining; see `load_asked` and `locate` for what it raises."""
    with database.read() as session:
        asked = load_asked(session, workspace_id, context_id, caller)
        place = locate(session, workspace_id, target, caller, asked.versions)
    rerun = Rerun(contexts, retriever, asked)
    assembled = rerun.assembled(asked.setup, asked.policy)
    return Opened(asked=asked, target=target, place=place, rerun=rerun, assembled=assembled)


def explain(database: Database, retriever: Retriever, opened: Opened) -> WhyNot:
    """Return why the target is not in the context, or which sources hold it.

    For a document that the caller may not read the answer is that for one that does not exist.
    """
    walked = walk(database, retriever, opened.asked, opened.place, opened.assembled, opened.found)
    recorded = recorded_of(opened.asked.receipt, opened.place)
    stages = stages_of(walked, opened.asked)
    stopped = _first_stop(walked, stages)
    return WhyNot(
        context_id=opened.asked.id,
        target=target_view(opened.target, opened.place),
        is_included=recorded.is_included,
        is_included_now=walked.is_included,
        documents_changed=opened.documents_changed,
        stopped_by=stopped.stage if stopped is not None else None,
        code=stopped.code if stopped is not None else None,
        sentence=_summary(opened, recorded, walked, stopped),
        stages=tuple(stages),
        chunks=tuple(walked.ways[:MOST_CHUNKS_SHOWN]),
        chunk_count=len(walked.ways),
        recorded=recorded,
    )


def recorded_of(receipt: Receipt, place: Place | None) -> Recorded:
    """Return what the receipt says of the place."""
    if place is None:
        return Recorded(is_included=False, labels=(), candidates=())
    span = place.span

    def holds(version_id: str, document_id: str, start: int, end: int) -> bool:
        if span is None:
            return document_id == place.document.id
        return version_id == place.version_id and Span(start, end).overlap(span) > 0

    sources = [one for one in receipt.sources if holds(one.version_id, one.document_id, one.start, one.end)]
    held = [Span(one.start, one.end) for one in sources]
    return Recorded(
        is_included=bool(held) if span is None else not place.missing(held),
        labels=tuple(one.label for one in sources),
        candidates=tuple(
            one for one in receipt.candidates if holds(one.version_id, one.document_id, one.start, one.end)
        ),
    )


def _first_stop(walked: Walk, stages: list[Stage]) -> Stage | None:
    if walked.is_included:
        return None
    if walked.is_partly_included:
        return next(stage for stage in stages if stage.verdict in ("partly", "stopped"))
    return next(stage for stage in stages if stage.verdict == "stopped")


def _summary(opened: Opened, recorded: Recorded, walked: Walk, stopped: Stage | None) -> str:
    what = "The document" if opened.place is None or opened.place.span is None else "The text"
    if recorded.is_included:
        said = f"{what} is in the context: {', '.join(recorded.labels)}."
    elif stopped is not None:
        some = " all" if walked.is_partly_included else ""
        said = f"{what} is not{some} in the context. {stopped.sentence}"
    else:
        said = f"{what} is not in the saved context."
    if opened.documents_changed:
        now = "would hold it" if walked.is_included else "would not hold it"
        said += f" What is found has changed since; assembled now, the context {now}."
    return said


def target_view(target: Target, place: Place | None) -> TargetView:
    """Return the target as answers show it."""
    if place is None:
        return TargetView(name=target.name, document_id=None, external_id=None, version_id=None, start=None, end=None)
    span = place.span
    return TargetView(
        name=target.name, document_id=place.document.id, external_id=place.document.external_id,
        version_id=place.version_id, start=span.start if span else None, end=span.end if span else None,
    )  # fmt: skip
