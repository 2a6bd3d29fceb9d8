"""Reads what an endpoint that speaks OpenAI's protocol answers to POST …/embeddings, and trusts none of it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float64]


class BadAnswerError(Exception):
    """The answer is not what was asked for; the message says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One call's vectors, float64 [texts, dimensions] in the order of the texts, and the tokens that are charged."""

    rows: Rows
    tokens: int | None
    """None where the endpoint does not say."""


def read_answer(content: bytes, *, texts: int, dimensions: int) -> Answer:
    """Return what the endpoint answered; vectors may come as lists of numbers or as base64 of float32.

    They are put in order by their `index`. Raises BadAnswerError for anything but one vector for each text, finite, not
    all zeros, and of the right length.
    """
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise BadAnswerError("it is no JSON") from None
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        raise BadAnswerError("it holds no list `data`")
    if len(data) != texts:
        raise BadAnswerError(f"it holds {len(data)} vectors for {texts} texts")
    rows = np.zeros((texts, dimensions))
    for item, index in zip(data, _indices(data), strict=True):
        rows[index] = _row(item.get("embedding"), dimensions)
    return Answer(rows, _tokens(answer.get("usage")))


def _indices(data: list[Any]) -> list[int]:
    indices: list[Any] = [item.get("index") if isinstance(item, dict) else None for item in data]
    if any(type(index) is not int for index in indices) or sorted(indices) != list(range(len(data))):
        raise BadAnswerError(f"the indices of its vectors are not 0 to {len(data) - 1}, each once")
    return indices


def _row(embedding: Any, dimensions: int) -> Rows:
    try:
        if isinstance(embedding, str):
            row: Rows = np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float64)
        else:
            row = np.asarray(embedding, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise BadAnswerError("one of its vectors is neither a list of numbers nor base64 of float32") from None
    if row.shape != (dimensions,):
        raise BadAnswerError(f"one of its vectors has the shape {list(row.shape)}, expected were {dimensions} numbers")
    if not np.isfinite(row).all():
        raise BadAnswerError("one of its vectors holds NaN or infinity")
    if not row.any():
        raise BadAnswerError("one of its vectors is all zeros")
    return row


def _tokens(usage: Any) -> int | None:
    """Return the tokens of `usage`: its prompt tokens, else its total."""
    if not isinstance(usage, dict):
        return None
    counts = [usage.get(name) for name in ("prompt_tokens", "total_tokens")]
    return next((count for count in counts if type(count) is int and count >= 0), None)
