"""What every embedder promises, on each registered member and on its settings that change the arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.errors import InvalidInputError
from ingest.embedders import Embedder, Vectors
from tests.ingest.embedders.stand_in import DIMENSIONS, stand_in
from tests.ingest.embedders.static_models import save_static_model

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "hashing": [{}, {"dimensions": 32, "word_pairs": True}, {"dimensions": 4096, "character_ngrams": 3}],
    "sentence_transformer": [
        {"precision": "fp32"},
        {"precision": "bf16"},
        {"precision": "fp32", "query_prefix": "query: ", "document_prefix": "passage: ", "dimensions": 200},
    ],
    "static": [{}, {"dimensions": 32}],
    "openai_compatible": [
        {},
        {"query_prefix": "query: ", "document_prefix": "passage: "},
        {"document_prefix": "x: ", "dimensions": 50},
    ],
}

TEXTS = (
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
)


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Yield the settings without which a member cannot be: a model of its own, an endpoint on this machine."""
    folder = save_static_model(tmp_path_factory.mktemp("static"))
    with stand_in() as server:
        endpoint = {"base_url": server.url, "model": "stand-in", "model_dimensions": DIMENSIONS}
        settings: dict[str, dict[str, Any]] = {"static": {"model": str(folder)}, "openai_compatible": endpoint}
        yield lambda kind: settings.get(kind, {})


def marked(kind: str, variant: dict[str, Any]) -> Any:
    name = "-".join([kind, *(f"{value}" for value in variant.values())])
    return pytest.param((kind, variant), id=name, marks=[pytest.mark.slow] if kind == "sentence_transformer" else [])


@pytest.fixture(
    scope="module", params=[marked(kind, one) for kind in Embedder.members() for one in VARIANTS.get(kind, [{}])]
)
def embedder(request: pytest.FixtureRequest, required: Callable[[str], dict[str, Any]]) -> Embedder:
    kind, variant = request.param
    return Embedder.members()[kind].model_validate({"kind": kind, **required(kind), **variant})


def tolerance(embedder: Embedder) -> float:
    """Return how far a row may move with its neighbours, as the family promises."""
    return 1e-2 if getattr(embedder, "precision", "fp32") == "bf16" else 1e-5


@lru_cache
def encoded(embedder: Embedder, texts: tuple[str, ...] = TEXTS) -> Vectors:
    """Return what the texts give, computed once: without AVX512-BF16 a processor takes seconds for them in bf16."""
    vectors = embedder.encode(texts)
    vectors.setflags(write=False)
    return vectors


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


def test_different_texts_have_different_vectors(embedder: Embedder) -> None:
    vectors = encoded(embedder)[np.array(embedder.count_tokens(TEXTS)) > 0]
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, 0.0)
    assert similarities.max() < 1.0 - 1e-4


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    vectors = embedder.encode([])
    assert vectors.shape == (0, embedder.vector_dimensions)
    assert vectors.dtype == np.float32


def test_the_same_call_gives_the_same_bytes(embedder: Embedder) -> None:
    np.testing.assert_array_equal(encoded(embedder), embedder.encode(list(TEXTS)))
    twin = type(embedder).model_validate(embedder.model_dump())
    np.testing.assert_array_equal(embedder.encode(TEXTS[:4]), twin.encode(TEXTS[:4]))


def test_a_row_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    alone = np.stack([embedder.encode([text])[0] for text in TEXTS])
    np.testing.assert_allclose(alone, encoded(embedder), atol=tolerance(embedder))


def test_a_query_is_encoded_like_a_document_behind_its_own_prefix(embedder: Embedder) -> None:
    query, document = (getattr(embedder, name, "") for name in ("query_prefix", "document_prefix"))
    plain = embedder.model_copy(update={"query_prefix": "", "document_prefix": ""} if query or document else {})
    is_text = np.array([bool(text) for text in TEXTS])
    of_documents, of_queries = (
        encoded(plain, tuple(prefix + text for text in TEXTS))[is_text] for prefix in (document, query)
    )
    np.testing.assert_allclose(encoded(embedder)[is_text], of_documents, atol=tolerance(embedder))
    for text, expected in zip((text for text in TEXTS if text), of_queries, strict=True):
        vector = embedder.encode_query(text)
        assert vector.shape == (embedder.vector_dimensions,)
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, expected, atol=tolerance(embedder))


