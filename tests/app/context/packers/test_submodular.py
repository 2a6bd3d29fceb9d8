"""Coverage per token."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from app.context.packers import PackItem, Room
from app.context.packers.submodular import Coverage, Submodular
from tests.app.context.packers.example_items import PACKED, allowed_sets, item, sent, skipped
from tests.app.context.packers.test_mmr import written

SUBMODULAR = Submodular(kind="submodular")


def test_what_repeats_sent_text_makes_way_for_what_is_new() -> None:
    candidates = [
        item(40, 1.0, "a", text="refunds take fourteen days"),
        item(40, 0.9, "b", text="refunds take days"),
        item(40, 0.6, "c", text="forty seats for teams"),
        item(40, 0.0, "d", text="opening hours"),
    ]
    assert SUBMODULAR.pack(candidates, 80) == [PACKED, skipped(40, 0), PACKED, skipped(40, 0)]


def test_of_the_same_words_the_shorter_item_is_sent() -> None:
    candidates = [item(90, 0.5, "a", text="forty seats"), item(40, 0.5, "b", text="forty seats")]
    assert SUBMODULAR.pack(candidates, 100) == [skipped(90, 60), PACKED]


def test_one_item_that_covers_more_than_the_densest_ones_is_sent_first() -> None:
    """One word for 10 tokens is denser than eight for 100, but covers less."""
    candidates = [item(10, 0.5, "a", text="seats"), item(100, 0.5, "b", text="q w e r t z u i")]
    assert SUBMODULAR.pack(candidates, 105) == [skipped(10, 5), PACKED]


def test_a_word_is_covered_as_well_as_its_most_relevant_holder() -> None:
    """Two words in two items each weigh log 2, in one log 3; relevance is 1 and 0.5."""
    scored = [item(1, 1.0, text="red blue"), item(1, 0.5, start=20, text="blue grey"), item(1, 0.0, start=40)]
    coverage = Coverage(scored)
    red, blue, grey = (round(64 * math.log(1 + 3 / holders)) for holders in (1, 2, 1))
    steps = 1 << 20
    assert coverage.of([0]) == steps * (red + blue)
    assert coverage.of([1]) == steps * (blue + grey) / 2
    assert coverage.of([0, 1]) == coverage.of([1, 0]) == steps * (red + blue + grey / 2)
    assert coverage.of([2]) == coverage.of([]) == 0


@given(some=written, data=st.data())
def test_coverage_is_monotone_and_submodular(some: list[PackItem], data: st.DataObject) -> None:
    if some:
        coverage = Coverage(some)
        numbers = st.sets(st.integers(0, len(some) - 1))
        more, added = data.draw(numbers), data.draw(st.integers(0, len(some) - 1))
        fewer = data.draw(st.sets(st.sampled_from(sorted(more)))) if more else set()
        gain_of_fewer = coverage.of({*fewer, added}) - coverage.of(fewer)
        gain_of_more = coverage.of({*more, added}) - coverage.of(more)
        assert gain_of_fewer >= gain_of_more >= 0


@given(some=written, budget_tokens=st.integers(1, 160))
def test_the_best_coverage_is_approached_as_promised(some: list[PackItem], budget_tokens: int) -> None:
    costly = [
        item(one.tokens + 1, one.score, one.document_id, one.span.start, one.text) for one in some
    ]  # the promise is for costs above 0
    costly.sort(key=lambda one: (-one.score, one.span.start))
    coverage = Coverage(costly)
    best = max(coverage.of(numbers) for numbers in allowed_sets(costly, budget_tokens))
    found = coverage.of(sent(SUBMODULAR.pack(costly, budget_tokens)))
    assert found >= (1 - 1 / math.e) / 2 * best


@given(some=written, budget_tokens=st.integers(0, 160))
def test_laziness_changes_nothing(some: list[PackItem], budget_tokens: int) -> None:
    """The same as working out every gain anew at every step."""
    coverage = Coverage(some)
    lazy, eager = (Room(some, budget_tokens, budget_tokens) for _ in range(2))
    coverage.fill(lazy)
    while True:
        densities = {number: gain / max(1, some[number].tokens) for number, gain in coverage.gains(eager).items()}
        best = max(densities, key=densities.__getitem__, default=None)
        if best is None or densities[best] == 0:
            break
        eager.offer(best)
    assert lazy.taken() == eager.taken()


def test_what_is_sent_for_min_sources_counts_as_covered() -> None:
    candidates = [
        item(40, 1.0, "a", text="refunds take days"),
        item(40, 0.95, "b", text="forty seats"),
        item(40, 0.94, "c", text="seats forty"),
        item(40, 0.1, "d", text="opening hours"),
        item(40, 0.0, "e", text="refunds"),
    ]
    assert sent(Submodular(kind="submodular", min_sources=2).pack(candidates, 120)) == [0, 1, 3]
