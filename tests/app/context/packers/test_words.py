"""Words, their weights, and how much texts have in common."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers.words import WEIGHT_STEPS, WordTable, words_of

texts = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=6).map(" ".join), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", set()),
        (" .,;! \n", set()),
        ("The limit, the (old) limit.", {"the", "limit", "old"}),
        ("Grüße\tan\nALLE", {"grüße", "an", "alle"}),
        ("**Refunds** take 3.5 %", {"refunds", "take", "3", "5", "%"}),
        (
            "退款将在十四天内支付退款将在十四天内支付",
            {"退款", "款将", "将在", "在十", "十四", "四天", "天内", "内支", "支付", "付退"},
        ),
    ],
)
def test_words_by_hand(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_weights_grow_with_rarity() -> None:
    """`a` is in both texts and weighs log 2 = 44/64, `b` and `c` in one and weigh log 3 = 70/64."""
    table = WordTable(["a b", "a c"])
    assert sorted(table.weights.tolist()) == [44, 70, 70]
    assert table.text_weights.tolist() == [114, 114]
    assert table.similarities(0).tolist() == [1.0, 44 / 184]


@given(some=texts)
def test_similarity_is_the_weighted_jaccard_index(some: list[str]) -> None:
    sets = [set(text.split()) for text in some]

    def weight(words: set[str]) -> int:
        holders = [sum(word in one for one in sets) for word in words]
        return sum(round(WEIGHT_STEPS * math.log(1 + len(sets) / count)) for count in holders)

    table = WordTable(some)
    for number, words in enumerate(sets):
        expected = [weight(words & other) / weight(words | other) if words | other else 0.0 for other in sets]
        assert table.similarities(number) == pytest.approx(expected)


@given(some=texts)
def test_similarity_is_symmetric_and_1_only_for_the_same_words(some: list[str]) -> None:
    table = WordTable(some)
    matrix = np.array([table.similarities(number) for number in range(len(some))])
    assert np.array_equal(matrix, matrix.T)
    assert ((matrix >= 0) & (matrix <= 1)).all()
    for one, first in enumerate(some):
        for other, second in enumerate(some):
            assert (matrix[one, other] == 1) == (set(first.split()) == set(second.split()) != set())


def test_no_text_holds_any_word() -> None:
    assert WordTable([]).text_weights.tolist() == []
    assert WordTable(["", ""]).similarities(1).tolist() == [0.0, 0.0]
