"""Relevance against repetition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers import PackItem
from app.context.packers.gain import relevance_of
from app.context.packers.greedy import Greedy
from app.context.packers.mmr import Mmr
from app.context.packers.words import WordTable
from tests.app.context.packers.example_items import PACKED, item, sent, skipped
from tests.contracts.test_packer import budgets, items

MMR = Mmr(kind="mmr")
WORDS = "refund", "paid", "fourteen", "days", "seats", "teams", "limit"
written = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0.0, 0.4, 0.5, 1.0]), st.sets(st.sampled_from(WORDS), max_size=4)),
    max_size=8,
).map(lambda rows: [item(tokens, score, "a", 20 * n, " ".join(words)) for n, (tokens, score, words) in enumerate(rows)])


def test_what_says_something_else_goes_before_what_is_a_little_better() -> None:
    """Relevance is 1, 0.8, 0.6 and 0. The second shares two of four words with the first, the third none."""
    candidates = [
        item(40, 1.0, "a", text="refunds take days"),
        item(40, 0.8, "b", text="refunds need days"),
        item(40, 0.6, "c", text="forty seats"),
        item(40, 0.0, "d", text="opening hours"),
    ]
    assert MMR.pack(candidates, 80) == [PACKED, PACKED, skipped(40, 0), skipped(40, 0)]
    half = Mmr(kind="mmr", relevance_weight=0.5)
    assert half.pack(candidates, 80) == [PACKED, skipped(40, 0), PACKED, skipped(40, 0)]


def test_the_same_words_again_come_last() -> None:
    candidates = [
        item(40, 1.0, "a", text="Refunds take days."),
        item(40, 0.9, "b", text="refunds take days"),
        item(40, 0.1, "c", text="forty seats"),
        item(40, 0.0, "d", text="refunds take weeks"),
    ]
    assert sent(MMR.pack(candidates, 120)) == [0, 2, 3]
    almost = Mmr(kind="mmr", relevance_weight=0.99)
    assert sent(almost.pack(candidates, 120)) == [0, 2, 3]


@given(some=items(), budget_tokens=budgets)
def test_the_score_alone_is_greedy(some: list[PackItem], budget_tokens: int) -> None:
    alone = Mmr(kind="mmr", relevance_weight=1)
    assert alone.pack(some, budget_tokens) == Greedy(kind="greedy").pack(some, budget_tokens)


@given(some=items(), budget_tokens=budgets)
def test_items_that_have_nothing_in_common_are_taken_as_greedy_does(some: list[PackItem], budget_tokens: int) -> None:
    strangers = [
        PackItem(
            tokens=one.tokens,
            score=one.score,
            document_id=one.document_id,
            version_id=one.version_id,
            span=one.span,
            text=f"word{number}",
        )
        for number, one in enumerate(some)
    ]
    greedy = Greedy(kind="greedy")
    assert sent(MMR.pack(strangers, budget_tokens)) == sent(greedy.pack(strangers, budget_tokens))


@given(some=written, budget_tokens=st.integers(0, 160), weight=st.sampled_from([0.0, 0.3, 0.7]))
def test_the_definition_followed_step_by_step(some: list[PackItem], budget_tokens: int, weight: float) -> None:
    """`some` come in any order of scores; ties go to the item that is first by score and position."""
    some = sorted(some, key=lambda one: (-one.score, one.span.start))
    table = WordTable([one.text for one in some])
    relevance = relevance_of(some)
    taken: list[int] = []
    rest = list(range(len(some)))
    left_tokens = budget_tokens
    while rest:
        likeness = {number: max((table.similarities(other)[number] for other in taken), default=0) for number in rest}
        best = max(
            rest,
            key=lambda number: (
                likeness[number] < 1,
                weight * relevance[number] - (1 - weight) * likeness[number],
                -number,
            ),
        )
        rest.remove(best)
        if some[best].tokens <= left_tokens:
            taken.append(best)
            left_tokens -= some[best].tokens
    assert sent(Mmr(kind="mmr", relevance_weight=weight).pack(some, budget_tokens)) == sorted(taken)


def test_what_is_sent_for_min_sources_counts_as_sent() -> None:
    """The second document is represented first; what repeats it then waits."""
    candidates = [
        item(40, 1.0, "a", text="refunds take days"),
        item(40, 0.95, "b", text="forty seats"),
        item(40, 0.94, "c", text="seats forty"),
        item(40, 0.0, "d", text="opening hours"),
    ]
    assert sent(Mmr(kind="mmr", min_sources=2).pack(candidates, 120)) == [0, 1, 3]


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_its_range_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="relevance_weight"):
        Mmr(kind="mmr", relevance_weight=weight)
