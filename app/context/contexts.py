"""From a question to a saved context, and back from its receipt to the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.exc import NoResultFound

from app.context.aliases.serving import AnsweredAs
from app.context.assembled import Assembled
from app.context.assembly import assemble
from app.context.embedding_record import EmbeddingRecord
from app.context.envelope import Origin, attributes, new_nonce
from app.context.found_passages import Passage
from app.context.frame_tokens import bare_frames
from app.context.locations import page_at, page_starts
from app.context.passages import Candidate
from app.context.personal.asker import Asker, RankedMemory, nobody
from app.context.personal.askers import Askers
from app.context.personal.gathering import gathered
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from app.context.personal.prompt_cache import prompt_prefix
from app.context.personal.remembered import Remembered
from app.context.personal.replayed_sections import replayed_sections
from app.context.policy import ContextPolicy
from app.context.receipt import Receipt, receipt_of, replay
from app.context.renderers import Rendered
from app.context.retrieve import Request, Retrieved, Retriever, Vector
from app.context.saved_contexts import ContextRow, GoneError, check_reader, check_sources, last_context, load_context
from app.context.search.record import SearchRecord
from app.context.section_texts import one_line
from app.context.strategy import BaselineSetup, SearchSetup
from app.context.tokens import known_tokens
from app.context.users.known import Feedback
from app.context.users.registration import find_user
from configs.errors import ConflictError
from configs.part import JsonObject
from configs.span import Span
from indexes.access import Principal
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database, new_id, now
from indexes.database.tables import Version
from indexes.search import Hit, Stopwatch
from ingest.document import ParsedDocument
from ingest.metering import metered
from ingest.text_measures import measures_of

STRUCTURES_KEPT = 4_096
CHARACTERS_KEPT = 32_000_000
"""So much of what users were sent is kept in memory, to see what the next context shares with the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outline:
    """Title, headings and pages of a version."""

    title: str
    document: ParsedDocument
    pages: Sequence[tuple[int, str]]


