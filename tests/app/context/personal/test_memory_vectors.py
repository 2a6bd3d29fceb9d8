"""Vectors of memories: made once, the newest first, never in a transaction, and none of what was deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import PrivateAttr
from sqlalchemy import select, update

from app.context.erasure.owners import Person
from app.context.erasure.personal import PERSONAL_ROWS
from app.context.personal import memory_vectors
from app.context.personal.askers import Askers
from app.context.users.memories import hide_memory
from app.context.users.tables import MemoryRow
from indexes.database.engine import Database, now
from indexes.database.tables import Vector
from ingest.embedders import Embedder, Vectors
from ingest.embedders.hashing import Hashing
from tests.app.context.personal.remembering import ranked, remember_all
from tests.app.context.users.people import WORKSPACE


class Watched(Hashing):
    """Hashes words, and notes what it was asked to encode, and whether a transaction was open meanwhile."""

    kind: Literal["watched_by_tests"]  # type: ignore[assignment]  # a member of its own
    _batches: list[list[str]] = PrivateAttr(default_factory=list)
    _watch: list[Any] = PrivateAttr(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Vectors:
        self._batches.append(list(texts))
        for look in self._watch:
            look()
        return super().encode(texts)


@pytest.fixture
def embedder() -> Iterator[Watched]:
    """Yield an embedder that is no member of the family for others."""
    yield Watched(kind="watched_by_tests")
    Embedder.registered.pop("watched_by_tests", None)


def test_each_text_is_encoded_once_for_all_processes_and_never_in_a_transaction(
    database: Database, embedder: Watched
) -> None:
    remember_all(database, "tea", "coffee", "tea")
    in_use: list[int] = []
    embedder._watch.append(lambda: in_use.append(database.engine.pool.checkedout()))  # type: ignore[attr-defined]
    first, second = Askers(database), Askers(database)
    expected = [(one.memory.id, one.score) for one in ranked(first, "tea", embedder)]
    for askers in (first, second):
        assert [(one.memory.id, one.score) for one in ranked(askers, "tea", embedder)] == expected
    assert embedder._batches == [["tea", "coffee"]]
    remember_all(database, "cake")
    ranked(first, "tea", embedder)
    assert embedder._batches == [["tea", "coffee"], ["cake"]]
    assert in_use == [0, 0]


def test_of_very_many_new_texts_the_newest_are_encoded_first_and_the_others_rank_without_relevance(
    database: Database, embedder: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_vectors, "MOST_ENCODED", 2)
    remember_all(database, "tea one", "tea two", "tea three", "tea four", "tea five")
    askers = Askers(database)
    known = []
    for _ in range(4):
        found = ranked(askers, "tea", embedder)
        assert len(found) == 5
        assert all(one.score == 0 for one in found if one.relevance is None)
        known.append({one.memory.text for one in found if one.relevance is not None})
    assert embedder._batches == [["tea five", "tea four"], ["tea three", "tea two"], ["tea one"]]
    assert [len(one) for one in known] == [2, 4, 5, 5]
    assert known[0] == {"tea five", "tea four"}


@pytest.mark.parametrize("gone", ["hidden", "user deleted"])
def test_what_is_deleted_while_it_is_encoded_leaves_no_vector(database: Database, embedder: Watched, gone: str) -> None:
    (secret, _) = remember_all(database, "secret", "tea")

    def delete() -> None:
        with database.write() as session:
            if gone == "hidden":
                hide_memory(session, WORKSPACE, "ann", secret)
            else:
                PERSONAL_ROWS.detach_person(session, Person(workspace_id=WORKSPACE, user_id="ann"))

    embedder._watch.append(delete)
    assert len(ranked(Askers(database), "tea", embedder)) == 2
    with database.read() as session:
        assert len(session.scalars(select(Vector.indexed_sha256)).all()) == (1 if gone == "hidden" else 0)


def test_after_forgetting_everything_is_read_anew(database: Database, embedder: Watched) -> None:
    remember_all(database, "tea")
    askers = Askers(database)
    ranked(askers, "tea", embedder)
    with database.write() as session:
        session.query(Vector).delete()
        session.execute(update(MemoryRow).values(last_used_at=now() - timedelta(days=1)))
    askers.forget()
    assert ranked(askers, "tea", embedder)[0].relevance == pytest.approx(1)
    assert embedder._batches == [["tea"], ["tea"]]
    assert np.isfinite(ranked(askers, "tea", embedder)[0].score)
