"""A model that changed is accepted: every vector is the new one's then, whatever ran or was killed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest
from sqlalchemy import select

from configs.errors import ConflictError, NotFoundError, PlaygroundError, UnavailableError
from indexes.database.alerts import AlertRow, raise_alert
from indexes.database.tables import ChunkRow, IndexRow, Job, Segment, Served, Vector, Version
from indexes.jobs import FINAL_STATES
from indexes.segments import segment_folder
from indexes.stores import Query, Statistics
from ingest import serving
from ingest.acceptance import accept_model
from ingest.baking import load_chunks
from ingest.canaries import CanaryRow, check_canaries, embedders_in_use
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing
from ingest.integrity import check_index
from ingest.recipe import IndexRecipe
from ingest.serving import share_segment
from tests.ingest.library import HYBRID, Library

assert HYBRID.embedder is not None
FINGERPRINT = HYBRID.embedder.fingerprint
OTHER = IndexRecipe.model_validate({**HYBRID.model_dump(mode="json"), "chunker": {"kind": "fixed", "size_tokens": 16}})
RECIPES = {"i": HYBRID, "j": OTHER}
DOCUMENTS = {
    name: f"{name.title()}. " + " ".join(f"Sentence number {n} of {name}." for n in range(9))
    for name in ("amber", "basil", "cedar")
}
ORIGINAL = Hashing.encode_query


def turned(embedder: Hashing, text: str) -> Vectors:
    """Encode as a model does whose weights were exchanged."""
    return np.roll(ORIGINAL(embedder, text), 1)


@pytest.fixture
def filled(library: Library) -> Library:
    """Return a library with two indexes of one embedder, one of them not maintained, and known canaries."""
    library.index(HYBRID)
    library.add(amber=DOCUMENTS["amber"], basil=DOCUMENTS["basil"])
    library.add(cedar=DOCUMENTS["cedar"])
    library.index(OTHER, maintained=False, index_id="j")
    library.build("j")
    look(library)
    return library


@pytest.fixture
def changed(filled: Library, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the model change and return the alert about it."""
    monkeypatch.setattr(Hashing, "encode_query", turned)
    look(filled)
    (alert,) = alerts(filled)
    return alert.id


def look(library: Library) -> dict[str, float]:
    """Check the canaries as a process does that starts."""
    return dict(check_canaries(library.database, embedders_in_use(library.database)))


def alerts(library: Library) -> list[AlertRow]:
    """Return the open alerts."""
    with library.database.read() as session:
        return list(session.scalars(select(AlertRow).where(AlertRow.acknowledged_at.is_(None))))


def waiting(library: Library) -> list[str]:
    """Return the jobs that have not ended."""
    with library.database.read() as session:
        return list(session.scalars(select(Job.id).where(Job.state.not_in(FINAL_STATES)).order_by(Job.created_at)))


def run_all(library: Library) -> None:
    """Do every job there is."""
    while jobs := waiting(library):
        for job_id in jobs:
            assert library.run(job_id).state == "succeeded"


def stale_rows(library: Library) -> list[str]:
    """Return the rows in use, of any index, whose stored vector is not the one that the model gives now."""
    stale = []
    with library.database.read() as session:
        for index_id, recipe in RECIPES.items():
            served = select(Served, Segment).join(Segment, Segment.id == Served.segment_id)
            for place, segment in session.execute(served.where(Served.index_id == index_id)):
                folder = segment_folder(library.folder, index_id, segment.id) / "faiss_flat"
                searcher = recipe.stores[0].open(folder)
                text = session.scalars(select(Version.text).where(Version.id == place.version_id)).one() or ""
                chunks = load_chunks(session, recipe.chunking, [place.version_id])
                assert len(chunks) == place.row_count
                for row, vector in enumerate(vectors_now(chunks, text), place.first_row):
                    rows = np.array([row], np.int64)
                    (score,) = searcher.scores(Query(text="", vector=vector), rows, Statistics())
                    if abs(score - 1.0) > 1e-4:
                        stale.append(f"{index_id} {segment.id} {row}")
    return stale


def vectors_now(chunks: Sequence[ChunkRow], text: str) -> Vectors:
    """Return what the model gives now for the chunks of a text."""
    assert HYBRID.embedder is not None
    return HYBRID.embedder.encode([chunk.prefix + text[chunk.start : chunk.end] for chunk in chunks])


