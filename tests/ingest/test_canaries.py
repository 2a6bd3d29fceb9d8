"""Embedder canaries: the same model is quiet, another one is an alert, and one that cannot embed as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from configs.errors import UnavailableError
from indexes.database.alerts import AlertRow
from indexes.database.engine import Database, now
from ingest import canaries
from ingest.canaries import CANARIES, MOST_DRIFT, CanaryRow, check_canaries, drift_of, due, embedders_in_use
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing
from tests.database import add_index, add_workspace, fresh_database
from tests.ingest.embedders.stand_in import stand_in, status
from tests.ingest.library import HYBRID, LEXICAL

assert isinstance(HYBRID.embedder, Hashing)
HASHING = HYBRID.embedder


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Yield a database with two maintained indexes of one embedder, and a lexical one."""
    with fresh_database(tmp_path) as database:
        with database.write() as session:
            add_workspace(session)
            recipe = HYBRID.model_dump(mode="json")
            add_index(session, "a", recipe=recipe, maintained=True)
            add_index(session, "b", recipe=recipe, maintained=True)
            add_index(session, "c", recipe=LEXICAL.model_dump(mode="json"), maintained=True)
        yield database


def check(database: Database) -> dict[str, float]:
    """Check every embedder in use."""
    return dict(check_canaries(database, embedders_in_use(database)))


def open_alerts(database: Database) -> list[AlertRow]:
    """Return the alerts."""
    with database.read() as session:
        return list(session.scalars(select(AlertRow)))


def test_embedders_of_every_index_are_in_use(database: Database) -> None:
    assert embedders_in_use(database) == {HASHING.fingerprint: HASHING}
    recipe = HYBRID.model_dump(mode="json")
    other = {**recipe, "embedder": {**recipe["embedder"], "dimensions": 32}}
    gone = {**recipe, "embedder": {**recipe["embedder"], "dimensions": 128}}
    with database.write() as session:
        add_index(session, "d", recipe=other, maintained=False)
        add_workspace(session, "gone").deleted_at = now()
        add_index(session, "e", workspace_id="gone", recipe=gone)
    assert {one.vector_dimensions for one in embedders_in_use(database).values()} == {32, 64}


def test_the_same_model_is_quiet(database: Database) -> None:
    for _ in range(3):
        assert check(database) == {HASHING.fingerprint: 0.0}
    assert open_alerts(database) == []


