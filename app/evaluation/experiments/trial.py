"""What a strategy finds for one question on pinned versions, and what of the asker goes with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from app.context.contexts import Contexts
from app.context.expanding import expanded
from app.context.found_passages import Passage, load_passages, whole_passage
from app.context.personal.material import PersonalMaterial
from app.context.policy import ContextPolicy
from app.context.retrieve import CHARACTERS_PER_TOKEN_AT_MOST
from app.context.search.answer import Answer, Search, answer
from app.context.search.contents import StoredContents
from app.context.strategy import BaselineSetup, SearchSetup
from app.context.users.feedback_boosts import BoostParts
from app.evaluation.experiments.answered import Answered, Depth, Vector
from app.evaluation.experiments.asking import Ask
from app.evaluation.experiments.pins import Pins
from configs.span import Span
from indexes.access import Filter, Principal
from indexes.database.engine import Database
from indexes.database.tables import Document, Version
from indexes.search import Hit, Stopwatch
from indexes.stores import Query
from indexes.view import IndexView

DEEPER = 4
"""Where the list does not reach as deep as metrics look, the search is made again for so many times the candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """In which documents, and with which versions the strategies answer; ages of documents count from `moment`."""

    restriction: Filter | None
    pins: Pins
    moment: datetime


class Trial:
    """Finds answers for an experiment; nothing that it reads changes while it runs."""

    def __init__(self, database: Database, contexts: Contexts, scope: Scope) -> None:
        self._database = database
        self._contexts = contexts
        self._scope = scope

    def search(self, setup: SearchSetup, view: IndexView, ask: Ask, vector: Vector | None, depth: Depth) -> Answered:
        """Return what the setup finds with the asker's rights, its own number of candidates deep.

        Where that does not reach `depth`, what deeper searches find beyond it is appended, until it does or the corpus
        ends.
        """
        query = Query(text=ask.text, vector=vector)
        found = self._found(setup, view, query, ask.rights, setup.candidates)
        watch = Stopwatch()
        hits = self._expanded(setup, found.hits, watch)
        own, candidates, reached, capped = len(hits), setup.candidates, found.reached, found.capped
        beyond: list[Hit] = []
        while reached == candidates and not _reaches(hits, depth):
            candidates *= DEEPER
            deeper = self._found(setup, view, query, ask.rights, candidates)
            reached, capped = deeper.reached, deeper.capped
            beyond += _beyond([*found.hits, *beyond], deeper.hits)
            hits = _appended(hits[:own], self._expanded(setup, beyond, watch))
        with watch.stage("database"), self._database.read() as session:
            passages = load_passages(session, setup.recipe, hits)
        stages = {**found.seconds, **watch.seconds}
        return Answered(
            passages=passages, own=own, is_exhausted=reached < candidates, stages=stages, vector=vector, capped=capped
        )

    def _expanded(self, setup: SearchSetup, hits: Sequence[Hit], watch: Stopwatch) -> list[Hit]:
        if setup.expansion is None:
            return list(hits)
        with watch.stage("database"), self._database.read() as session:
            return expanded(session, setup, hits)

    def _found(self, setup: SearchSetup, view: IndexView, query: Query, rights: Principal, candidates: int) -> Answer:
        search = Search(
            view=view, setup=setup.model_copy(update={"candidates": candidates}), principal=rights,
            restriction=self._scope.restriction, moment=self._scope.moment,
            contents=StoredContents(self._database, setup.recipe),
        )  # fmt: skip
        return answer(search, query)

    def moved(
        self, setup: SearchSetup, view: IndexView, policy: ContextPolicy, ask: Ask, answered: Answered, depth: Depth
    ) -> Answered:
        """Return what the setup finds where the policy moves the question towards what the asker liked before.

        `answered` is what it finds for the question as it is, and the answer where the question stays.
        """
        vector = self.moved_vector(setup, policy, ask, answered.vector)
        if vector is answered.vector:
            return answered
        return replace(self.search(setup, view, ask, vector, depth), vector=answered.vector)

    def moved_vector(self, setup: SearchSetup, policy: ContextPolicy, ask: Ask, vector: Vector | None) -> Vector | None:
        """Return the question's vector where the policy moves it to; the same object where it stays."""
        settings = policy.personalisation.query
        if not settings.blend or vector is None or ask.asker.known.is_anonymous:
            return vector
        return self._contexts.askers.personal_query(ask.asker, setup.recipe, vector, settings).vector

    def material(
        self, setup: SearchSetup | BaselineSetup, policy: ContextPolicy, ask: Ask, answered: Answered
    ) -> PersonalMaterial:
        """Return what of the workspace and the asker goes with what was found.

        Nobody's feedback on documents that hold the answer moves them (statistics, rule 24); preferences do.
        """
        material = self._contexts.personal_material(
            setup, policy, ask.text, ask.asker, answered.passages, answered.vector
        )
        told = {one: parts for one, parts in material.boosts.items() if one in ask.gold_documents}
        limit = policy.personalisation.boosts.limit
        untold = {one: _without_feedback(parts, limit) for one, parts in told.items()}
        return replace(material, boosts={**material.boosts, **untold}) if untold else material

    def baseline(self, setup: BaselineSetup, rights: Principal, limit_tokens: int) -> Answered:
        """Return what a reference line sends: nothing, or readable documents whole, oldest first, down to the limit."""
        passages: list[Passage] = []
        if setup.baseline == "whole_documents":
            passages = self._whole_documents(rights, limit_tokens)
        return Answered(passages=passages, own=len(passages), is_exhausted=True, stages={})

    def _whole_documents(self, rights: Principal, limit_tokens: int) -> list[Passage]:
        scope = self._scope
        passages: list[Passage] = []
        left_characters = limit_tokens * CHARACTERS_PER_TOKEN_AT_MOST
        with self._database.read() as session:
            statement = select(Document).where(Document.id.in_(list(scope.pins)))
            for document in session.scalars(statement.order_by(Document.created_at, Document.id)):
                restriction = scope.restriction
                if not rights.may_read(document.access) or not (
                    restriction is None or restriction.holds(document.tags, document.attributes)
                ):
                    continue
                version = session.get_one(Version, scope.pins[document.id])
                text = session.scalars(select(Version.text).where(Version.id == version.id)).one() or ""
                passages.append(whole_passage(len(passages) + 1, document, version, text))
                left_characters -= len(text)
                if left_characters <= 0:
                    break
        return passages


def _reaches(hits: Sequence[Hit], depth: Depth) -> bool:
    return len(hits) >= depth.passages and len({hit.document_id for hit in hits}) >= depth.documents


def _beyond(hits: list[Hit], deeper: list[Hit]) -> list[Hit]:
    """Return what the deeper list has beyond the hits."""
    known = {(hit.version_id, hit.ordinal) for hit in hits}
    return [hit for hit in deeper if (hit.version_id, hit.ordinal) not in known]


def _appended(hits: list[Hit], beyond: list[Hit]) -> list[Hit]:
    """Return the hits, and behind them those beyond which they do not hold, ranks running on."""
    held: defaultdict[str, list[Span]] = defaultdict(list)
    for hit in hits:
        if hit.stands_for:
            held[hit.version_id].append(hit.span)
    new = [hit for hit in beyond if not any(span.overlap(hit.span) == len(hit.span) for span in held[hit.version_id])]
    return [*hits, *(replace(hit, rank=rank) for rank, hit in enumerate(new, start=len(hits) + 1))]


def _without_feedback(parts: BoostParts, limit: float) -> BoostParts:
    total = min(parts.preferred_source + parts.preferred_tag, limit)
    return replace(parts, own_feedback=0.0, workspace_feedback=0.0, total=total)