def test_a_shortened_vector_is_the_beginning_of_the_whole_one(embedder: Embedder) -> None:
    field = type(embedder).model_fields.get("dimensions")
    if field is None or field.default is not None:  # vectors of any length are made, none is shortened
        return
    whole = embedder.model_copy(update={"dimensions": None})
    beginnings = encoded(whole)[:, : embedder.vector_dimensions]
    lengths = np.linalg.norm(beginnings, axis=1, keepdims=True)
    expected = np.divide(beginnings, lengths, out=np.zeros_like(beginnings), where=lengths > 0)
    np.testing.assert_allclose(encoded(embedder), expected, atol=tolerance(embedder))
    longer = {**embedder.model_dump(), "dimensions": whole.vector_dimensions + 1}
    with pytest.raises((InvalidInputError, ValidationError), match=str(whole.vector_dimensions)):
        type(embedder).model_validate(longer).check_usable()


def test_queries_of_many_threads_at_once_are_each_answered_right(embedder: Embedder) -> None:
    queries = [f"question {number} about {'foxes ' * (number % 5)}" for number in range(64)]
    alike = embedder.model_copy(update={"query_prefix": getattr(embedder, "document_prefix", "")})
    expected = embedder.encode(queries)
    with ThreadPoolExecutor(16) as pool:
        vectors = np.stack(list(pool.map(alike.encode_query, queries, timeout=120)))
    np.testing.assert_allclose(vectors, expected, atol=tolerance(embedder))


def test_shared_words_bring_texts_together(embedder: Embedder) -> None:
    query = embedder.encode_query("Which fruit grows on apple trees?")
    near, far = embedder.encode(["The fruit that grows on apple trees is red.", "Interest rates rose again in March."])
    assert query @ near > query @ far + 0.2


def test_tokens_are_counted_to_the_end_without_special_tokens(embedder: Embedder) -> None:
    assert embedder.count_tokens([]) == []
    assert embedder.count_tokens(["", "fox", "fox fox"]) == [0, 1, 2]
    assert embedder.count_tokens(["fox " * 3_000]) == [3_000]


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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(st.text(max_size=60), max_size=6))
def test_any_text_has_a_vector_of_unit_length_or_none_at_all(embedder: Embedder, texts: list[str]) -> None:
    lengths = np.linalg.norm(embedder.encode(texts), axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 1.0, atol=1e-5)
    counts = np.array(embedder.count_tokens(texts), int)
    assert (counts[lengths == 0] == 0).all()


def test_resolving_twice_changes_nothing_and_fixes_the_fingerprint(embedder: Embedder) -> None:
    resolved = embedder.resolved()
    assert resolved.resolved() == resolved
    assert resolved.resolved().fingerprint == resolved.fingerprint
    assert "auto" not in resolved.model_dump().values()
    np.testing.assert_array_equal(resolved.encode(TEXTS[:3]), embedder.encode(TEXTS[:3]))
    resolved.check_usable()


def test_every_setting_that_changes_vectors_changes_the_fingerprint(embedder: Embedder) -> None:
    plain = type(embedder).model_validate(
        {
            name: value
            for name, value in embedder.model_dump().items()
            if name not in ("query_prefix", "document_prefix", "dimensions")
        }
    )
    assert (plain == embedder) == (plain.fingerprint == embedder.fingerprint)


def test_what_embedding_costs_is_a_price_or_unknown_and_what_it_takes_is_positive(embedder: Embedder) -> None:
    price = embedder.usd_per_million_tokens
    assert (price is None or price > 0) if embedder.is_remote else price == 0
    assert embedder.tokens_per_second > 0
    assert embedder.query_seconds >= 0