@pytest.mark.parametrize(("share", "is_alert"), [(1e-3, False), (0.2, True), (1.0, True)])
def test_vectors_that_moved_are_an_alert_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, share: float, is_alert: bool
) -> None:
    check(database)
    encode = Hashing.encode
    noise = np.random.default_rng(0).standard_normal((len(CANARIES), HASHING.dimensions)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    monkeypatch.setattr(Hashing, "encode", lambda self, texts: (1 - share) * encode(self, texts) + share * noise)
    for _ in range(2):
        (drift,) = check(database).values()
        assert (drift > MOST_DRIFT) is is_alert
        assert [alert.kind for alert in open_alerts(database)] == ["embedder_changed"] * is_alert
    for alert in open_alerts(database):
        assert alert.subject == HASHING.fingerprint
        assert alert.figures["drift"] == pytest.approx(drift)
    with database.read() as session:
        assert session.scalars(select(CanaryRow)).one().drift == drift


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_a_drift(
    database: Database, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    check(database)
    encode = Hashing.encode
    monkeypatch.setattr(Hashing, "encode", lambda self, texts: encode(self, texts) * np.float32(wrong))
    with np.errstate(invalid="ignore"):
        assert check(database) == {HASHING.fingerprint: 2.0}
    assert [alert.kind for alert in open_alerts(database)] == ["embedder_changed"]


def test_values_that_are_no_numbers_are_no_first_vectors(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Hashing, "encode_query", lambda self, _text: np.full(self.dimensions, np.nan, np.float32))
        check(database)
    (alert,) = open_alerts(database)
    assert (alert.kind, alert.figures) == ("embedder_failed", {"code": "embedder_not_finite"})
    assert check(database) == {HASHING.fingerprint: 0.0}


@pytest.mark.parametrize("rows", [slice(0, 4), slice(0, 0)])
def test_another_number_of_rows_is_a_drift(database: Database, monkeypatch: pytest.MonkeyPatch, rows: slice) -> None:
    check(database)
    encode = Hashing.encode
    monkeypatch.setattr(Hashing, "encode", lambda self, texts: encode(self, texts)[rows])
    assert check(database) == {HASHING.fingerprint: 2.0}


def test_queries_that_moved_alone_are_an_alert(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    check(database)
    with database.write() as session:
        session.get_one(CanaryRow, HASHING.fingerprint).query_vectors = None  # as before they were kept
    assert check(database) == {HASHING.fingerprint: 0.0}
    before = {text: HASHING.encode_query(text) for text in CANARIES}
    monkeypatch.setattr(Hashing, "encode", lambda _self, texts: np.stack([before[text] for text in texts]))
    monkeypatch.setattr(Hashing, "encode_query", lambda _self, text: np.roll(before[text], 1))
    assert check(database)[HASHING.fingerprint] > MOST_DRIFT
    assert [alert.kind for alert in open_alerts(database)] == ["embedder_changed"]


def test_a_model_that_is_gone_is_an_alert(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Hashing, _texts: Sequence[str]) -> Vectors:
        raise UnavailableError("the model is not on this machine", hint="install it")

    monkeypatch.setattr(Hashing, "encode", fail)
    assert check(database) == {}
    (alert,) = open_alerts(database)
    assert (alert.kind, alert.detail) == ("embedder_failed", "the model is not on this machine")


def test_each_is_due_at_a_start_and_after_a_day(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = embedders_in_use(database)
    assert due(database, at_start=False) == everything
    check(database)
    assert due(database, at_start=False) == {}
    assert due(database, at_start=True) == everything
    tomorrow = now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(canaries, "now", lambda: tomorrow)
    assert due(database, at_start=False) == everything


def test_a_start_calls_no_other_machine_that_was_asked_within_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in() as server:
        recipe = {**HYBRID.model_dump(mode="json"), "embedder": server.embedder().model_dump(mode="json")}
        with database.write() as session:
            add_index(session, "e", recipe=recipe, maintained=True)
        remote = server.embedder().fingerprint
        assert set(due(database, at_start=True)) == {HASHING.fingerprint, remote}
        assert check(database) == {HASHING.fingerprint: 0.0, remote: 0.0}
        assert set(due(database, at_start=True)) == {HASHING.fingerprint}
        tomorrow = now() + timedelta(days=1, seconds=1)
        monkeypatch.setattr(canaries, "now", lambda: tomorrow)
        assert set(due(database, at_start=True)) == {HASHING.fingerprint, remote}
        assert set(due(database, at_start=False)) == {HASHING.fingerprint, remote}


def test_an_endpoint_that_does_not_answer_has_not_changed(database: Database) -> None:
    with stand_in() as server:
        embedder = server.embedder()
        list(check_canaries(database, {"remote": embedder}))
        server.always = status(401)
        assert list(check_canaries(database, {"remote": embedder})) == []
        server.always = None
        ((_, drift),) = check_canaries(database, {"remote": embedder})
    assert drift < MOST_DRIFT
    (alert,) = open_alerts(database)
    assert (alert.kind, alert.figures["code"]) == ("embedder_failed", "endpoint_refused")


def test_the_drift_is_that_of_the_worst_row() -> None:
    first = np.eye(3, dtype=np.float32)
    turned = first.copy()
    turned[2] = [0.0, 0.6, 0.8]
    assert drift_of(first.tobytes(), first) == 0.0
    assert drift_of(first.tobytes(), 5 * first) == pytest.approx(0.0)
    assert drift_of(first.tobytes(), turned) == pytest.approx(0.2)
    assert drift_of(first.tobytes(), np.eye(2, dtype=np.float32)) == 2.0


@pytest.mark.slow
def test_batches_and_neighbours_move_the_shipped_model_far_less_than_an_alert() -> None:
    from ingest.embedders.sentence_transformer import SentenceTransformer

    embedder = SentenceTransformer(kind="sentence_transformer", precision="fp32")
    together = embedder.encode(CANARIES)
    apart = np.concatenate([embedder.encode([text]) for text in CANARIES])
    crowded = embedder.encode([*CANARIES, *(f"{text} " * 40 for text in CANARIES)])[: len(CANARIES)]
    drifts = [drift_of(together.tobytes(), other) for other in (apart, crowded)]
    assert max(drifts) < MOST_DRIFT / 1_000
