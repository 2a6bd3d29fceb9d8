"""The names of late vectors, and their way from chunks through the cache into an index."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from configs.span import Span
from indexes.database.tables import ChunkRow, Vector
from ingest.embedders import Vectors
from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.late_vectors import late_hashes, late_vectors, lead_of
from ingest.recipe import IndexRecipe
from tests.ingest.library import CHUNKER, Library

MODEL = {"kind": "sentence_transformer", "precision": "fp32"}
TEXT = " ".join(f"Sentence number {number} says little." for number in range(12))


def recipe(**settings: Any) -> IndexRecipe:
    content = {"chunker": {"kind": "late", "size_tokens": 16}, "embedder": MODEL, "stores": [{"kind": "faiss_flat"}]}
    return IndexRecipe.model_validate({**content, **settings})


PLAIN = recipe(chunker=CHUNKER)


@pytest.fixture
def read_texts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Replace the model by vectors that tell the text, what opens it and the span; return what was read."""
    read: list[tuple[str, str]] = []

    def spelled(words: Sequence[str]) -> Vectors:
        digests = b"".join(hashlib.sha256(one.encode()).digest() for one in words)
        rows = np.frombuffer(digests, np.uint8).astype(np.float32).reshape(-1, 32)
        lengths: Vectors = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / lengths

    def encode_spans(_: SentenceTransformer, text: str, lead: str, spans: Sequence[Span]) -> Vectors:
        read.append((lead, text))
        return spelled([f"{text}{lead}{span}" for span in spans])

    def encode(_: SentenceTransformer, texts: Sequence[str]) -> Vectors:
        return spelled(texts)

    monkeypatch.setattr(SentenceTransformer, "encode_spans", encode_spans)
    monkeypatch.setattr(SentenceTransformer, "encode", encode)
    return read


def names_in(library: Library, chunking: str) -> list[str]:
    with library.database.read() as session:
        statement = select(ChunkRow.indexed_sha256).where(ChunkRow.chunking == chunking)
        return list(session.scalars(statement.order_by(ChunkRow.version_id, ChunkRow.ordinal)))


def vectors_in(library: Library) -> dict[str, bytes]:
    with library.database.read() as session:
        return {vector.indexed_sha256: vector.vector for vector in session.scalars(select(Vector))}


@given(text=st.text(max_size=30), other=st.text(max_size=30), title=st.text(max_size=9))
def test_a_name_stands_for_one_span_of_one_text_cut_one_way(text: str, other: str, title: str) -> None:
    (name,) = late_hashes(recipe(), title, text, [Span(0, len(text))])
    assert name == late_hashes(recipe(), title, text, [Span(0, len(text))])[0]
    assert name != hashlib.sha256(text.encode()).hexdigest()
    assert (name == late_hashes(recipe(), title, other, [Span(0, len(text))])[0]) == (text == other)
    assert name != late_hashes(recipe(), title, text, [Span(0, len(text) + 1)])[0]
    other_size = recipe(chunker={"kind": "late", "size_tokens": 17})
    assert name != late_hashes(other_size, title, text, [Span(0, len(text))])[0]


def test_the_title_opens_windows_where_prefixes_are_wanted() -> None:
    assert lead_of(recipe(), "Berlin") == "Berlin\n\n"
    assert lead_of(recipe(context_prefix=False), "Berlin") == ""
    span = [Span(0, 4)]
    assert late_hashes(recipe(), "Berlin", "text", span) != late_hashes(recipe(), "Paris", "text", span)
    bare = recipe(context_prefix=False)
    assert late_hashes(bare, "Berlin", "text", span) == late_hashes(bare, "Paris", "text", span)


def test_late_and_ordinary_vectors_of_the_same_texts_never_meet(
    library: Library, read_texts: list[tuple[str, str]]
) -> None:
    library.index(PLAIN, index_id="plain")
    library.index(recipe(), index_id="late")
    assert library.add(one=TEXT, two=TEXT + " More.").state == "succeeded"
    plain, late = names_in(library, PLAIN.chunking), names_in(library, recipe().chunking)
    assert len(plain) == len(late) > 6
    assert set(plain).isdisjoint(late)
    assert len(set(late)) == len(late)
    vectors = vectors_in(library)
    assert set(vectors) == set(plain) | set(late)
    assert len(set(vectors.values())) == len(vectors)
    assert sorted(text for _, text in read_texts) == sorted([TEXT, TEXT + " More."])


def test_equal_documents_are_read_once_and_a_lost_vector_brings_all_of_its_text_back(
    library: Library, read_texts: list[tuple[str, str]]
) -> None:
    library.index(recipe(context_prefix=False), index_id="late")
    library.add(one=TEXT)
    library.add(two=TEXT)
    assert len(read_texts) == 1
    before = vectors_in(library)
    with library.database.write() as session:
        session.delete(session.scalars(select(Vector)).first())
    library.add(three=TEXT)
    assert len(read_texts) == 2
    assert vectors_in(library) == before


def test_an_index_finds_by_late_vectors(library: Library, read_texts: list[tuple[str, str]]) -> None:
    late = recipe(context_prefix=False)
    library.index(late, index_id="late")
    library.add(one=TEXT)
    assert read_texts == [("", TEXT)]
    with library.database.read() as session:
        rows = session.scalars(select(ChunkRow).order_by(ChunkRow.ordinal)).all()
    spans = [Span(row.start, row.end) for row in rows]
    expected = late_vectors(late, "", TEXT, spans)
    stored = vectors_in(library)
    for row, vector in zip(rows, expected, strict=True):
        np.testing.assert_array_equal(np.frombuffer(stored[row.indexed_sha256], "<f4"), vector)
    assert library.build("late").state == "succeeded"


def test_without_an_embedder_there_are_no_vectors() -> None:
    lexical = IndexRecipe.model_validate({"chunker": CHUNKER, "stores": [{"kind": "bm25"}]})
    with pytest.raises(ValueError, match="without an embedder"):
        late_vectors(lexical, "", TEXT, [])


@pytest.mark.slow
def test_a_model_with_another_pooling_is_refused_when_the_recipe_is_resolved(tmp_path: Any) -> None:
    from configs.errors import InvalidInputError
    from tests.ingest.embedders.small_models import save_model

    folder = save_model("cls and dense", tmp_path / "model")
    with pytest.raises(InvalidInputError) as refused:
        recipe(embedder={**MODEL, "model": str(folder)}).resolved()
    assert refused.value.code == "no_token_vectors"


@pytest.mark.slow
def test_the_shipped_model_finds_a_chunk_by_what_stands_before_it(library: Library) -> None:
    """One of two cities of like words: only the text around the chunk says which is Berlin."""
    tail = "It has more than three million inhabitants, and the city is one of the states of its country as well."
    texts = {name: f"{name} is a city on a river, known for its parks. {tail}" for name in ("Berlin", "Lima")}
    late = recipe(context_prefix=False)
    library.index(late, index_id="late")
    assert library.add(**texts).state == "succeeded"
    for name in texts:
        ranked = [hit for hit in library.hits(f"inhabitants of {name}", recipe=late, index_id="late") if hit.span.start]
        assert ranked[0].document_id == library.document(name).id
