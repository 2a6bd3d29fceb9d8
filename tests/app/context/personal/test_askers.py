"""Askers: memories in order, their vectors made once, uses noted without a re-reading, and what applies to whom."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from app.context.personal.asker import Asker, nobody
from app.context.personal.askers import MOST_RANKED, WITHOUT_EMBEDDER, Askers
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import ANONYMOUS, Preferences, load_user
from app.context.users.memory_ranking import MemoryWeights, rank_memories
from app.context.users.personalisation import Personalisation, save_personalisation
from app.context.users.registration import UnknownUserError
from app.context.users.tables import UserRow
from indexes.access import Principal
from indexes.database.engine import Database
from ingest.embedders.hashing import Hashing
from tests.app.context.personal.remembering import RELEVANCE_ONLY, ranked, remember_all
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import ON_POSTGRESQL, add_document, add_workspace


@contextmanager
def writes(database: Database) -> Iterator[list[str]]:
    """Yield the list of statements that write meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_more: Any) -> None:
        if statement.startswith(("UPDATE", "INSERT", "DELETE", "BEGIN IMMEDIATE")):
            sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_memories_come_in_the_order_that_the_ranking_of_their_vectors_gives(database: Database) -> None:
    texts = [f"likes {word} and walks" for word in ("tea", "coffee", "tea cakes", "rain")]
    remember_all(database, *texts)
    askers, weights = Askers(database), MemoryWeights()
    asker = askers.of(WORKSPACE, "ann")
    found = askers.ranked_memories(asker, "tea", None, None, weights)
    cosines = WITHOUT_EMBEDDER.encode(texts) @ WITHOUT_EMBEDDER.encode_query("tea")
    expected = rank_memories(asker.known.memories, cosines, asker.moment, weights).best()
    assert [(one.memory.id, one.rank) for one in found] == [(one.memory_id, one.rank) for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-6)
    for one, other in zip(found, expected, strict=True):
        parts = (other.recency, other.importance, other.relevance)
        assert (one.recency, one.importance, one.relevance) == pytest.approx(parts, abs=1e-6)


def test_a_vector_that_is_given_is_the_question(database: Database) -> None:
    remember_all(database, "tea", "coffee")
    askers = Askers(database)
    embedder = Hashing(kind="hashing", dimensions=64)
    vector = embedder.encode_query("coffee")
    found = askers.ranked_memories(askers.of(WORKSPACE, "ann"), "tea", embedder, vector, RELEVANCE_ONLY)
    assert found[0].memory.text == "coffee"
    without = askers.ranked_memories(askers.of(WORKSPACE, "ann"), "tea", None, vector, RELEVANCE_ONLY)
    assert without[0].memory.text == "tea"


def test_no_more_than_the_best_hundred_are_returned(database: Database) -> None:
    remember_all(database, *(f"memory {number}" for number in range(MOST_RANKED + 5)))
    found = ranked(Askers(database), "memory 7", Hashing(kind="hashing", dimensions=4096))
    assert [one.rank for one in found] == list(range(1, MOST_RANKED + 1))
    assert found[0].memory.text == "memory 7"


def test_uses_are_noted_once_a_minute_and_known_without_reading_the_memories_again(database: Database) -> None:
    ids = remember_all(database, "tea", "coffee", "cake")
    askers, other = Askers(database), Askers(database)
    asker, before = askers.of(WORKSPACE, "ann"), other.of(WORKSPACE, "ann")
    with writes(database) as sent:
        askers.mark_used(asker, ids[:2])
    begin = [] if ON_POSTGRESQL else [["BEGIN", "IMMEDIATE"]]
    assert [one.split()[:2] for one in sent] == [*begin, ["UPDATE", "users"], ["UPDATE", "user_memories"]]
    after = askers.of(WORKSPACE, "ann")
    with database.read() as session:
        fresh = load_user(session, WORKSPACE, "ann", as_of=after.moment)
    assert after.known == fresh == other.of(WORKSPACE, "ann").known
    assert [one.last_used_at > hour(9) for one in after.known.memories] == [True, True, False]
    assert after.known.memories[2] is asker.known.memories[2]
    assert other.of(WORKSPACE, "ann").known.memories[2] is before.known.memories[2]
    with writes(database) as sent:
        askers.mark_used(after, ids[:2])
        askers.mark_used(nobody(WORKSPACE), ids)
    assert sent == []
    askers.mark_used(asker, ids)  # one that was looked up before: the database decides
    assert [one.last_used_at for one in askers.of(WORKSPACE, "ann").known.memories][:2] == [
        one.last_used_at for one in after.known.memories
    ][:2]
    assert askers.of(WORKSPACE, "ann").known.memories[2].last_used_at > hour(9)


def test_a_use_that_another_process_noted_meanwhile_is_not_lost(database: Database) -> None:
    ids = remember_all(database, "tea", "coffee")
    one, other = Askers(database), Askers(database)
    known, known_to_other = one.of(WORKSPACE, "ann"), other.of(WORKSPACE, "ann")
    one.mark_used(known, ids[:1])
    other.mark_used(known_to_other, ids[1:])
    for askers in (one, other):
        memories = askers.of(WORKSPACE, "ann").known.memories
        assert all(memory.last_used_at > hour(9) for memory in memories)


