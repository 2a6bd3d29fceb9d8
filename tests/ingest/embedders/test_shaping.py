"""Shortened vectors have length 1 whatever their numbers, and prefixes take their share of a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from configs.errors import InvalidInputError
from ingest.embedders.shaping import check_dimensions, count_behind, unit_rows, window_behind


def letters(texts: Sequence[str]) -> list[int]:
    """Count runs of letters: a prefix that ends in a letter joins the word behind it."""
    return [len("".join(sign if sign.isalpha() else " " for sign in text).split()) for text in texts]


@given(
    rows=arrays(np.float64, (4, 6), elements=st.floats(-1e300, 1e300)),
    kept=st.none() | st.integers(1, 6),
)
def test_rows_have_length_one_and_keep_their_direction(rows: npt.NDArray[np.float64], kept: int | None) -> None:
    found = unit_rows(rows, kept)
    assert found.dtype == np.float32
    assert found.shape == (4, kept or 6)
    beginnings = rows[:, :kept]
    for row, beginning in zip(found, beginnings, strict=True):
        if not beginning.any():
            assert not row.any()
            continue
        assert np.linalg.norm(row.astype(np.float64)) == pytest.approx(1.0, abs=1e-6)
        scaled = beginning / np.abs(beginning).max()
        assert row @ scaled == pytest.approx(np.linalg.norm(scaled), rel=1e-5)


def test_no_rows_stay_no_rows() -> None:
    assert unit_rows(np.zeros((0, 6)), 4).shape == (0, 4)


def test_more_than_there_is_cannot_be_kept() -> None:
    check_dimensions(None, 6)
    check_dimensions(6, 6)
    for refuse in (lambda: check_dimensions(7, 6), lambda: unit_rows(np.ones((1, 6)), 7)):
        with pytest.raises(InvalidInputError, match="dimensions is 7, but") as caught:
            refuse()
        assert caught.value.code == "too_many_dimensions"


def test_a_prefix_takes_its_tokens_from_the_window() -> None:
    assert window_behind("", 10, letters) == 10
    assert window_behind("search query: ", 10, letters) == 8
    assert window_behind("a b c", 2, letters) == 0
    assert window_behind("a b c", None, letters) is None


@given(prefix=st.text("ab .", max_size=8), texts=st.lists(st.text("cd .", max_size=12), max_size=4))
def test_a_text_fits_by_its_count_just_when_it_fits_behind_its_prefix(prefix: str, texts: list[str]) -> None:
    window = 5
    left = window_behind(prefix, window, letters)
    assert left is not None
    for text, tokens in zip(texts, count_behind(prefix, texts, letters), strict=True):
        if letters([prefix])[0] <= window:
            assert (tokens <= left) == (letters([prefix + text])[0] <= window)
