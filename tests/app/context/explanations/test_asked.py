"""Saved contexts opened for explaining: by whom, from which setup, and assembled anew byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from app.context.contexts import Contexts
from app.context.explanations.asked import Asked, Rerun, Setup, beginning_with, load_asked, request_for
from app.context.found_passages import load_passages
from app.context.policy import ContextPolicy
from app.context.retrieve import Request, Retrieved, Retriever
from app.context.saved_contexts import ContextRow, GoneError
from app.context.saved_strategies import save_strategy
from app.context.strategy import BaselineSetup, Strategy
from app.context.users.facts import NewFact, record_fact
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import Preferences
from app.context.users.registration import UnknownUserError, hide_user, put_user
from configs.errors import ConflictError, NotFoundError
from indexes.access import Principal
from indexes.database.tables import ChunkRow
from indexes.view import Views
from tests.app.evaluation.world import NO_CONTEXT, WHOLE_DOCUMENTS, WORKSPACE, World, lexical

ANN, NOBODY = Principal.of(["user:ann", "everyone"]), Principal.of([])
SETUP, POLICY = lexical(candidates=20), ContextPolicy()
BEFORE = datetime.now(UTC) - timedelta(days=1)
TEXTS = {"oak": "The oak carries acorns.", "birch": "The birch has white bark.", "yew": "The yew bark is poison."}


class CountingRetriever(Retriever):
    """Counts its searches."""

    searches = 0

    def retrieve(self, setup: Setup, request: Request) -> Retrieved:
        self.searches += 1
        return super().retrieve(setup, request)


class Shelf:
    """A world with contexts saved in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.add_all(TEXTS)
        world.build(SETUP, maintained=True)
        self.retriever = CountingRetriever(world.database, Views(world.folder))
        self.contexts = Contexts(world.database, self.retriever)
        with world.database.write() as session:
            put_user(
                session, WORKSPACE, "ann", groups=(), preferences=Preferences(language="English"), opted_out=False,
                at=BEFORE,
            )  # fmt: skip

    def save(
        self, setup: Setup = SETUP, strategy: str = "", user_id: str | None = None, as_of: datetime | None = None,
        preferences: Preferences | None = None, **request: Any,
    ) -> str:  # fmt: skip
        """Assemble and save a context of the question about bark; return its id."""
        principal = ANN if user_id else NOBODY
        asked = Request(workspace_id=WORKSPACE, question="What has white bark?", principal=principal, **request)
        asked = request_for(asked, setup, POLICY)
        asker = self.contexts.askers.of(WORKSPACE, user_id, as_of=as_of, preferences=preferences)
        assembled, retrieved = self.contexts.make(setup, POLICY, asked, asker)
        row = self.contexts.save(assembled, retrieved, strategy=strategy, request=asked, asker=asker)
        return row.id

    def load(self, context_id: str, caller: Principal = NOBODY, workspace_id: str = WORKSPACE) -> Asked:
        """Return the context for a caller."""
        with self.world.database.read() as session:
            return load_asked(session, workspace_id, context_id, caller)

    def change(self, context_id: str, **request: Any) -> None:
        """Replace parts of what is kept of the request."""
        with self.world.database.write() as session:
            row = session.get_one(ContextRow, context_id)
            row.request = {**row.request, **request}

    def rerun(self, asked: Asked) -> Rerun:
        """Return the rerun of a context."""
        return Rerun(self.contexts, self.retriever, asked)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    world = World(tmp_path)
    yield Shelf(world)
    world.close()


