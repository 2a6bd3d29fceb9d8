"""Interests: documents that were rated well, as means of their passages, as far as they are there and may be read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest
from sqlalchemy import delete, event
from sqlalchemy.orm import Session

from app.context.personal.askers import Askers
from app.context.personal.interests import liked_at
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import Feedback, Signal
from app.context.users.query_personalisation import Interests, QueryPersonalisation, personal_query
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, Vector
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat
from ingest.canaries import CanaryRow
from ingest.chunkers.whole_document import WholeDocument
from ingest.embedders.hashing import Hashing
from ingest.recipe import IndexRecipe
from ingest.vector_cache import save_vectors
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document, add_version

EMBEDDER = Hashing(kind="hashing", dimensions=64)
RECIPE = IndexRecipe(
    chunker=WholeDocument(kind="whole_document"), embedder=EMBEDDER, stores=(FaissFlat(kind="faiss_flat"),)
)
OPEN_GATE = QueryPersonalisation(blend=0.2, gate_cosine=-1)
QUERY = EMBEDDER.encode_query("what to drink")


@dataclass(frozen=True, kw_only=True)
class Rated:
    """A document with passages and what Ann said of it."""

    id: str
    passages: tuple[str, ...]
    signals: tuple[Signal, ...] = ("thumb_up",)


def shelve(session: Session, *documents: Rated) -> None:
    """Add documents that are baked under the recipe, and Ann's feedback on them: an hour for each."""
    add_user(session)
    at = 1
    for document in documents:
        version = add_version(session, add_document(session, document.id), 1)
        for ordinal, text in enumerate(document.passages):
            text_hash = hashlib.sha256(text.encode()).hexdigest()
            session.add(
                ChunkRow(
                    version_id=version.id, chunking=RECIPE.chunking, ordinal=ordinal, start=0, end=1, tokens=1,
                    heading_path=[], prefix="", indexed_sha256=text_hash,
                )
            )  # fmt: skip
            save_vectors(session, EMBEDDER.fingerprint, [text_hash], EMBEDDER.encode([text]))
        for signal in document.signals:
            record_feedback(session, WORKSPACE, "ann", NewFeedback(signal=signal, document_id=document.id), at=hour(at))
            at += 1


