"""What stood in a context comes back from the rows it names, as long as nobody took it out of every context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.context.contexts import Contexts
from app.context.personal.replayed_sections import replayed_sections
from app.context.receipt import Receipt
from app.context.saved_contexts import ContextRow, GoneError
from app.context.section_texts import SectionTexts, SpokenTurn
from app.context.users.conversation import add_turn, hide_turns
from app.context.users.facts import NewFact, hide_facts, record_fact
from app.context.users.known import Preferences
from app.context.users.memories import NewMemory, hide_memory, remember
from app.context.users.personalisation import Personalisation, save_personalisation
from app.context.users.registration import change_user, find_user
from app.context.users.tables import FactRow, MemoryRow, TurnRow
from configs.errors import NotFoundError
from indexes.access import Principal
from indexes.database.engine import Database
from tests.app.context.library import prose
from tests.app.context.personal.replaying import ANN, add_ann, make, new_contexts
from tests.app.context.users.people import WORKSPACE, hour

Change = Callable[[Session, dict[str, str]], object]


@pytest.fixture
def ids(database: Database) -> dict[str, str]:
    return add_ann(database)


@pytest.fixture
def contexts(database: Database, ids: dict[str, str], tmp_path: Path) -> Contexts:
    assert ids
    return new_contexts(database, tmp_path)


def sections_of(database: Database, row: ContextRow) -> SectionTexts:
    with database.read() as session:
        return replayed_sections(session, row.id, Receipt.model_validate(row.receipt))


REPLACEMENTS: dict[str, Change] = {
    "fact": lambda session, _: record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Rome")),
    "memory": lambda session, ids: remember(
        session, WORKSPACE, "ann", NewMemory(text="likes coffee", supersedes=ids["memory"])
    ),
    "turns": lambda session, _: add_turn(session, WORKSPACE, "ann", "user", "Something else"),
    "preferences": lambda session, _: change_user(
        session, find_user(session, WORKSPACE, "ann"), preferences=Preferences(language="French")
    ),
    "workspace": lambda session, _: save_personalisation(
        session, WORKSPACE, Personalisation(workspace_instructions="Be stern.", notes="New.")
    ),
}
REMOVALS: dict[str, Change] = {
    "fact": lambda session, _: hide_facts(session, WORKSPACE, "ann", "city"),
    "memory": lambda session, ids: hide_memory(session, WORKSPACE, "ann", ids["memory"]),
    "turns": lambda session, _: hide_turns(session, WORKSPACE, "ann"),
    "row of the fact": lambda session, ids: session.delete(session.get(FactRow, ids["fact"])),
    "row of the memory": lambda session, ids: session.delete(session.get(MemoryRow, ids["memory"])),
    "row of a turn": lambda session, ids: session.delete(session.get(TurnRow, ids["asked"])),
}


def test_sections_are_read_again_as_they_were_sent(database: Database, contexts: Contexts) -> None:
    row, assembled = make(contexts)
    assert sections_of(database, row) == assembled.sections.texts == SectionTexts(
        profile=("language of answers: German", "city: Berlin"),
        history=(SpokenTurn(role="user", text="Good morning"), SpokenTurn(role="assistant", text="Welcome back")),
        memories=("likes tea",),
    )  # fmt: skip


@contextmanager
def changed(database: Database, change: Change, ids: dict[str, str]) -> Iterator[Session]:
    """Yield a session in which the change is made, and take it back."""
    with database.write() as session:
        change(session, ids)
        session.flush()
        yield session
        session.rollback()


def test_what_was_replaced_since_comes_back_as_it_was(
    database: Database, contexts: Contexts, ids: dict[str, str]
) -> None:
    row, assembled = make(contexts)
    receipt = Receipt.model_validate(row.receipt)
    for change in REPLACEMENTS.values():
        with changed(database, change, ids) as session:
            assert replayed_sections(session, row.id, receipt) == assembled.sections.texts


@pytest.mark.parametrize("kind", ["text", "openai_messages"])
def test_after_every_replacement_the_bytes_are_still_the_same(
    database: Database, contexts: Contexts, ids: dict[str, str], kind: str
) -> None:
    row, assembled = make(contexts, kind=kind)
    for change in REPLACEMENTS.values():
        before = make(contexts, kind=kind)[1].rendered
        with database.write() as session:
            change(session, ids)
        assert make(contexts, kind=kind)[1].rendered != before
    _, receipt, rendered = contexts.replay(WORKSPACE, row.id, ANN)
    assert rendered == assembled.rendered
    assert receipt.context_sha256 == rendered.sha256


def test_what_was_taken_out_since_is_gone(database: Database, contexts: Contexts, ids: dict[str, str]) -> None:
    row, assembled = make(contexts)
    receipt = Receipt.model_validate(row.receipt)
    for change in REMOVALS.values():
        with changed(database, change, ids) as session, pytest.raises(GoneError) as caught:
            replayed_sections(session, row.id, receipt)
        assert (caught.value.status, caught.value.code) == (410, "content_deleted")
        assert row.id in caught.value.detail
    assert contexts.replay(WORKSPACE, row.id, ANN)[2] == assembled.rendered
    with database.write() as session:
        REMOVALS["fact"](session, ids)
    with pytest.raises(GoneError, match=row.id):
        contexts.replay(WORKSPACE, row.id, ANN)


def test_what_was_not_sent_may_be_taken_out(database: Database, contexts: Contexts, ids: dict[str, str]) -> None:
    for switch, what in (("profile", "fact"), ("memories", "memory"), ("history", "turns")):
        row, assembled = make(contexts, personalisation={switch: False})
        with changed(database, REMOVALS[what], ids) as session:
            sections = replayed_sections(session, row.id, Receipt.model_validate(row.receipt))
        assert sections == assembled.sections.texts


def test_what_did_not_fit_may_be_taken_out(database: Database, contexts: Contexts, ids: dict[str, str]) -> None:
    row, assembled = make(contexts, sections={"memories": {"maximum_tokens": 3}})
    assert [one.reason for one in assembled.sections.items if one.id == ids["memory"]] == ["budget"]
    with database.write() as session:
        REMOVALS["memory"](session, ids)
    assert contexts.replay(WORKSPACE, row.id, ANN)[2] == assembled.rendered


def test_a_look_back_comes_back_as_of_then(database: Database, contexts: Contexts) -> None:
    with database.write() as session:
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Rome"), at=hour(5))
        add_turn(session, WORKSPACE, "ann", "user", "Later on", at=hour(5))
    row, assembled = make(contexts, as_of=hour(3))
    assert "city: Berlin" in assembled.sections.texts.profile
    assert len(assembled.sections.texts.history) == 2
    assert contexts.replay(WORKSPACE, row.id, ANN)[2] == assembled.rendered
    early, first = make(contexts, as_of=hour(1.5))
    assert first.sections.texts.history == ()
    assert contexts.replay(WORKSPACE, early.id, ANN)[2] == first.rendered


@pytest.mark.parametrize("overflow", ["drop_oldest", "truncate_head"])
@pytest.mark.parametrize("kind", ["text", "openai_messages"])
def test_a_cut_turn_comes_back_as_it_was_cut(database: Database, contexts: Contexts, kind: str, overflow: str) -> None:
    with database.write() as session:
        long = add_turn(session, WORKSPACE, "ann", "user", prose(400), at=hour(4))
        name = long.id
    row, assembled = make(contexts, kind=kind, sections={"history": {"maximum_tokens": 60, "overflow": overflow}})
    (cut,) = [one for one in assembled.sections.items if one.reason == "cut"]
    assert cut.id == name
    (turn,) = sections_of(database, row).history
    assert (prose(400).endswith if overflow == "truncate_head" else prose(400).startswith)(turn.text)
    assert 0 < len(turn.text) == cut.sent_characters
    assert contexts.replay(WORKSPACE, row.id, ANN)[2] == assembled.rendered


def test_nobody_else_is_told_that_the_context_exists(contexts: Contexts) -> None:
    row, _ = make(contexts)
    for names in ([], ["everyone"], ["user:bob", "everyone"]):
        with pytest.raises(NotFoundError):
            contexts.replay(WORKSPACE, row.id, Principal.of(names))


def test_a_context_for_nobody_comes_back_for_anybody(contexts: Contexts) -> None:
    row, assembled = make(contexts, user=None)
    assert assembled.sections.items == ()
    assert contexts.replay(WORKSPACE, row.id, Principal())[2] == assembled.rendered
