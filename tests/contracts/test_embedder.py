"""What every embedder promises, on each registered member and on its settings that change the arithmetic."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.embedders import Embedder, Vectors

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "hashing": [{}, {"dimensions": 32, "word_pairs": True}, {"dimensions": 4096, "character_ngrams": 3}],
    "sentence_transformer": [{"precision": "fp32"}, {"precision": "bf16"}],
}
EMBEDDERS = [
    member.model_validate({"kind": kind, **variant})
    for kind, member in Embedder.members().items()
    for variant in VARIANTS.get(kind, [{}])
]

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "",
    "Fox",
    "one line\r\nand another\twith a tab",
    "naïve café — “quoted” œuvre, Straße, ΑΒΓ",
    "日本語のテキスト 한국어 ไทย",
    "👩\u200d👩\u200d👧 emoji with joiners, and e\u0301 combining",
    "\u200b\u00ad…",
    "supercalifragilistic" * 30,
    "retrieval " * 700,
    "A sentence about cells, proteins and the genes that encode them, long enough to need several batches. " * 4,
]


def marked(embedder: Embedder) -> Any:
    settings_name = "-".join(f"{value}" for value in embedder.model_dump(exclude_defaults=True).values())
    return pytest.param(embedder, id=settings_name, marks=[pytest.mark.slow] if embedder.is_model else [])


every_embedder = pytest.mark.parametrize("embedder", [marked(embedder) for embedder in EMBEDDERS])


def tolerance(embedder: Embedder) -> float:
    """Return how far a row may move with its neighbours, as the family promises."""
    return 1e-2 if getattr(embedder, "precision", "fp32") == "bf16" else 1e-5


@lru_cache
def encoded(embedder: Embedder) -> Vectors:
    """Return what `TEXTS` give, computed once: without AVX512-BF16 a processor takes seconds for them in bf16."""
    vectors = embedder.encode(TEXTS)
    vectors.setflags(write=False)
    return vectors


@every_embedder
def test_rows_are_float32_of_unit_length_in_the_order_of_the_texts(embedder: Embedder) -> None:
    vectors = encoded(embedder)
    assert vectors.shape == (len(TEXTS), embedder.vector_dimensions)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    for text, length in zip(TEXTS, lengths, strict=True):
        assert length == pytest.approx(1.0, abs=1e-5) or (length == 0.0 and embedder.count_tokens([text]) == [0])
    shuffled = np.random.default_rng(7).permutation(len(TEXTS))
    again = embedder.encode([TEXTS[index] for index in shuffled])
    np.testing.assert_allclose(again, vectors[shuffled], atol=tolerance(embedder))


@every_embedder
def test_different_texts_have_different_vectors(embedder: Embedder) -> None:
    vectors = encoded(embedder)[np.array(embedder.count_tokens(TEXTS)) > 0]
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, 0.0)
    assert similarities.max() < 1.0 - 1e-4


@every_embedder
def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    vectors = embedder.encode([])
    assert vectors.shape == (0, embedder.vector_dimensions)
    assert vectors.dtype == np.float32


@every_embedder
def test_the_same_call_gives_the_same_bytes(embedder: Embedder) -> None:
    np.testing.assert_array_equal(encoded(embedder), embedder.encode(tuple(TEXTS)))
    twin = type(embedder).model_validate(embedder.model_dump())
    np.testing.assert_array_equal(embedder.encode(TEXTS[:4]), twin.encode(TEXTS[:4]))


@every_embedder
def test_a_row_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    alone = np.stack([embedder.encode([text])[0] for text in TEXTS])
    np.testing.assert_allclose(alone, encoded(embedder), atol=tolerance(embedder))


@every_embedder
def test_a_query_is_encoded_like_a_document(embedder: Embedder) -> None:
    for text, expected in zip(TEXTS, encoded(embedder), strict=True):
        vector = embedder.encode_query(text)
        assert vector.shape == (embedder.vector_dimensions,)
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, expected, atol=tolerance(embedder))


@every_embedder
def test_queries_of_many_threads_at_once_are_each_answered_right(embedder: Embedder) -> None:
    queries = [f"question {number} about {'foxes ' * (number % 5)}" for number in range(64)]
    expected = embedder.encode(queries)
    with ThreadPoolExecutor(16) as pool:
        vectors = np.stack(list(pool.map(embedder.encode_query, queries, timeout=120)))
    np.testing.assert_allclose(vectors, expected, atol=tolerance(embedder))


@every_embedder
def test_shared_words_bring_texts_together(embedder: Embedder) -> None:
    query = embedder.encode_query("Which fruit grows on apple trees?")
    near, far = embedder.encode(["The fruit that grows on apple trees is red.", "Interest rates rose again in March."])
    assert query @ near > query @ far + 0.2


@every_embedder
def test_tokens_are_counted_to_the_end_without_special_tokens(embedder: Embedder) -> None:
    assert embedder.count_tokens([]) == []
    assert embedder.count_tokens(["", "fox", "fox fox"]) == [0, 1, 2]
    assert embedder.count_tokens(["fox " * 3_000]) == [3_000]


@every_embedder
def test_what_lies_beyond_the_window_changes_nothing_and_what_lies_before_does(embedder: Embedder) -> None:
    window = embedder.window_tokens
    inside = window if window is not None else 3_000
    head = "fox " * (inside - 1)
    vectors = embedder.encode([head + "dog", head + "dog" + " cat" * 40_000, head + "cat"])
    difference = np.abs(vectors - vectors[0]).max(axis=1)
    assert difference[2] > 1e-4
    if window is None:
        assert difference[1] > 1e-4
    else:
        assert difference[1] <= tolerance(embedder)


@pytest.mark.parametrize("embedder", [e for e in EMBEDDERS if not e.is_model], ids=lambda e: str(e.fingerprint))
@settings(max_examples=50)
@given(texts=st.lists(st.text(max_size=60), max_size=6))
def test_any_text_has_a_vector_of_unit_length_or_none_at_all(embedder: Embedder, texts: list[str]) -> None:
    lengths = np.linalg.norm(embedder.encode(texts), axis=1)
    assert [bool(length) for length in lengths] == [count > 0 for count in embedder.count_tokens(texts)]
    np.testing.assert_allclose(lengths[lengths > 0], 1.0, atol=1e-5)


@pytest.mark.parametrize("kind", sorted(Embedder.members()))
def test_resolving_twice_changes_nothing_and_fixes_the_fingerprint(kind: str) -> None:
    resolved = Embedder.members()[kind].model_validate({"kind": kind}).resolved()
    assert resolved.resolved() == resolved
    assert resolved.resolved().fingerprint == resolved.fingerprint
    assert "auto" not in resolved.model_dump().values()
