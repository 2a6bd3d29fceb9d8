"""Contexts over a database: what the user's last one shares with the next, whichever process made it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.context import contexts as contexts_module
from app.context.contexts import Contexts
from app.context.erasure.owners import Person
from app.context.erasure.personal import PERSONAL_ROWS
from app.context.saved_contexts import ContextRow, erased_receipt
from app.context.users.conversation import add_turn, hide_turns
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import Feedback
from app.context.users.memories import NewMemory, remember
from app.context.users.tables import MemoryRow
from indexes.database.engine import Database
from indexes.database.tables import Document, Version
from ingest.tokenizers import count_tokens
from tests.app.context.personal.planted import policy
from tests.app.context.personal.replaying import EVERYTHING, QUESTION, add_ann, make, new_contexts
from tests.app.context.users.people import WORKSPACE, add_user, hour


@pytest.fixture
def ids(database: Database) -> dict[str, str]:
    return add_ann(database)


@pytest.fixture
def contexts(database: Database, ids: dict[str, str], tmp_path: Path) -> Contexts:
    assert ids
    return new_contexts(database, tmp_path)


def shared(row: ContextRow) -> int | None:
    tokens: int | None = row.request["prompt_prefix"]["common_prefix_tokens"]
    return tokens


@pytest.mark.parametrize("kind", ["text", "openai_messages"])
def test_another_process_finds_the_same_prefix(
    database: Database, contexts: Contexts, tmp_path: Path, kind: str
) -> None:
    first, assembled = make(contexts, kind=kind)
    here = contexts._previous(WORKSPACE, "ann")
    there = new_contexts(database, tmp_path)._previous(WORKSPACE, "ann")
    assert here == there == assembled.rendered.contents
    assert shared(first) is None
    with database.write() as session:
        add_turn(session, WORKSPACE, "ann", "user", "And then?", at=hour(3))
    second, _ = make(new_contexts(database, tmp_path), kind=kind)
    last_that_stays = "Welcome back"
    begin = "\0".join(assembled.rendered.contents).partition(last_that_stays)[0] + last_that_stays
    assert (shared(second) or 0) >= sum(map(count_tokens, begin.split("\0")))
    assert (shared(second) or 0) < sum(map(count_tokens, assembled.rendered.contents))


def test_only_the_last_context_of_the_same_user_counts(database: Database, contexts: Contexts) -> None:
    with database.write() as session:
        add_user(session, "bob")
    _, older = make(contexts)
    _, newer = make(contexts, question="Who pays?")
    assert shared(make(contexts, user="bob")[0]) is None
    assert contexts._previous(WORKSPACE, "ann") == newer.rendered.contents != older.rendered.contents


def test_nobody_has_no_last_context(contexts: Contexts) -> None:
    for _ in range(2):
        row, _ = make(contexts, user=None)
        assert (shared(row), row.user_id) == (None, None)
    assert contexts._previous(WORKSPACE, None) is None


def _hide_turns(database: Database) -> None:
    with database.write() as session:
        hide_turns(session, WORKSPACE, "ann")


def _erase_memory(database: Database) -> None:
    with database.write() as session:
        (memory,) = session.query(MemoryRow).all()
        PERSONAL_ROWS.erase_person(session, Person(workspace_id=WORKSPACE, user_id="ann", memory_id=memory.id))


def _erase_receipt(database: Database) -> None:
    with database.write() as session:
        (row,) = session.query(ContextRow).all()
        row.receipt = erased_receipt(hour(9))


def _change_text(database: Database) -> None:
    with database.write() as session:
        (version,) = session.query(Version).all()
        version.text = str(version.text).replace("fourteen", "nineteen")


def _erase_document(database: Database) -> None:
    with database.write() as session:
        session.query(Document).update({"latest_version_id": None, "ready_version_id": None})
        session.flush()
        session.query(Version).delete()


@pytest.mark.parametrize("change", [_hide_turns, _erase_memory, _erase_receipt, _change_text, _erase_document])
def test_a_last_context_that_cannot_be_rebuilt_is_none(
    database: Database, contexts: Contexts, tmp_path: Path, change: Any
) -> None:
    make(contexts)
    change(database)
    other = new_contexts(database, tmp_path)
    assert other._previous(WORKSPACE, "ann") is None
    assert shared(make(other)[0]) is None


def test_what_is_kept_in_memory_is_bounded_and_can_be_let_go(
    contexts: Contexts, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(map(len, make(contexts, question="Question 9?")[1].rendered.contents))
    monkeypatch.setattr(contexts_module, "CHARACTERS_KEPT", 2 * size)
    contexts = new_contexts(database, tmp_path)
    rows = [make(contexts, question=f"Question {number}?")[0] for number in range(4)]
    kept = [contexts._sent.get(row.id) is not None for row in rows]
    assert kept == [False, False, True, True]
    make(contexts, user=None)
    assert [contexts._sent.get(row.id) is not None for row in rows] == kept
    contexts.forget()
    assert not any(contexts._sent.get(row.id) for row in rows)
    assert shared(make(contexts, question="Question 3?")[0]) is not None


def uses(database: Database) -> dict[str, bool]:
    """Return by text whether a memory was used since it was remembered."""
    with database.read() as session:
        return {row.text: row.last_used_at > row.recorded_at for row in session.query(MemoryRow)}


def test_memories_that_were_sent_count_as_used_and_others_do_not(database: Database, contexts: Contexts) -> None:
    with database.write() as session:
        remember(session, WORKSPACE, "ann", NewMemory(text="rows boats"), at=hour(1))
    _, assembled = make(contexts, personalisation={"most_memories": 1})
    sent = assembled.sections.texts.memories
    assert len(sent) == 1
    assert {text for text, is_used in uses(database).items() if is_used} == set(sent)


def test_no_use_without_sending_now(database: Database, contexts: Contexts) -> None:
    make(contexts, as_of=hour(3))
    make(contexts, sections={"memories": {"maximum_tokens": 3}})
    make(contexts, personalisation={"memories": False})
    assert uses(database) == {"likes tea": False}


def test_at_most_so_many_memories_enter(database: Database, contexts: Contexts) -> None:
    with database.write() as session:
        for text in ("refunds annoy her", "rows boats"):
            remember(session, WORKSPACE, "ann", NewMemory(text=text), at=hour(1))
    for most, expected in ((0, 0), (1, 1), (2, 2), (20, 3)):
        _, assembled = make(contexts, personalisation={"most_memories": most})
        considered = [one for one in assembled.sections.items if one.section == "memories"]
        assert [one.rank for one in considered] == list(range(1, expected + 1))


@pytest.mark.parametrize(
    ("evidence", "has_own", "asked_of"),
    [("none", True, []), ("with_own", False, []), ("with_own", True, [{"handbook"}]), ("alone", False, [{"handbook"}])],
)
def test_others_feedback_is_read_only_where_it_can_count(
    database: Database, contexts: Contexts, monkeypatch: pytest.MonkeyPatch, evidence: str, has_own: bool,
    asked_of: list[set[str]],
) -> None:  # fmt: skip
    with database.write() as session:
        add_user(session, "bob")
        for user in ("bob", "ann") if has_own else ("bob",):
            new = NewFeedback(signal="thumb_up", document_id="handbook")
            record_feedback(session, WORKSPACE, user, new, at=hour(2))
    read: list[set[str]] = []
    find = contexts.askers.others_feedback

    def noted(asker: Any, document_ids: Any) -> tuple[Feedback, ...]:
        read.append(set(document_ids))
        return find(asker, document_ids)

    monkeypatch.setattr(contexts.askers, "others_feedback", noted)
    _, assembled = make(contexts, personalisation={"boosts": {"workspace_evidence": evidence}})
    assert read == asked_of
    boost = assembled.personal.boosts.get("handbook")
    assert (boost is not None and boost.workspace_feedback > 0) == bool(asked_of)


def test_nobody_asks_for_no_memories_and_no_feedback(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("nobody has neither")

    monkeypatch.setattr(contexts.askers, "ranked_memories", refuse)
    monkeypatch.setattr(contexts.askers, "others_feedback", refuse)
    nobody = contexts.askers.of(WORKSPACE, None)
    personal = contexts.personal_material(EVERYTHING, policy(), QUESTION, nobody, [], None)
    assert (personal.memories, personal.boosts) == ((), {})
    ann = replace(nobody, known=contexts.askers.of(WORKSPACE, "ann").known)
    with pytest.raises(AssertionError, match="nobody has neither"):
        contexts.personal_material(EVERYTHING, policy(), QUESTION, ann, [], None)
