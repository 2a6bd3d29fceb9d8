"""The vector cache gives back what was put in, in any order, and keeps embedders apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sqlalchemy.orm import Session

from indexes.database.engine import Database, new_id
from indexes.database.tables import Vector
from ingest.canaries import CanaryRow
from ingest.vector_cache import (
    BATCH,
    find_vectors,
    load_vectors,
    missing_vectors,
    oldest_renewal,
    renewals_of,
    save_vectors,
)
from tests.database import fresh_database

HASHES = [f"{number:064x}" for number in range(8)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with fresh_database(tmp_path_factory.mktemp("cache")) as database:
        yield database


@given(
    vectors=arrays(np.float32, (8, 3), elements=st.floats(-1, 1, width=32)),
    asked=st.lists(st.integers(0, 7), min_size=1, max_size=20),
)
def test_vectors_come_back_bit_by_bit_in_the_order_asked(
    shared: Database, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]], asked: list[int]
) -> None:
    embedder = new_id("embedder")
    with shared.write() as session:
        save_vectors(session, embedder, HASHES, vectors)
    with shared.read() as session:
        loaded = load_vectors(session, embedder, [HASHES[number] for number in asked])
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, vectors[asked])


def test_what_is_there_already_stays(database: Database) -> None:
    with database.write() as session:
        save_vectors(session, "e", HASHES[:2], np.ones((2, 2), dtype=np.float32))
        save_vectors(session, "e", HASHES[1:3], np.zeros((2, 2), dtype=np.float32))
    with database.read() as session:
        assert load_vectors(session, "e", HASHES[:3]).tolist() == [[1, 1], [1, 1], [0, 0]]


def test_missing_ones_are_named_once_in_their_order(database: Database) -> None:
    with database.write() as session:
        save_vectors(session, "e", [HASHES[1]], np.ones((1, 2), dtype=np.float32))
    with database.read() as session:
        asked = [HASHES[number] for number in (3, 1, 0, 3, 0)]
        assert missing_vectors(session, "e", asked) == [HASHES[3], HASHES[0]]
        assert missing_vectors(session, "other", [HASHES[1]]) == [HASHES[1]]
        assert missing_vectors(session, "e", []) == []


def renew(session: Session, embedder: str) -> None:
    """Let a changed model of the embedder be accepted."""
    row = session.get(CanaryRow, embedder)
    if row is None:
        row = CanaryRow(embedder=embedder, settings={}, vectors=b"", drift=0.0, renewals=0)
        session.add(row)
    row.renewals += 1
    session.flush()


@given(steps=st.lists(st.one_of(st.just("renew"), st.sets(st.integers(0, 7), min_size=1)), max_size=8))
def test_outdated_vectors_are_missing_until_they_are_made_anew(shared: Database, steps: list[str | set[int]]) -> None:
    embedder, renewals = new_id("embedder"), 0
    made: dict[str, int] = {}
    with shared.write() as session:
        for step in steps:
            if isinstance(step, str):
                renew(session, embedder)
                renewals += 1
                continue
            hashes = [HASHES[number] for number in sorted(step)]
            save_vectors(session, embedder, hashes, np.full((len(hashes), 2), renewals, np.float32))
            made |= dict.fromkeys(hashes, renewals)
        assert renewals_of(session, embedder) == renewals
        assert missing_vectors(session, embedder, HASHES) == [one for one in HASHES if made.get(one, -1) < renewals]
        found = {name: vector.tolist() for name, vector in find_vectors(session, embedder, HASHES).items()}
        assert found == {name: [renewal, renewal] for name, renewal in made.items()}
        present = find_vectors(session, embedder, HASHES, least_renewal=renewals)
        assert set(present) == {name for name, renewal in made.items() if renewal == renewals}
        assert oldest_renewal(session, embedder, HASHES) == min(made.values(), default=renewals)
        assert renewals_of(session, "another") == 0


def test_a_missing_vector_is_an_error_not_a_guess(database: Database) -> None:
    with database.write() as session:
        save_vectors(session, "e", HASHES[:1], np.ones((1, 2), dtype=np.float32))
    with database.read() as session:
        for embedder, hashes in (("e", HASHES[:2]), ("other", HASHES[:1])):
            with pytest.raises(KeyError):
                load_vectors(session, embedder, hashes)


def test_more_than_one_query_can_hold(database: Database) -> None:
    hashes = [f"{number:064x}" for number in range(2 * BATCH + 1)]
    vectors = np.arange(len(hashes), dtype=np.float32)[:, np.newaxis]
    with database.write() as session:
        save_vectors(session, "e", hashes, vectors)
    with database.read() as session:
        assert load_vectors(session, "e", hashes[::-1]).ravel().tolist() == vectors[::-1].ravel().tolist()
        assert missing_vectors(session, "e", [*hashes, "new"]) == ["new"]


def test_bytes_are_little_endian_on_every_machine(database: Database) -> None:
    with database.write() as session:
        save_vectors(session, "e", HASHES[:1], np.array([[1.0, -2.0]], dtype=">f4"))
    with database.read() as session:
        assert session.get_one(Vector, ("e", HASHES[0])).vector == bytes.fromhex("0000803f000000c0")