def test_afterwards_every_vector_is_the_new_models(filled: Library, changed: str) -> None:
    assert stale_rows(filled), "the canaries tell of vectors that lie in the indexes"
    accepted = accept_model(filled.database, changed)
    assert len(accepted.job_ids) == len(RECIPES)
    run_all(filled)
    assert stale_rows(filled) == []
    for index_id in RECIPES:
        assert check_index(filled.database, filled.folder, "w", index_id).is_intact
    with filled.database.read() as session:
        assert set(session.scalars(select(Segment.renewal).where(Segment.state == "live"))) == {1}
        assert set(session.scalars(select(Vector.renewal))) == {1}
        assert session.get_one(IndexRow, "j").maintained is False
    clean = Library(filled.database, filled.folder, "clean")
    clean.index(HYBRID, index_id="clean")
    clean.add(**DOCUMENTS)
    for query in ("amber", "sentence number three", "basil cedar"):
        found = sorted(filled.outcome(query, recipe=HYBRID))
        assert found == sorted(clean.outcome(query, recipe=HYBRID, index_id="clean"))


def test_the_alert_does_not_come_back_at_a_start(filled: Library, changed: str) -> None:
    accept_model(filled.database, changed)
    assert alerts(filled) == []
    assert look(filled) == {FINGERPRINT: 0.0}
    assert alerts(filled) == []


def test_without_acceptance_it_does(filled: Library, changed: str) -> None:
    with filled.database.write() as session:
        session.get_one(AlertRow, changed).acknowledged_at = session.get_one(AlertRow, changed).created_at
    filled.build()
    look(filled)
    assert [alert.kind for alert in alerts(filled)] == ["embedder_changed"]
    assert stale_rows(filled)


def test_accepting_twice_builds_once(filled: Library, changed: str) -> None:
    assert accept_model(filled.database, changed).job_ids
    assert accept_model(filled.database, changed).job_ids == ()
    with filled.database.read() as session:
        assert session.get_one(CanaryRow, FINGERPRINT).renewals == 1


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_builds_that_are_killed_between_steps_go_on(
    filled: Library, changed: str, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr("ingest.baking.TEXTS_PER_BATCH", 4)
    monkeypatch.setattr(serving, "ROWS_PER_SEGMENT", 8)
    accept_model(filled.database, changed)
    kills = 0
    for number in range(100):
        left = waiting(filled)
        if not left:
            break
        process = Library(filled.database, filled.folder)
        list(islice(process.steps(left[number % len(left)]), steps))
        kills += 1
        assert len(filled.outcome("sentence", recipe=HYBRID)) > 0, "the index answers throughout"
    assert kills > len(RECIPES)
    assert waiting(filled) == []
    assert stale_rows(filled) == []


def test_what_was_baked_before_and_is_committed_after_is_built_anew(
    filled: Library, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[str] = []

    def accept_first(*arguments: object) -> None:
        if not jobs:
            jobs.extend(accept_model(filled.database, changed).job_ids)
            for job_id in jobs:
                assert filled.run(job_id).state == "succeeded"
        share_segment(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("ingest.pipeline.share_segment", accept_first)
    filled.add(again=DOCUMENTS["amber"])
    assert len(waiting(filled)) == 1
    run_all(filled)
    assert stale_rows(filled) == []


def test_merges_before_the_build_are_no_hindrance(
    filled: Library, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "SEGMENTS_BEFORE_MERGE", 1)
    accept_model(filled.database, changed)
    assert filled.add(more="Some more words, written after the model was accepted.").state == "succeeded"
    run_all(filled)
    assert stale_rows(filled) == []
    assert filled.hits("written", recipe=HYBRID)


def test_what_the_cache_has_before_the_build_is_no_damage(filled: Library, changed: str) -> None:
    accept_model(filled.database, changed)
    assert filled.build("j").state == "succeeded"
    assert check_index(filled.database, filled.folder, "w", "i").is_intact


def test_only_a_model_that_changed_can_be_accepted(filled: Library) -> None:
    with filled.database.write() as session:
        alert = raise_alert(session, "index_damaged", "i", "it is damaged")
        assert alert is not None
    with pytest.raises(ConflictError, match="index_damaged"):
        accept_model(filled.database, alert.id)
    with pytest.raises(NotFoundError):
        accept_model(filled.database, "nosuch")
    assert waiting(filled) == []


@pytest.mark.parametrize("code", ["embedder_not_finite", "model_missing"])
def test_a_model_that_cannot_embed_is_not_accepted(
    filled: Library, changed: str, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def embed(embedder: Hashing, _text: str) -> Vectors:
        if code == "model_missing":
            raise UnavailableError("the model is not on this machine", hint="install it", code=code)
        return np.full(embedder.dimensions, np.nan, np.float32)

    monkeypatch.setattr(Hashing, "encode_query", embed)
    with pytest.raises(PlaygroundError, check=lambda error: isinstance(error, PlaygroundError) and error.code == code):
        accept_model(filled.database, changed)
    assert [alert.id for alert in alerts(filled)] == [changed]
    assert waiting(filled) == []
