"""Baking: versions are cut once, each text is encoded once, and spans stay spans of the text."""

from __future__ import annotations

import hashlib
import threading

import pytest
from sqlalchemy import func, select, update

from indexes.database.catalog import list_chunks
from indexes.database.counters import VECTORS, load_counters
from indexes.database.tables import ChunkRow, Job, Vector
from indexes.jobs import RunningJob
from ingest import baking
from ingest.baking import batches, chunk_versions, embed_versions, load_chunks, load_indexed_texts
from ingest.recipe import IndexRecipe
from ingest.text_measures import measures_of
from tests.ingest.encodings import Encodings
from tests.ingest.library import CHUNKER, HYBRID, LEXICAL, Library, text_upload

TEXT = " ".join(f"Sentence number {number} says little." for number in range(12))


def running(library: Library, *texts: str) -> tuple[RunningJob, list[str]]:
    """Return a running job with a version of each text."""
    accepted, job_id = library.send(*(text_upload(f"d{number}", text) for number, text in enumerate(texts)))
    with library.database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state="running", lease=1))
    job = RunningJob(library.database, library.job(job_id), 1, threading.Event())
    return job, [one.version_id for one in accepted]


def chunks_of(library: Library, recipe: IndexRecipe, version_id: str) -> list[ChunkRow]:
    with library.database.read() as session:
        return list(list_chunks(session, version_id, recipe.chunking, first=0, limit=1_000))


def test_batches_hold_everything_in_order() -> None:
    assert [list(one) for one in batches(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []


def test_chunks_are_spans_of_the_text_with_their_hash(library: Library) -> None:
    job, (version_id,) = running(library, TEXT)
    list(chunk_versions(job, LEXICAL, [version_id]))
    chunks = chunks_of(library, LEXICAL, version_id)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert len(chunks) > 3
    assert "".join(TEXT[chunk.start : chunk.end] for chunk in chunks) == TEXT
    texts = load_indexed_texts(job, chunks)
    assert texts == [chunk.prefix + TEXT[chunk.start : chunk.end] for chunk in chunks]
    assert [chunk.indexed_sha256 for chunk in chunks] == [hashlib.sha256(text.encode()).hexdigest() for text in texts]


@pytest.mark.parametrize("together_characters", [1, 700, 200_000])
def test_every_chunk_has_the_measure_of_its_own_text(
    library: Library, together_characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baking, "MEASURED_CHARACTERS", together_characters)
    texts = [TEXT, "Short.", TEXT.upper(), " ", TEXT.replace("little", "a great deal")]
    job, version_ids = running(library, *texts)
    list(chunk_versions(job, LEXICAL, version_ids))
    measured = 0
    for version_id, text in zip(version_ids, texts, strict=True):
        for chunk in chunks_of(library, LEXICAL, version_id):
            (own,) = measures_of([text[chunk.start : chunk.end]])
            assert (chunk.text_tokens, chunk.text_simhash) == (own.tokens, own.simhash)
            measured += 1
    assert measured > 10


def test_a_chunker_that_encodes_commits_each_version_on_its_own(library: Library) -> None:
    chunker = {"kind": "semantic", "embedder": {"kind": "hashing"}, "size_tokens": 16}
    recipe = IndexRecipe.model_validate({"chunker": chunker, "stores": [{"kind": "bm25"}]})
    job, version_ids = running(library, TEXT, TEXT + TEXT, TEXT + " End.")
    assert len(list(chunk_versions(job, recipe, version_ids))) == 3
    assert all(chunks_of(library, recipe, version_id) for version_id in version_ids)


def test_a_version_is_cut_once_for_each_way_of_cutting(library: Library) -> None:
    job, version_ids = running(library, TEXT, TEXT + TEXT)
    assert len(list(chunk_versions(job, LEXICAL, version_ids))) == 1
    before = [chunks_of(library, LEXICAL, version_id) for version_id in version_ids]
    assert list(chunk_versions(job, HYBRID, version_ids)) == []
    coarse = IndexRecipe.model_validate({"chunker": {**CHUNKER, "size_tokens": 32}, "stores": [{"kind": "bm25"}]})
    list(chunk_versions(job, coarse, version_ids))
    assert [len(chunks_of(library, LEXICAL, one)) for one in version_ids] == [len(chunks) for chunks in before]
    assert 0 < len(chunks_of(library, coarse, version_ids[0])) < len(before[0])


def test_chunks_come_by_version_and_ordinal(library: Library) -> None:
    job, version_ids = running(library, TEXT, "short", TEXT)
    list(chunk_versions(job, LEXICAL, version_ids))
    with library.database.read() as session:
        chunks = load_chunks(session, LEXICAL.chunking, version_ids)
        assert load_chunks(session, "unknown", version_ids) == []
    keys = [(chunk.version_id, chunk.ordinal) for chunk in chunks]
    assert keys == sorted(keys)
    assert {version_id for version_id, _ in keys} == set(version_ids)


def test_equal_texts_are_encoded_once_and_cached_ones_never(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    encodings = Encodings(monkeypatch)
    job, version_ids = running(library, "the same", "the same", "another")
    list(chunk_versions(job, HYBRID, version_ids))
    list(embed_versions(job, HYBRID, version_ids))
    assert sorted(encodings.texts) == ["another", "the same"]
    assert list(embed_versions(job, HYBRID, version_ids)) == []
    with library.database.read() as session:
        counted = {one.label: one.value for one in load_counters(session) if one.name == VECTORS}
        assert counted == {"encoded": 2, "cached": 2}, "the second time, both were there"
        assert session.execute(select(Vector.embedder, func.count()).group_by(Vector.embedder)).all() == [
            (HYBRID.embedder.fingerprint if HYBRID.embedder is not None else "", 2)
        ]


def test_a_recipe_without_an_embedder_encodes_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    encodings = Encodings(monkeypatch)
    job, version_ids = running(library, TEXT)
    list(chunk_versions(job, LEXICAL, version_ids))
    assert list(embed_versions(job, LEXICAL, version_ids)) == []
    assert encodings.texts == []


def test_progress_counts_what_is_left_to_do(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.baking.VERSIONS_PER_BATCH", 2)
    monkeypatch.setattr("ingest.baking.TEXTS_PER_BATCH", 3)
    job, version_ids = running(library, *(f"text {number}" for number in range(5)))
    shown: list[tuple[str, int, int]] = []
    monkeypatch.setattr(job, "progress", lambda stage, done, total: shown.append((stage, done, total)))
    assert len(list(chunk_versions(job, HYBRID, version_ids))) == 3
    steps = embed_versions(job, HYBRID, version_ids)
    next(steps)
    steps.close()  # type: ignore[attr-defined]  # a generator
    list(embed_versions(job, HYBRID, version_ids))
    assert shown == [
        ("chunking", 0, 5), ("chunking", 2, 5), ("chunking", 4, 5), ("chunking", 5, 5),
        ("embedding", 0, 5), ("embedding", 0, 2), ("embedding", 2, 2),
    ]  # fmt: skip
