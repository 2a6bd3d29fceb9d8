"""Copies are found to the last bit, and each distinct vector knows the rows that have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexes.stores.vector_copies import VectorCopies, find_copies

WORLDS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


@given(world=WORLDS, most=st.integers(1, 5), asked=st.lists(st.integers(0, 5), unique=True))
def test_each_distinct_vector_knows_its_rows(world: list[tuple[int, bool]], most: int, asked: list[int]) -> None:
    values, allowed = [value for value, _ in world], np.array([allowed for _, allowed in world])
    copies = find_copies(np.array([[value, value / 7, 1] for value in values], dtype=np.float32))
    distinct = list(dict.fromkeys(values))
    if len(distinct) == len(values):
        assert copies is None
        return
    assert copies is not None
    assert len(copies) == len(distinct)
    assert [values[row] for row in copies.first_rows] == distinct
    seen = copies.allowed(allowed)
    assert seen is not None
    assert seen.tolist() == [any(a for v, a in world if v == value) for value in distinct]
    assert copies.allowed(None) is None
    numbers = [number for number in asked if number < len(distinct)]
    for mask in (None, allowed):
        expected = [
            row
            for number in numbers
            for row in [r for r, v in enumerate(values) if v == distinct[number] and (mask is None or mask[r])][:most]
        ]
        assert copies.allowed_rows(np.array(numbers, dtype=np.int64), mask, most).tolist() == expected


def test_what_differs_in_the_last_bit_is_no_copy() -> None:
    one = np.float32(1)
    assert find_copies(np.array([[one], [np.nextafter(one, np.float32(2))]])) is None


def test_what_was_written_is_read(tmp_path: Path) -> None:
    copies = find_copies(np.array([[2], [1], [2], [1], [3]], dtype=np.float32))
    assert copies is not None
    assert VectorCopies.read(tmp_path) is None
    copies.write(tmp_path)
    read = VectorCopies.read(tmp_path)
    assert read is not None
    assert (read.rows.tolist(), read.begins.tolist()) == ([0, 2, 1, 3, 4], [0, 2, 4])
