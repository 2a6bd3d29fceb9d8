"""One strategy's answer to one question on pinned versions: what it finds, and what it sends within each budget."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from app.context.assembly import Assembled
from app.context.contexts import Contexts
from app.context.envelope import NONCE_BYTES
from app.context.policy import ContextPolicy
from app.context.retrieve import CHARACTERS_PER_TOKEN_AT_MOST, Passage, load_passages, whole_passage
from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.economics.latency import StageSeconds
from app.evaluation.experiments.pins import Pins
from app.evaluation.finder import place_of
from app.evaluation.outcome import Outcome, RankedText, SentContext
from app.evaluation.span_metrics import TOKENIZER
from app.evaluation.version_span import VersionSpan
from indexes.access import Filter, Principal
from indexes.database.engine import Database
from indexes.database.tables import Document, Version
from indexes.search import Found, Hit, Stopwatch, search_index
from indexes.stores import Query
from indexes.view import IndexView

DEEPER = 4
"""Where the list does not reach as deep as metrics look, the search is made again for so many times the candidates."""
AMPLE_TOKENS = 1_000_000

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """On whose behalf, in which documents, and with which versions the strategies answer."""

    principal: Principal
    restriction: Filter | None
    pins: Pins


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one retrieval setup found for one question; the strategy itself would see the first `own` passages.

    `stages` are the seconds of its own search.
    """

    passages: Sequence[Passage]
    own: int
    is_exhausted: bool
    stages: StageSeconds

    @property
    def seconds(self) -> float:
        """Return how long the search took that the strategy itself would make."""
        return sum(self.stages.values())

    @property
    def packable(self) -> Sequence[Passage]:
        """Return the passages that packing may choose from."""
        return self.passages[: self.own]


@dataclass(frozen=True, slots=True)
class Depth:
    """How far metrics look down a ranked list, where there is so much."""

    documents: int = 0
    passages: int = 0


