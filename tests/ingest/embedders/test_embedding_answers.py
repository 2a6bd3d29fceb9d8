"""Answers of an endpoint: right ones are read in whatever form and order, and nothing else is."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.embedders.embedding_answers import BadAnswerError, read_answer

VECTORS = [[1.0, 0.0, 0.5], [0.0, -2.0, 0.0]]


def answer(vectors: list[Any] = VECTORS, **changes: Any) -> bytes:
    data = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return json.dumps({"data": data, "usage": {"prompt_tokens": 7}, **changes}).encode()


def read(content: bytes) -> Any:
    return read_answer(content, texts=2, dimensions=3)


def shown(row: np.ndarray[Any, np.dtype[np.float32]], is_base64: bool) -> str | list[float]:
    return base64.b64encode(row.astype("<f4").tobytes()).decode() if is_base64 else [float(value) for value in row]


@given(
    numbers=st.lists(st.lists(st.floats(0.5, 1e30), min_size=3, max_size=3), min_size=1, max_size=6),
    is_base64=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_vectors_come_back_in_the_order_of_the_texts(numbers: list[list[float]], is_base64: bool, order: Any) -> None:
    expected = np.asarray(numbers, np.float32)
    data = [{"index": index, "embedding": shown(row, is_base64)} for index, row in enumerate(expected)]
    order.shuffle(data)
    found = read_answer(json.dumps({"data": data}).encode(), texts=len(numbers), dimensions=3)
    np.testing.assert_array_equal(found.rows.astype(np.float32), expected)
    assert found.tokens is None


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 7, "total_tokens": 9}, 7),
        ({"total_tokens": 9}, 9),
        ({"prompt_tokens": -1}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": 1.5}, None),
        ({}, None),
        (None, None),
        ([7], None),
    ],
)
def test_the_tokens_that_are_charged_are_those_it_says(usage: Any, tokens: int | None) -> None:
    assert read(answer(usage=usage)).tokens == tokens


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (answer()[: len(answer()) // 2], "no JSON"),
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "no list"),
        (b"null", "no list"),
        (b'{"data": {}}', "no list"),
        (b'{"error": {"message": "overloaded"}}', "no list"),
        (answer(VECTORS[:1]), "1 vectors for 2 texts"),
        (answer([*VECTORS, VECTORS[0]]), "3 vectors for 2 texts"),
        (answer([[1.0, 2.0], [1.0, 2.0]]), r"shape \[2\]"),
        (answer([[[1.0, 0.0, 0.5]], VECTORS[1]]), r"shape \[1, 3\]"),
        (answer([[1.0, [2.0], 3.0], VECTORS[1]]), "neither"),
        (answer([{"a": 1}, VECTORS[1]]), "neither"),
        (answer([["x", "y", "z"], VECTORS[1]]), "neither"),
        (answer(["not base64!", VECTORS[1]]), "neither"),
        (answer([base64.b64encode(b"seven b").decode(), VECTORS[1]]), "neither"),
        (answer([None, VECTORS[1]]), "shape"),
        (answer([[10**400, 1, 1], VECTORS[1]]), "neither"),
        (answer([[float("nan"), 0.0, 1.0], VECTORS[1]]), "NaN"),
        (answer([[1.0, float("inf"), 1.0], VECTORS[1]]), "NaN or infinity"),
        (answer([[0.0, 0.0, 0.0], VECTORS[1]]), "all zeros"),
    ],
)
def test_anything_else_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadAnswerError, match=reason):
        read(content)


@pytest.mark.parametrize("indices", [[0, 0], [1, 2], [0, None], [0, "1"], [0, 1.0], [False, True], [-1, 0]])
def test_indices_that_leave_open_which_vector_is_whose_are_refused(indices: list[Any]) -> None:
    data = [{"index": index, "embedding": vector} for index, vector in zip(indices, VECTORS, strict=True)]
    with pytest.raises(BadAnswerError, match="indices"):
        read(json.dumps({"data": data}).encode())
    with pytest.raises(BadAnswerError, match="indices"):
        read(json.dumps({"data": [1, 2]}).encode())


@given(content=st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["data", "index", "embedding", "usage"]), inner, max_size=4),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_bytes_make_it_stumble(content: bytes) -> None:
    try:
        found = read(content)
    except BadAnswerError:
        return
    assert found.rows.shape == (2, 3)
    assert np.isfinite(found.rows).all()