@pytest.mark.parametrize("setup", [SETUP, WHOLE_DOCUMENTS, NO_CONTEXT])
def test_a_context_is_assembled_anew_byte_for_byte(shelf: Shelf, setup: Setup) -> None:
    asked = shelf.load(shelf.save(setup))
    assert asked.setup == setup
    assert asked.policy == POLICY
    rerun = shelf.rerun(asked)
    assembled = rerun.assembled(setup, POLICY)
    assert assembled.nonce == asked.receipt.nonce
    assert not rerun.differs_from_receipt(assembled)
    assert [(one.version_id, one.span.start, one.span.end) for one in assembled.sources] == [
        (one.version_id, one.start, one.end) for one in asked.receipt.sources
    ]
    assert asked.versions == {one.document_id: one.version_id for one in asked.receipt.candidates}
    assert bool(asked.versions) == (setup != NO_CONTEXT)


def test_a_rerun_tells_that_a_document_changed(shelf: Shelf) -> None:
    asked = shelf.load(shelf.save())
    shelf.world.add("birch", "The birch has white bark and many thin branches.")
    rerun = shelf.rerun(asked)
    assert rerun.differs_from_receipt(rerun.assembled(SETUP, POLICY))


def test_what_was_found_is_kept_for_changes_of_the_policy_alone(shelf: Shelf) -> None:
    rerun = shelf.rerun(shelf.load(shelf.save()))
    shelf.retriever.searches = 0
    for budget in (3_000, 4_000, 5_000):
        rerun.assembled(SETUP, ContextPolicy(budget_tokens=budget))
    assert shelf.retriever.searches == 1
    rerun.assembled(SETUP.model_copy(update={"candidates": 2}), POLICY)
    assert shelf.retriever.searches == 2


def test_whole_documents_are_read_again_for_another_budget(shelf: Shelf) -> None:
    rerun = shelf.rerun(shelf.load(shelf.save(WHOLE_DOCUMENTS)))
    shelf.retriever.searches = 0
    for budget in (3_000, 3_000, 4_000):
        rerun.assembled(WHOLE_DOCUMENTS, ContextPolicy(budget_tokens=budget))
    assert shelf.retriever.searches == 2


def test_a_users_context_is_opened_for_that_user_alone(shelf: Shelf) -> None:
    context_id = shelf.save(user_id="ann")
    assert shelf.load(context_id, ANN).user_id == "ann"
    for caller in (NOBODY, Principal.of(["user:anna", "everyone"]), Principal.of(["ann", "everyone"])):
        with pytest.raises(NotFoundError):
            shelf.load(context_id, caller)


def test_a_user_is_taken_as_known_when_the_context_was_made(shelf: Shelf) -> None:
    asked = shelf.load(shelf.save(user_id="ann"), ANN)
    with shelf.world.database.write() as session:
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin", source="test"))
        banned = Preferences(banned_sources=("birch",))
        put_user(session, WORKSPACE, "ann", groups=(), preferences=banned, opted_out=False)
    rerun = shelf.rerun(asked)
    assembled = rerun.assembled(SETUP, POLICY)
    assert not rerun.differs_from_receipt(assembled)
    assert assembled.tokens.profile > 0
    assert "Berlin" not in "".join(assembled.rendered.contents)
    fresh = shelf.rerun(shelf.load(shelf.save(user_id="ann"), ANN)).assembled(SETUP, POLICY)
    assert "Berlin" in "".join(fresh.rendered.contents)


def test_a_rerun_is_of_the_moment_and_the_wishes_that_were_asked_for(shelf: Shelf) -> None:
    with shelf.world.database.write() as session:
        liked = NewFeedback(signal="thumb_up", document_id="birch")
        record_feedback(session, WORKSPACE, "ann", liked, at=BEFORE)
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin", source="test"))
    wishes = Preferences(banned_sources=("yew",), verbosity="brief")
    for user_id in ("ann", None):
        caller = ANN if user_id else NOBODY
        for as_of in (None, BEFORE + timedelta(minutes=1)):
            asked = shelf.load(shelf.save(user_id=user_id, as_of=as_of, preferences=wishes), caller)
            assembled = shelf.rerun(asked).assembled(SETUP, POLICY)
            assert not shelf.rerun(asked).differs_from_receipt(assembled)
            assert "banned_source" in {decision.reason for decision in assembled.decisions}
            assert ("Berlin" in "".join(assembled.rendered.contents)) == (user_id is not None and as_of is None)