def moved(database: Database, askers: Askers | None = None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    askers = askers or Askers(database)
    return askers.personal_query(askers.of(WORKSPACE, "ann"), RECIPE, QUERY, OPEN_GATE).vector


def test_a_question_moves_towards_the_means_of_what_was_rated_well_each_by_its_age(database: Database) -> None:
    with database.write() as session:
        shelve(
            session,
            Rated(id="tea", passages=("green tea", "black tea", "tea")),
            Rated(id="rain", passages=("rain",), signals=("thumb_down",)),
            Rated(id="cake", passages=("cake",), signals=("used", "click", "unused")),
        )
    askers = Askers(database)
    asker = askers.of(WORKSPACE, "ann")
    found = askers.personal_query(asker, RECIPE, QUERY, OPEN_GATE)
    vectors = np.stack([EMBEDDER.encode(["cake"])[0], EMBEDDER.encode(["green tea", "black tea", "tea"]).mean(axis=0)])
    ages_days = np.array([(asker.moment - hour(at)).total_seconds() / 86_400 for at in (3, 1)])
    expected = personal_query(QUERY, Interests(vectors=vectors, ages_days=ages_days), OPEN_GATE)
    assert found.outcome == "moved"
    assert found.vector == pytest.approx(expected.vector, abs=1e-6)
    assert found.closest_cosine == pytest.approx(expected.closest_cosine, abs=1e-6)
    assert moved(database, askers) == pytest.approx(expected.vector, abs=1e-6)


def test_with_a_blend_of_0_nothing_is_read(database: Database) -> None:
    with database.write() as session:
        shelve(session, Rated(id="tea", passages=("tea",)))
    askers = Askers(database)
    asker = askers.of(WORKSPACE, "ann")
    sent: list[object] = []
    event.listen(database.engine, "before_cursor_execute", lambda *_: sent.append(_))
    found = askers.personal_query(asker, RECIPE, QUERY, QueryPersonalisation(blend=0))
    assert (found.outcome, found.vector is QUERY, sent) == ("off", True, [])
    nobody = askers.of(WORKSPACE, None)
    sent.clear()
    found = askers.personal_query(nobody, RECIPE, QUERY, OPEN_GATE)
    assert (found.outcome, found.vector is QUERY, sent) == ("no_interests", True, [])


@pytest.mark.parametrize("loss", ["access", "deletion", "vectors", "other chunking", "lexical"])
def test_what_is_gone_or_may_not_be_read_moves_nothing(database: Database, loss: str) -> None:
    with database.write() as session:
        shelve(session, Rated(id="tea", passages=("tea",)))
    askers = Askers(database)
    assert moved(database, askers) is not QUERY
    recipe = RECIPE
    with database.write() as session:
        document = session.get_one(Document, "tea")
        if loss == "access":
            document.access = ["user:bob"]
        elif loss == "deletion":
            document.deleted_at = hour(5)
        elif loss == "vectors":
            session.execute(delete(Vector))
            askers.forget()
        elif loss == "other chunking":
            recipe = RECIPE.model_copy(update={"context_prefix": False})
        else:
            recipe = IndexRecipe(chunker=RECIPE.chunker, stores=(Bm25(kind="bm25"),))
    found = askers.personal_query(askers.of(WORKSPACE, "ann"), recipe, QUERY, OPEN_GATE)
    assert (found.outcome, found.vector is QUERY) == ("no_interests", True)


def test_a_mean_that_lacks_vectors_is_not_remembered(database: Database) -> None:
    with database.write() as session:
        shelve(session, Rated(id="tea", passages=("tea", "water")))
        missing = hashlib.sha256(b"water").hexdigest()
        session.execute(delete(Vector).where(Vector.indexed_sha256 == missing))
    askers = Askers(database)
    partial = moved(database, askers)
    with database.write() as session:
        save_vectors(session, EMBEDDER.fingerprint, [missing], EMBEDDER.encode(["water"]))
    whole = moved(database, askers)
    assert np.abs(whole - partial).max() > 0.01
    assert whole == pytest.approx(moved(database), abs=1e-6)


def test_a_mean_of_before_a_model_was_accepted_is_forgotten(database: Database) -> None:
    with database.write() as session:
        shelve(session, Rated(id="tea", passages=("tea",)))
    askers = Askers(database)
    before = moved(database, askers)
    with database.write() as session:
        row = CanaryRow(embedder=EMBEDDER.fingerprint, settings={}, vectors=b"", drift=0.0, renewals=1)
        session.add(row)
        session.flush()
        turned = np.roll(EMBEDDER.encode(["tea"]), 1, axis=1)
        save_vectors(session, EMBEDDER.fingerprint, [hashlib.sha256(b"tea").hexdigest()], turned)
    assert np.abs(moved(database, askers) - before).max() > 0.01


def test_the_last_thumb_decides_and_uses_after_it_count() -> None:
    def piece(document_id: str, signal: Signal, at: datetime) -> Feedback:
        return Feedback(id="f", document_id=document_id, signal=signal, rank=None, context_id=None, created_at=at)

    said = [
        piece("a", "thumb_up", hour(1)), piece("b", "thumb_up", hour(2)), piece("a", "click", hour(3)),
        piece("b", "thumb_down", hour(4)), piece("c", "thumb_down", hour(5)), piece("c", "used", hour(6)),
        piece("a", "unused", hour(7)), piece("d", "click", hour(8)),
    ]  # fmt: skip
    assert liked_at(said) == {"a": hour(1), "c": hour(6)}
