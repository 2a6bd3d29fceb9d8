"""Ingest cost by hand; predicted sizes against the files that the stores write."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.economics.ingest_cost import (
    Precision,
    flat_index_bytes,
    ingest_cost_usd,
    lexical_index_bytes,
    stored_text_bytes,
)
from indexes.stores import SegmentRows
from indexes.stores.bm25 import POSTINGS_FILE, Bm25
from indexes.stores.faiss_flat import INDEX_FILE, FaissFlat


@pytest.mark.parametrize(
    ("tokens", "usd_per_million", "share", "months", "expected_usd"),
    [
        (10_000_000, 0.02, 0.0, 12, 0.2),
        (10_000_000, 0.02, 0.1, 12, 0.44),
        (10_000_000, 0.02, 0.1, 0, 0.2),
        (0, 0.02, 0.1, 12, 0.0),
        (5_000_000, 0.0, 1.0, 12, 0.0),
    ],
)
def test_ingest_cost_by_hand(
    tokens: int, usd_per_million: float, share: float, months: float, expected_usd: float
) -> None:
    assert ingest_cost_usd(tokens, usd_per_million, share, months) == pytest.approx(expected_usd)


@given(st.integers(0, 10**9), st.floats(0, 10), st.floats(0, 1), st.floats(0, 24), st.floats(0, 24))
def test_every_month_costs_the_same(tokens: int, price: float, share: float, first: float, second: float) -> None:
    whole = ingest_cost_usd(tokens, price, share, first + second)
    parts = ingest_cost_usd(tokens, price, share, first) + ingest_cost_usd(tokens, price, share, second)
    assert whole == pytest.approx(parts - ingest_cost_usd(tokens, price, share, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("precision", "expected_bytes"),
    [("float32", 1_536_000_000), ("bfloat16", 768_000_000), ("float16", 768_000_000), ("int8", 384_000_000)],
)
def test_a_million_vectors_by_hand(precision: Precision, expected_bytes: int) -> None:
    assert flat_index_bytes(1_000_000, 384, precision) == expected_bytes


def test_the_dense_file_has_the_predicted_size(tmp_path: Path) -> None:
    vectors = np.random.default_rng(3).normal(size=(500, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = SegmentRows(texts=["text"] * 500, vectors=vectors)
    FaissFlat(kind="faiss_flat").build(rows, tmp_path)
    measured = (tmp_path / INDEX_FILE).stat().st_size
    assert flat_index_bytes(500, 64) == pytest.approx(measured, rel=0.01)


def test_the_lexical_file_has_about_the_predicted_size(tmp_path: Path) -> None:
    random = Random(5)
    vocabulary = ["".join(random.choices("abcdefghijklm", k=random.randint(4, 10))) for _ in range(800)]
    texts = [" ".join(random.choices(vocabulary, k=90)) for _ in range(400)]
    Bm25(kind="bm25", stemming="none", stop_words="none").build(SegmentRows(texts=texts, vectors=None), tmp_path)
    postings = sum(len(set(text.split())) for text in texts)
    terms = len({word for text in texts for word in text.split()})
    measured = (tmp_path / POSTINGS_FILE).stat().st_size
    assert lexical_index_bytes(400, postings, terms) == pytest.approx(measured, rel=0.05)


def test_text_takes_a_fifth_more_than_its_characters() -> None:
    assert stored_text_bytes(1_000_000) == 1_200_000
