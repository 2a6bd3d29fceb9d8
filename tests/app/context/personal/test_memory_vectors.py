"""Vectors of memories: made once, the newest first, never in a transaction, and none of what was deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select, update

from app.context.erasure.owners import Person
from app.context.erasure.personal import PERSONAL_ROWS
from app.context.personal import memory_vectors
from app.context.personal.askers import Askers
from app.context.users.memories import hide_memory
from app.context.users.tables import MemoryRow
from indexes.database.engine import Database, now
from indexes.database.tables import Vector
from ingest.canaries import CanaryRow
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing
from tests.app.context.personal.remembering import ranked, remember_all
from tests.app.context.users.people import WORKSPACE

EMBEDDER = Hashing(kind="hashing")


@dataclass
class Watch:
    """What the embedder was asked to encode, and what is looked at meanwhile."""

    batches: list[list[str]] = field(default_factory=list)
    looks: list[Callable[[], object]] = field(default_factory=list)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return a watch over every batch that is encoded."""
    watch = Watch()
    encode = Hashing.encode

    def watched(embedder: Hashing, texts: Sequence[str]) -> Vectors:
        watch.batches.append(list(texts))
        for look in watch.looks:
            look()
        return encode(embedder, texts)

    monkeypatch.setattr(Hashing, "encode", watched)
    return watch


def test_each_text_is_encoded_once_for_all_processes_and_never_in_a_transaction(
    database: Database, watch: Watch
) -> None:
    remember_all(database, "tea", "coffee", "tea")
    in_use: list[int] = []
    watch.looks.append(lambda: in_use.append(database.engine.pool.checkedout()))  # type: ignore[attr-defined]  # of a QueuePool
    first, second = Askers(database), Askers(database)
    expected = [(one.memory.id, one.score) for one in ranked(first, "tea", EMBEDDER)]
    for askers in (first, second):
        assert [(one.memory.id, one.score) for one in ranked(askers, "tea", EMBEDDER)] == expected
    assert watch.batches == [["tea", "coffee"]]
    remember_all(database, "cake")
    ranked(first, "tea", EMBEDDER)
    assert watch.batches == [["tea", "coffee"], ["cake"]]
    assert in_use == [0, 0]


def test_of_very_many_new_texts_the_newest_are_encoded_first_and_the_others_rank_without_relevance(
    database: Database, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_vectors, "MOST_ENCODED", 2)
    remember_all(database, "tea one", "tea two", "tea three", "tea four", "tea five")
    askers = Askers(database)
    known = []
    for _ in range(4):
        found = ranked(askers, "tea", EMBEDDER)
        assert len(found) == 5
        assert all(one.score == 0 for one in found if one.relevance is None)
        known.append({one.memory.text for one in found if one.relevance is not None})
    assert watch.batches == [["tea five", "tea four"], ["tea three", "tea two"], ["tea one"]]
    assert [len(one) for one in known] == [2, 4, 5, 5]
    assert known[0] == {"tea five", "tea four"}


@pytest.mark.parametrize("gone", ["hidden", "user deleted"])
def test_what_is_deleted_while_it_is_encoded_leaves_no_vector(database: Database, watch: Watch, gone: str) -> None:
    (secret, _) = remember_all(database, "secret", "tea")

    def delete() -> None:
        with database.write() as session:
            if gone == "hidden":
                hide_memory(session, WORKSPACE, "ann", secret)
            else:
                PERSONAL_ROWS.detach_person(session, Person(workspace_id=WORKSPACE, user_id="ann"))

    watch.looks.append(delete)
    assert len(ranked(Askers(database), "tea", EMBEDDER)) == 2
    with database.read() as session:
        assert len(session.scalars(select(Vector.indexed_sha256)).all()) == (1 if gone == "hidden" else 0)


def test_vectors_of_before_a_model_was_accepted_are_made_anew(database: Database, watch: Watch) -> None:
    remember_all(database, "tea", "coffee")
    first, second = Askers(database), Askers(database)
    ranked(first, "tea", EMBEDDER)
    with database.write() as session:
        row = CanaryRow(embedder=EMBEDDER.fingerprint, settings={}, vectors=b"", drift=0.0, renewals=1)
        session.add(row)
    for askers in (first, second, first):
        ranked(askers, "tea", EMBEDDER)
    assert [sorted(one) for one in watch.batches] == [["coffee", "tea"]] * 2
    with database.read() as session:
        assert set(session.scalars(select(Vector.renewal))) == {1}


def test_after_forgetting_everything_is_read_anew(database: Database, watch: Watch) -> None:
    remember_all(database, "tea")
    askers = Askers(database)
    ranked(askers, "tea", EMBEDDER)
    with database.write() as session:
        session.query(Vector).delete()
        session.execute(update(MemoryRow).values(last_used_at=now() - timedelta(days=1)))
    askers.forget()
    assert ranked(askers, "tea", EMBEDDER)[0].relevance == pytest.approx(1)
    assert watch.batches == [["tea"], ["tea"]]
    assert np.isfinite(ranked(askers, "tea", EMBEDDER)[0].score)
