"""Numbers of texts are worked out once, and the right one is returned whatever is remembered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import remembered
from app.context.remembered import Remembered


class Lengths(Remembered):
    """Remembers lengths, and lists what it was asked to work out."""

    def __init__(self) -> None:
        self.worked_out: list[str] = []
        super().__init__(self._lengths)

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        self.worked_out += texts
        return [len(text) for text in texts]


def test_each_text_is_worked_out_once() -> None:
    lengths = Lengths()
    assert lengths.of(["one", "three", "one"]) == [3, 5, 3]
    assert lengths.of(["three", "seven s"]) == [5, 7]
    assert lengths.of([]) == []
    assert lengths.worked_out == ["one", "three", "seven s"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "REMEMBERED_TEXTS", 3)
    lengths = Lengths()
    lengths.of(["a", "bb", "ccc"])
    assert lengths.of(["a", "dddd"]) == [1, 4]  # too many: what is asked for now is kept
    assert lengths.of(["a", "dddd"]) == [1, 4]
    assert lengths.worked_out == ["a", "bb", "ccc", "dddd"]
    assert lengths.of(["bb"]) == [2]
    assert lengths.worked_out == ["a", "bb", "ccc", "dddd", "bb"]


@given(asked=st.lists(st.lists(st.text(max_size=3), max_size=6), max_size=8), room=st.integers(0, 5))
def test_whatever_is_remembered_the_numbers_are_right(asked: list[list[str]], room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembered, "REMEMBERED_TEXTS", room)
        lengths = Lengths()
        for texts in asked:
            assert lengths.of(texts) == [len(text) for text in texts]
