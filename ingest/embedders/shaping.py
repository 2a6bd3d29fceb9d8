"""What embedders do around a model: a prefix in front of its texts, and only the first numbers of its vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from configs.errors import InvalidInputError
from configs.part import ADDED_BAKE_TIME
from configs.text import Text
from ingest.embedders import Vectors

MOST_PREFIX_CHARACTERS = 500

QueryPrefix = Annotated[
    Text,
    Field(
        max_length=MOST_PREFIX_CHARACTERS,
        description='put in front of each query, as in "query: " for e5 models; baked, so that vectors of queries and '
        "documents stay those of one index",
        json_schema_extra=ADDED_BAKE_TIME,
    ),
]
DocumentPrefix = Annotated[
    Text,
    Field(
        max_length=MOST_PREFIX_CHARACTERS,
        description='put in front of each text that is embedded, as in "passage: " for e5 models',
        json_schema_extra=ADDED_BAKE_TIME,
    ),
]
KeptDimensions = Annotated[
    int | None,
    Field(
        ge=1,
        le=65_536,
        description="keep the first so many numbers of a vector, scaled to length 1 again; good only with models that "
        "were trained for it (Matryoshka), and refused beyond the model's own length; none keeps all",
        json_schema_extra=ADDED_BAKE_TIME,
    ),
]


def check_dimensions(kept: int | None, whole: int) -> None:
    """Raise InvalidInputError (`too_many_dimensions`) where more numbers are to be kept than there are."""
    if kept is not None and kept > whole:
        raise InvalidInputError(
            f"dimensions is {kept}, but the model's vectors have {whole} numbers",
            hint=f"give at most {whole}, or leave dimensions out to keep them all",
            code="too_many_dimensions",
        )


def unit_rows(rows: npt.NDArray[np.floating], kept: int | None = None) -> Vectors:
    """Return the first `kept` numbers of each row, scaled to length 1; a row of zeros stays one.

    Raises InvalidInputError (`too_many_dimensions`).
    """
    check_dimensions(kept, rows.shape[1])
    shortened = rows[:, :kept].astype(np.float64)
    largest = np.abs(shortened).max(axis=1, keepdims=True, initial=0.0)
    shortened /= np.where(largest > 0, largest, 1.0)  # squares of what is left neither overflow nor vanish
    lengths = np.linalg.norm(shortened, axis=1, keepdims=True)
    return (shortened / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def count_behind(prefix: str, texts: Sequence[str], count: Callable[[Sequence[str]], list[int]]) -> list[int]:
    """Return how many tokens each text adds to the prefix's, as `count` counts them."""
    if not prefix:
        return count(texts)
    own, *counts = count([prefix, *(prefix + text for text in texts)])
    return [max(0, tokens - own) for tokens in counts]


def window_behind(prefix: str, window_tokens: int | None, count: Callable[[Sequence[str]], list[int]]) -> int | None:
    """Return what the prefix leaves of a window."""
    if window_tokens is None or not prefix:
        return window_tokens
    return max(0, window_tokens - count([prefix])[0])
