"""What strategies find for the questions of a comparison, down to the token budget, and with which versions."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.found_passages import Passage
from app.context.retrieve import Request, Retrieved, Retriever
from app.context.strategy import MAX_CANDIDATES, BaselineSetup, SearchSetup
from app.evaluation.questions import Evidence, Question
from app.evaluation.span_metrics import SentText, TokenMeter, cut_at_budget
from app.evaluation.version_span import VersionSpan
from configs.errors import PlaygroundError
from indexes.access import Filter, Principal
from indexes.database.engine import now
from indexes.database.tables import Document, Served

EXPECTED_PASSAGE_TOKENS = 8
"""Passages are read down to where even ones as short as this fill the budget; all candidates where that is too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A strategy in a comparison; labels are unique in it."""

    label: str
    setup: SearchSetup | BaselineSetup

    @property
    def is_baseline(self) -> bool:
        """Tell whether it is a reference line, which does not rank by the question."""
        return isinstance(self.setup, BaselineSetup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to compare, on whose behalf, and how deep."""

    workspace_id: str
    questions: Sequence[Question]
    contestants: Sequence[Contestant]
    principal: Principal
    restriction: Filter | None = None
    require_fresh: bool = False
    k: int = 5
    budget_tokens: int = 1_000
    moment: datetime = field(default_factory=now)
    """Ages of documents count from it, for all questions."""

    @property
    def has_gold(self) -> bool:
        """Tell whether any question has marked spans; a marked document alone is not scored here."""
        return any(question.places for question in self.questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one strategy found for one question; `passages` reach as deep as the budget where any question has gold."""

    passages: Sequence[Passage]
    sent: SentText
    seconds: dict[str, float]
    index_id: str | None
    missing_documents: int


def place_of(passage: Passage) -> VersionSpan:
    """Return where the passage stands."""
    return VersionSpan(passage.hit.version_id, passage.hit.span)


class Finder:
    """Retrieves for one plan. Baselines, which do not depend on the question, are read once."""

    def __init__(self, retriever: Retriever, plan: Plan) -> None:
        self.meter = TokenMeter()
        self._retriever = retriever
        self._plan = plan
        self._baselines: dict[str, Found] = {}

    def find(self, contestant: Contestant, question: str) -> Found:
        """Return what the contestant finds; errors of the retriever name it in their detail."""
        if contestant.label in self._baselines:
            return self._baselines[contestant.label]
        begin = time.perf_counter()
        try:
            retrieved, sent = self._retrieve(contestant, question)
        except PlaygroundError as error:
            error.detail = f"strategy {contestant.label!r}: {error.detail}"
            raise
        found = Found(
            passages=retrieved.passages,
            sent=sent,
            seconds={**retrieved.seconds, "total": time.perf_counter() - begin},
            index_id=retrieved.index_id,
            missing_documents=retrieved.missing_documents,
        )
        if contestant.is_baseline:
            self._baselines[contestant.label] = found
        return found

    def _retrieve(self, contestant: Contestant, question: str) -> tuple[Retrieved, SentText]:
        plan = self._plan
        budget_tokens = plan.budget_tokens if plan.has_gold else 0
        limit = min(MAX_CANDIDATES, max(plan.k, math.ceil(budget_tokens / EXPECTED_PASSAGE_TOKENS)))
        while True:
            retrieved = self._retriever.retrieve(
                contestant.setup,
                Request(
                    workspace_id=plan.workspace_id, question=question, principal=plan.principal,
                    restriction=plan.restriction, limit=limit, require_fresh=plan.require_fresh,
                    whole_document_tokens=plan.budget_tokens, moment=plan.moment,
                ),
            )  # fmt: skip
            ranked = [(place_of(passage), passage.text) for passage in retrieved.passages]
            sent = cut_at_budget(ranked, budget_tokens, self.meter)
            if sent.tokens >= budget_tokens or len(ranked) < limit or limit == MAX_CANDIDATES:
                return retrieved, sent
            limit = MAX_CANDIDATES


def stale_evidence(session: Session, plan: Plan, question: Question, found: Sequence[Found]) -> list[Evidence]:
    """Return the evidence that cannot be held against what was found.

    Its version is not the one with which every strategy answers: another is newer or older, an index lacks the
    document, it was deleted, or the principal may not read it. A whole document is stale in the last three cases only.
    """
    document_ids = {evidence.document_id for evidence in question.evidence}
    answering = [
        _answering_versions(session, plan, document_ids, index_id)
        for index_id in sorted({one.index_id for one in found}, key=str)
    ]
    seen = {(passage.hit.document_id, passage.hit.version_id) for one in found for passage in one.passages}
    return [
        evidence
        for evidence in question.evidence
        if any(not _holds(evidence, versions.get(evidence.document_id)) for versions in answering)
        or any(document == evidence.document_id and not _holds(evidence, version) for document, version in seen)
    ]


def _holds(evidence: Evidence, version_id: str | None) -> bool:
    """Tell whether the evidence can be held against a version of its document; None is no version."""
    return version_id is not None and evidence.version_id in (None, version_id)


def _answering_versions(
    session: Session, plan: Plan, document_ids: set[str], index_id: str | None
) -> dict[str, str | None]:
    """Return the version with which the index, or a baseline where it is None, answers for each readable document."""
    statement = select(Document.id, Document.access, Document.ready_version_id.label("version_id"))
    if index_id is not None:
        statement = select(Document.id, Document.access, Served.version_id.label("version_id")).join(
            Served, (Served.document_id == Document.id) & (Served.index_id == index_id)
        )
    statement = statement.where(
        Document.workspace_id == plan.workspace_id, Document.deleted_at.is_(None), Document.id.in_(document_ids)
    )
    return {row.id: row.version_id for row in session.execute(statement) if plan.principal.may_read(row.access)}