class Contexts:
    """Makes contexts, saves their receipts, and rebuilds them."""

    def __init__(self, database: Database, retriever: Retriever, askers: Askers | None = None) -> None:
        self._database = database
        self._retriever = retriever
        self.askers = askers or Askers(database)
        self._sent: Remembered[str, tuple[str, ...]] = Remembered(CHARACTERS_KEPT, lambda sent: sum(map(len, sent)))
        self._outline = lru_cache(maxsize=STRUCTURES_KEPT)(self._read_outline)

    def make(
        self,
        setup: SearchSetup | BaselineSetup,
        policy: ContextPolicy,
        request: Request,
        asker: Asker | None = None,
        nonce: Callable[[], str] = new_nonce,
    ) -> tuple[Assembled, Retrieved]:
        """Retrieve for the request's question and pack what was found, and what is known of the asker, into the budget.

        The asker's rights count only as far as the request's principal has them. A `nonce` that can be foretold is for
        measuring only.
        """
        asker = asker or nobody(request.workspace_id)
        watch = Stopwatch()
        with metered() as meter:
            retrieved = self._retriever.retrieve(setup, self.moved(request, policy, asker))
            with watch.stage("personal"):
                personal = self.personal_material(
                    setup, policy, request.question, asker, retrieved.passages, retrieved.vector
                )
        retrieved = replace(retrieved, embedding=EmbeddingRecord.of(meter))
        with watch.stage("assembly"):
            assembled = self.assemble(policy, request.question, retrieved.passages, nonce, personal, retrieved.capped)
        retrieved.seconds["assembly"] = watch.seconds["assembly"]
        retrieved.seconds["personal"] = retrieved.seconds.get("personal", 0.0) + watch.seconds["personal"]
        return assembled, retrieved

    def moved(self, request: Request, policy: ContextPolicy, asker: Asker | None) -> Request:
        """Return the request with its vector moved towards what the asker liked, where the policy has it so."""
        query = policy.personalisation.query
        if asker is None or asker.known.is_anonymous or query.blend == 0:
            return request
        move = self.askers.personal_query
        return replace(request, move=lambda recipe, vector: move(asker, recipe, vector, query))

    def personal_material(
        self,
        setup: SearchSetup | BaselineSetup,
        policy: ContextPolicy,
        question: str,
        asker: Asker,
        passages: Sequence[Passage],
        vector: Vector | None,
    ) -> PersonalMaterial:
        """Return what of the workspace and the asker may enter the context; `vector` is the question's."""
        personal = policy.personalisation
        memories: tuple[RankedMemory, ...] = ()
        others: tuple[Feedback, ...] = ()
        if not asker.known.is_anonymous:
            embedder = setup.embedder if isinstance(setup, SearchSetup) else None
            if personal.memories and personal.most_memories:
                memories = self.askers.ranked_memories(
                    asker, question, embedder, vector, personal.memory_weights, personal.most_memories
                )
            if personal.feedback and personal.boosts.workspace_evidence != "none":
                documents = {one.hit.document_id for one in passages}
                if personal.boosts.workspace_evidence == "with_own":
                    documents.intersection_update(one.document_id for one in asker.known.feedback)
                if documents:
                    others = self.askers.others_feedback(asker, documents)
        return gathered(personal, asker, passages, memories, others)

    def assemble(
        self,
        policy: ContextPolicy,
        question: str,
        passages: Sequence[Passage],
        nonce: Callable[[], str] = new_nonce,
        personal: PersonalMaterial = NOTHING_PERSONAL,
        capped: Sequence[Hit] = (),
    ) -> Assembled:
        """Pack what was found into the policy's budget; a `nonce` that can be foretold is for measuring only.

        `capped` are hits that the search dropped, ranked behind the passages.
        """
        unmeasured = iter(measures_of([passage.text for passage in passages if passage.measure is None]))
        candidates = [
            Candidate(
                hit=passage.hit,
                text=passage.text,
                measure=passage.measure or next(unmeasured),
                origin=passage.origin,
                lead=passage.lead,
            )
            for passage in passages
        ]
        return assemble(
            policy, question, candidates, text_of=self.text_of, nonce=nonce, personal=personal, capped=capped
        )

    def save(
        self,
        assembled: Assembled,
        retrieved: Retrieved,
        strategy: str,
        request: Request,
        context_id: str = "",
        asker: Asker | None = None,
        answered_as: AnsweredAs | None = None,
    ) -> ContextRow:
        """Keep the receipt with what was asked, `strategy` being what answers call it; return the row.

        Memories that were sent count as used from now on, unless the asker is one of the past. Raises UnknownUserError
        for a user who was deleted meanwhile: an erasure would not find what comes after it.
        """
        asker = asker or nobody(request.workspace_id)
        user_id = None if asker.known.is_anonymous else asker.known.user_id
        prefix = prompt_prefix(assembled, self._previous(request.workspace_id, user_id))
        row = ContextRow(
            id=context_id or new_id("context"),
            workspace_id=request.workspace_id,
            user_id=user_id,
            alias=answered_as.alias if answered_as is not None and answered_as.is_findable else None,
            request={
                **_asked(retrieved, strategy, request, asker),
                "prompt_prefix": prefix.model_dump(mode="json"),
                "served_by": answered_as and {"alias": answered_as.alias, "role": answered_as.role},
            },
            receipt=receipt_of(assembled, _search_record(retrieved), retrieved.embedding).model_dump(mode="json"),
            created_at=now(),
        )
        with self._database.write() as session:
            if user_id is not None:
                find_user(session, request.workspace_id, user_id, keep=True)
            session.add(row)
        if user_id is not None:
            self._sent.put(row.id, assembled.rendered.contents)
            self._mark_used(asker, assembled)
        return row

    def _mark_used(self, asker: Asker, assembled: Assembled) -> None:
        if not asker.is_past:
            items = assembled.sections.items
            self.askers.mark_used(
                asker, [one.id for one in items if one.section == "memories" and one.reason == "sent"]
            )

    def _previous(self, workspace_id: str, user_id: str | None) -> tuple[str, ...] | None:
        """Return the contents of the user's last context, None where there is none that can be rebuilt."""
        if user_id is None:
            return None
        with self._database.read() as session:
            row = last_context(session, workspace_id, user_id)
            if row is None:
                return None
            if (sent := self._sent.get(row.id)) is not None:
                return sent
            receipt = Receipt.model_validate(row.receipt)
            try:
                sections = replayed_sections(session, row.id, receipt)
            except GoneError:
                return None
        try:
            return replay(receipt, text_of=self.text_of, origin_of=self.origin_of, sections=sections).contents
        except (ConflictError, NoResultFound):
            return None

    def replay(self, workspace_id: str, context_id: str, principal: Principal) -> tuple[ContextRow, Receipt, Rendered]:
        """Return a saved context as it was sent, if the caller may still read every document in it.

        One that was made for a user is there for that user alone.
        """
        with self._database.read() as session:
            load_workspace(session, workspace_id)
            row = load_context(session, workspace_id, context_id)
            receipt = Receipt.model_validate(row.receipt)
            documents = {candidate.document_id for candidate in receipt.candidates}
            check_reader(row, principal)
            check_sources(session, context_id, documents, principal)
            sections = replayed_sections(session, context_id, receipt)
        rendered = replay(receipt, text_of=self.text_of, origin_of=self.origin_of, sections=sections)
        return row, receipt, rendered

    def text_of(self, version_id: str, span: Span) -> str:
        """Return the text of a span of a version."""
        text = func.substr(Version.text, span.start + 1, len(span))
        with self._database.read() as session:
            return str(session.scalars(select(text).where(Version.id == version_id)).one())

    def origin_of(self, version_id: str, position: int) -> Origin:
        """Return title, heading path and page at a position of a version; none of it ever changes."""
        outline = self._outline(version_id)
        page = page_at(outline.pages, position)
        return Origin(title=outline.title, heading_path=outline.document.heading_path(position), page=page)

    def forget(self) -> None:
        """Let go of every text that is remembered: titles, headings, facts, memories."""
        for cache in (self._outline, attributes, bare_frames, known_tokens, one_line):
            cache.cache_clear()
        self._sent.clear()
        self.askers.forget()

    def _read_outline(self, version_id: str) -> _Outline:
        with self._database.read() as session:
            columns = select(Version.title, Version.file_name, Version.structure).where(Version.id == version_id)
            title, file_name, structure = session.execute(columns).one()
        document = ParsedDocument.from_structure("", title, structure or [])
        return _Outline(title=title or file_name, document=document, pages=page_starts(structure or []))


def _search_record(retrieved: Retrieved) -> SearchRecord | None:
    return None if retrieved.answer is None else retrieved.answer.record


def _asked(retrieved: Retrieved, strategy: str, request: Request, asker: Asker) -> JsonObject:
    restriction, moved = request.restriction, retrieved.personal_query
    return {
        "strategy": strategy,
        "setup": retrieved.setup.model_dump(mode="json"),
        "principals": sorted(request.principal.names),
        "filter": restriction.model_dump(mode="json", by_alias=True) if restriction is not None else None,
        "index_id": retrieved.index_id,
        "missing_documents": retrieved.missing_documents,
        "as_of": asker.moment.isoformat(),
        "preferences": None if asker.requested is None else asker.requested.model_dump(mode="json", exclude_unset=True),
        "query_personalisation": None
        if moved is None
        else {"outcome": moved.outcome, "blend": moved.blend, "closest_cosine": moved.closest_cosine},
    }