def test_a_context_for_who_was_deleted_meanwhile_is_not_kept(shelf: Shelf) -> None:
    asker = shelf.contexts.askers.of(WORKSPACE, "ann")
    request = Request(workspace_id=WORKSPACE, question="What has white bark?", principal=ANN)
    assembled, retrieved = shelf.contexts.make(SETUP, POLICY, request, asker)
    with shelf.world.database.write() as session:
        hide_user(session, WORKSPACE, "ann")
    with pytest.raises(UnknownUserError):
        shelf.contexts.save(assembled, retrieved, strategy="", request=request, asker=asker)
    with shelf.world.database.read() as session:
        assert session.query(ContextRow).count() == 0


def test_what_is_erased_between_search_and_reading_is_left_out(shelf: Shelf) -> None:
    whole = shelf.retriever.retrieve(SETUP, Request(workspace_id=WORKSPACE, question="bark", principal=NOBODY))
    hits = [passage.hit for passage in whole.passages]
    with shelf.world.database.write() as session:
        session.execute(delete(ChunkRow).where(ChunkRow.version_id == hits[0].version_id))
    with shelf.world.database.read() as session:
        left = load_passages(session, SETUP.recipe, hits)
    assert [passage.hit for passage in left] == hits[1:]


def test_who_lacks_a_right_of_the_asker_that_matters_is_told_nothing(shelf: Shelf) -> None:
    context_id = shelf.save()
    shelf.change(context_id, principals=["group:staff"])
    assert shelf.load(context_id).request.principal.names == {"group:staff"}  # no document makes a difference yet
    shelf.world.add("secret", "Nobody but staff reads of this.", access=["group:staff"])
    with pytest.raises(NotFoundError):
        shelf.load(context_id)
    assert shelf.load(context_id, Principal.of(["group:staff"])).id == context_id


def test_a_row_without_a_setup_is_opened_by_its_strategy(shelf: Shelf) -> None:
    with shelf.world.database.write() as session:
        save_strategy(session, WORKSPACE, "my version", Strategy(retrieval=SETUP))
        save_strategy(session, WORKSPACE, "my version", Strategy(retrieval=NO_CONTEXT))
    context_id = shelf.save()
    shelf.change(context_id, setup=None, strategy="my version version 1")
    assert shelf.load(context_id).setup == SETUP.resolved()
    shelf.change(context_id, strategy="my version version 2")
    assert shelf.load(context_id).setup == BaselineSetup(baseline="no_context")


def test_a_row_with_neither_setup_nor_strategy_says_so(shelf: Shelf) -> None:
    context_id = shelf.save()
    shelf.change(context_id, setup=None, strategy="inline")
    with pytest.raises(ConflictError) as refused:
        shelf.load(context_id)
    assert refused.value.code == "setup_not_kept"


def test_what_rests_on_a_deleted_document_is_gone(shelf: Shelf) -> None:
    context_id = shelf.save()
    shelf.world.delete("birch")
    with pytest.raises(GoneError) as refused:
        shelf.load(context_id)
    assert refused.value.code == "document_deleted"


def test_what_is_not_there_is_not_found(shelf: Shelf) -> None:
    context_id = shelf.save()
    for workspace_id, name in ((WORKSPACE, "nosuch"), ("elsewhere", context_id)):
        with pytest.raises(NotFoundError):
            shelf.load(name, workspace_id=workspace_id)


def test_nonces_begin_with_the_given_one_and_never_repeat() -> None:
    draw = beginning_with("0123abcd")
    drawn = [draw() for _ in range(20)]
    assert drawn[0] == "0123abcd"
    assert len(set(drawn)) == 20
    assert {len(nonce) for nonce in drawn} == {8}