def test_ranking_after_a_use_counts_it(database: Database) -> None:
    (_, coffee, _) = remember_all(database, "tea", "coffee", "cake")
    askers, weights = Askers(database), MemoryWeights(relevance=0, importance=0)
    asker = askers.of(WORKSPACE, "ann")
    assert askers.ranked_memories(asker, "?", None, None, weights)[0].memory.text == "cake"
    askers.mark_used(asker, [coffee])
    assert askers.ranked_memories(askers.of(WORKSPACE, "ann"), "?", None, None, weights)[0].memory.text == "coffee"


def test_as_of_a_moment_one_knows_what_was_known_then(database: Database) -> None:
    remember_all(database, "tea", "coffee", "cake")
    askers = Askers(database)
    now_known = askers.of(WORKSPACE, "ann")
    then = askers.of(WORKSPACE, "ann", as_of=hour(2))
    assert [memory.text for memory in then.known.memories] == ["tea", "coffee"]
    assert then.moment == hour(2)
    assert askers.ranked_memories(then, "coffee", None, None, RELEVANCE_ONLY)[0].memory.text == "coffee"
    assert askers.of(WORKSPACE, "ann").known is now_known.known


def test_nobody_gets_what_the_workspace_says_to_everybody_and_nothing_else(database: Database) -> None:
    with database.write() as session:
        add_user(session, groups=("g",), opted_out=True)
        add_user(session, "bob", preferences=Preferences(language="de"))
    askers = Askers(database)
    plain = askers.of(WORKSPACE, None)
    assert plain == Asker(workspace_id=WORKSPACE, moment=plain.moment)
    with database.write() as session:
        said = Personalisation(
            workspace_instructions="Be kind.", notes="n", preferences=Preferences(language="fr", verbosity="brief")
        )
        save_personalisation(session, WORKSPACE, said)
    for user in (None, "ann"):
        asker = askers.of(WORKSPACE, user)
        assert (asker.known, asker.principal) == (ANONYMOUS, Principal())
        assert (asker.workspace_instructions, asker.notes) == ("Be kind.", "n")
        assert asker.preferences == Preferences(language="fr", verbosity="brief")
    bob = askers.of(WORKSPACE, "bob")
    assert bob.principal == Principal.of(["user:bob", "everyone"])
    assert bob.preferences == Preferences(language="de", verbosity="brief")
    asked = askers.of(WORKSPACE, "bob", preferences=Preferences(verbosity="detailed"))
    assert asked.preferences == Preferences(language="de", verbosity="detailed")


def test_an_unknown_user_is_created_or_refused_as_the_workspace_has_it(database: Database) -> None:
    with database.write() as session:
        add_workspace(session, WORKSPACE)
    askers = Askers(database)
    with pytest.raises(UnknownUserError):
        askers.registered(WORKSPACE, "eve")
    with database.write() as session:
        save_personalisation(session, WORKSPACE, Personalisation(unknown_users="create"))
    with pytest.raises(UnknownUserError):  # looking creates nobody
        askers.of(WORKSPACE, "eve")
    assert askers.registered(WORKSPACE, "eve").principal == Principal.of(["user:eve", "everyone"])
    with database.read() as session:
        assert session.get(UserRow, (WORKSPACE, "eve")) is not None


def test_feedback_of_others_leaves_out_ones_own(database: Database) -> None:
    with database.write() as session:
        for user in ("ann", "bob", "eve"):
            add_user(session, user)
        for document in ("d", "e"):
            add_document(session, document)
        for number, (user, document) in enumerate([("ann", "d"), ("bob", "d"), ("eve", "e"), ("eve", "d")]):
            record_feedback(
                session, WORKSPACE, user, NewFeedback(signal="thumb_up", document_id=document, rank=number + 1),
                at=hour(number),
            )  # fmt: skip
    askers = Askers(database)
    ann = askers.of(WORKSPACE, "ann")
    assert [one.rank for one in askers.others_feedback(ann, ["d"])] == [2, 4]
    assert [one.rank for one in askers.others_feedback(ann, ["d", "e"])] == [2, 3, 4]
    assert [one.rank for one in askers.others_feedback(askers.of(WORKSPACE, None), ["d"])] == [1, 2, 4]
    assert [one.rank for one in askers.others_feedback(replace(ann, moment=hour(2)), ["d", "e"])] == [2, 3]
    assert askers.others_feedback(ann, []) == ()


def test_many_threads_get_and_note_what_one_alone_would(database: Database) -> None:
    ids = remember_all(database, "tea", "coffee", "cake", "rain", "snow", "wind")
    askers = Askers(database)

    def ask(number: int) -> list[str]:
        asker = askers.of(WORKSPACE, "ann")
        askers.mark_used(asker, [ids[number % len(ids)]])
        found = askers.ranked_memories(asker, "snow", None, None, RELEVANCE_ONLY)
        return sorted(one.memory.id for one in found if one.relevance is not None)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(ask, range(24)))
    assert results == [sorted(ids)] * 24
    known = askers.of(WORKSPACE, "ann").known
    with database.read() as session:
        assert known == load_user(session, WORKSPACE, "ann")
    assert all(memory.last_used_at > hour(9) for memory in known.memories)