class Trial:
    """Answers questions for an experiment; nothing that it reads changes while it runs."""

    def __init__(self, database: Database, contexts: Contexts, scope: Scope) -> None:
        self._database = database
        self._contexts = contexts
        self._scope = scope
        self._fixed_tokens: dict[tuple[str, str], int] = {}

    def search(
        self, setup: SearchSetup, view: IndexView, question: str, vector: Vector | None, depth: Depth
    ) -> Answered:
        """Return what the setup finds, its own number of candidates deep.

        Where that does not reach `depth`, what deeper searches find beyond it is appended, until it does or the corpus
        ends.
        """
        found = self._found(setup, view, question, vector, setup.candidates)
        hits = found.hits
        own, candidates, reached = len(hits), setup.candidates, len(hits)
        while reached == candidates and not _reaches(hits, depth):
            candidates *= DEEPER
            deeper = self._found(setup, view, question, vector, candidates).hits
            reached = len(deeper)
            hits = _appended(hits, deeper)
        watch = Stopwatch()
        with watch.stage("database"), self._database.read() as session:
            passages = load_passages(session, setup.recipe.chunking, hits)
        stages = {**found.seconds, **watch.seconds}
        return Answered(passages=passages, own=own, is_exhausted=reached < candidates, stages=stages)

    def _found(
        self, setup: SearchSetup, view: IndexView, question: str, vector: Vector | None, candidates: int
    ) -> Found:
        return search_index(
            view,
            setup.stores,
            setup.fusion,
            Query(text=question, vector=vector),
            principal=self._scope.principal,
            restriction=self._scope.restriction,
            candidates=candidates,
        )

    def baseline(self, setup: BaselineSetup, limit_tokens: int) -> Answered:
        """Return what a reference line sends: nothing, or readable documents whole, oldest first, down to the limit."""
        passages: list[Passage] = []
        if setup.baseline == "whole_documents":
            passages = self._whole_documents(limit_tokens)
        return Answered(passages=passages, own=len(passages), is_exhausted=True, stages={})

    def _whole_documents(self, limit_tokens: int) -> list[Passage]:
        scope = self._scope
        passages: list[Passage] = []
        left_characters = limit_tokens * CHARACTERS_PER_TOKEN_AT_MOST
        with self._database.read() as session:
            statement = select(Document).where(Document.id.in_(list(scope.pins)))
            for document in session.scalars(statement.order_by(Document.created_at, Document.id)):
                restriction = scope.restriction
                if not scope.principal.may_read(document.access) or not (
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

    def outcome(
        self,
        policy: ContextPolicy,
        question: str,
        answered: Answered,
        *,
        budgets_tokens: Sequence[int],
        is_baseline: bool,
    ) -> Outcome:
        """Return the answer as metrics see it, with a context of the policy for each budget."""
        contexts: Mapping[int, SentContext] = {
            budget: self.sent_context(policy, question, answered.packable, budget) for budget in budgets_tokens
        }
        ranked = tuple(
            RankedText(
                document_id=passage.hit.document_id,
                place=place_of(passage),
                text=passage.text,
                score=passage.hit.score,
            )
            for passage in answered.passages
        )
        return Outcome(ranked=ranked, contexts=contexts, is_baseline=is_baseline, is_exhausted=answered.is_exhausted)

    def sent_context(
        self, policy: ContextPolicy, question: str, passages: Sequence[Passage], budget_tokens: int
    ) -> SentContext:
        """Return what the policy's packer and renderer send of the passages where they have `budget_tokens`.

        Instructions and question come on top, no answer reserve is taken off, and one tokenizer counts for all
        strategies (statistics, rule 1).
        """
        fixed_tokens = self._fixed(policy, question)
        measured = _measured(policy, fixed_tokens + budget_tokens)
        assembled = self._assemble(measured, question, passages)
        return SentContext(
            budget_tokens=budget_tokens, spans=sent_spans(assembled), tokens=assembled.tokens.total - fixed_tokens
        )

    def own_context(self, policy: ContextPolicy, question: str, passages: Sequence[Passage]) -> Assembled:
        """Return the context as the strategy itself would make it for a request."""
        return self._assemble(policy, question, passages)

    def _assemble(self, policy: ContextPolicy, question: str, passages: Sequence[Passage]) -> Assembled:
        """Assemble with a nonce that follows from the question: its tokens count, and runs must agree."""
        draws = count()

        def nonce() -> str:
            return hashlib.sha256(f"{next(draws)} {question}".encode()).hexdigest()[: 2 * NONCE_BYTES]

        return self._contexts.assemble(policy, question, passages, nonce)

    def _fixed(self, policy: ContextPolicy, question: str) -> int:
        key = (policy.model_dump_json(), question)
        if key not in self._fixed_tokens:
            empty = self._assemble(_measured(policy, AMPLE_TOKENS), question, [])
            self._fixed_tokens[key] = empty.tokens.total
        return self._fixed_tokens[key]


def sent_spans(assembled: Assembled) -> tuple[VersionSpan, ...]:
    """Return what stands in the context, in the order in which the model reads it."""
    return tuple(VersionSpan(source.version_id, source.span) for source in assembled.sources)


def _measured(policy: ContextPolicy, budget_tokens: int) -> ContextPolicy:
    return policy.model_copy(update={"budget_tokens": budget_tokens, "answer_reserve_tokens": 0, "model": TOKENIZER})


def _reaches(hits: Sequence[Hit], depth: Depth) -> bool:
    return len(hits) >= depth.passages and len({hit.document_id for hit in hits}) >= depth.documents


def _appended(hits: list[Hit], deeper: list[Hit]) -> list[Hit]:
    """Return the hits, and behind them what the deeper list has beyond them, ranks running on."""
    known = {(hit.version_id, hit.ordinal) for hit in hits}
    beyond = [hit for hit in deeper if (hit.version_id, hit.ordinal) not in known]
    return [*hits, *(replace(hit, rank=rank) for rank, hit in enumerate(beyond, start=len(hits) + 1))]
