"""Who gets how many tokens: laws over random settings, and sums done by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.sections.allocation import allocate
from app.context.sections.settings import DEFAULT_SECTIONS, SECTION_ORDER, SectionName, SectionSettings
from configs.errors import InvalidInputError

Settings = dict[SectionName, SectionSettings]
Wanted = dict[SectionName, int]

NO_PROFILE: Settings = {"profile": SectionSettings()}

shares = st.one_of(st.sampled_from([0.0, 0.05, 0.25, 1 / 3, 0.5, 0.6, 1.0]), st.floats(0, 1))
tokens = st.one_of(st.integers(0, 12), st.integers(0, 400))


@st.composite
def section_settings(draw: st.DrawFn) -> SectionSettings:
    minimum_tokens = draw(st.one_of(st.just(0), tokens))
    return SectionSettings(
        share=draw(shares),
        priority=draw(st.integers(0, 3)),
        minimum_tokens=minimum_tokens,
        maximum_tokens=draw(st.one_of(st.none(), st.integers(minimum_tokens, minimum_tokens + 300))),
        overflow="drop_lowest",
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Wanted, Settings]:
    """Draw what sections want and their settings; those that must fit have no maximum."""
    names = draw(st.sets(st.sampled_from(SECTION_ORDER)))
    wanted = {name: draw(tokens) for name in SECTION_ORDER if draw(st.booleans()) or name in names}
    return wanted, {**DEFAULT_SECTIONS, **{name: draw(section_settings()) for name in sorted(names)}}


def most(wanted: Mapping[SectionName, int], chosen: Settings, name: SectionName) -> int:
    maximum_tokens = chosen[name].maximum_tokens
    return min(wanted.get(name, 0), 10**9 if maximum_tokens is None else maximum_tokens)


def least(wanted: Mapping[SectionName, int], chosen: Settings, name: SectionName) -> int:
    if chosen[name].overflow == "fail":
        return wanted.get(name, 0)
    return min(chosen[name].minimum_tokens, most(wanted, chosen, name))


def smallest_budget(wanted: Wanted, chosen: Settings) -> int:
    return sum(least(wanted, chosen, name) for name in SECTION_ORDER)


@given(world=worlds(), more_tokens=tokens)
def test_nobody_gets_more_than_fits_or_than_they_can_use(world: tuple[Wanted, Settings], more_tokens: int) -> None:
    wanted, chosen = world
    budget_tokens = smallest_budget(wanted, chosen) + more_tokens
    given_tokens = allocate(budget_tokens, wanted, chosen)
    assert tuple(given_tokens) == SECTION_ORDER
    everything = sum(most(wanted, chosen, name) for name in SECTION_ORDER)
    assert sum(given_tokens.values()) == min(budget_tokens, everything)
    for name in SECTION_ORDER:
        assert least(wanted, chosen, name) <= given_tokens[name] <= most(wanted, chosen, name)


@given(world=worlds(), more_tokens=tokens)
def test_a_larger_budget_lowers_nobody(world: tuple[Wanted, Settings], more_tokens: int) -> None:
    wanted, chosen = world
    smallest = smallest_budget(wanted, chosen)
    before = allocate(smallest, wanted, chosen)
    for budget_tokens in range(smallest + 1, smallest + 1 + min(more_tokens, 15)):
        after = allocate(budget_tokens, wanted, chosen)
        assert all(after[name] >= before[name] for name in SECTION_ORDER), (budget_tokens, before, after)
        before = after


def random_world(draw: random.Random) -> tuple[Wanted, Settings]:
    """Return a world of few tokens, where rounding hurts most."""
    chosen: Settings = {
        name: SectionSettings(
            share=draw.choice([0.0, 0.1, 0.2, 1 / 3, 0.5, 0.9, draw.random()]),
            priority=draw.randrange(4),
            minimum_tokens=draw.choice([0, 0, draw.randrange(9)]),
            overflow=draw.choice(["drop_lowest", "drop_lowest", "fail"]),
        )
        for name in SECTION_ORDER
    }
    return {name: draw.choice([0, draw.randrange(12), draw.randrange(60)]) for name in SECTION_ORDER}, chosen


def test_a_larger_budget_lowers_nobody_in_many_small_worlds() -> None:
    draw = random.Random(5)
    steps = 0
    for _ in range(80):
        wanted, chosen = random_world(draw)
        smallest = smallest_budget(wanted, chosen)
        before = allocate(smallest, wanted, chosen)
        while sum(before.values()) < sum(wanted.values()):
            smallest += 1
            after = allocate(smallest, wanted, chosen)
            assert sum(after.values()) == smallest
            assert all(after[name] >= before[name] for name in SECTION_ORDER), (wanted, chosen, smallest)
            before = after
            steps += 1
    assert steps > 3_000


@given(world=worlds(), more_tokens=tokens, data=st.data())
def test_the_order_of_the_inputs_changes_nothing(
    world: tuple[Wanted, Settings], more_tokens: int, data: st.DataObject
) -> None:
    wanted, chosen = world
    budget_tokens = smallest_budget(wanted, chosen) + more_tokens
    shuffled_wanted = dict(data.draw(st.permutations(list(wanted.items()))))
    shuffled_settings = dict(data.draw(st.permutations(list(chosen.items()))))
    assert allocate(budget_tokens, shuffled_wanted, shuffled_settings) == allocate(budget_tokens, wanted, chosen)


@given(world=worlds(), more_tokens=tokens)
def test_without_minimums_everybody_gets_their_share(world: tuple[Wanted, Settings], more_tokens: int) -> None:
    wanted, drawn = world
    chosen = {name: one.model_copy(update={"minimum_tokens": 0}) for name, one in drawn.items()}
    budget_tokens = smallest_budget(wanted, chosen) + more_tokens
    free = [name for name in SECTION_ORDER if chosen[name].overflow != "fail"]
    millionths = {name: round(chosen[name].share * 1_000_000) for name in free}
    whole = max(1_000_000, sum(millionths.values()))
    given_tokens = allocate(budget_tokens, wanted, chosen)
    for name in free:
        share_tokens = int(Fraction(millionths[name] * more_tokens, whole))
        assert given_tokens[name] >= min(most(wanted, chosen, name), share_tokens)


def test_the_default_shares() -> None:
    """2,000 tokens, 400 of them fixed: 5, 10 and 25 % of 1,600 and the rest for documents."""
    wanted: Wanted = {"system": 300, "question": 100, "profile": 999, "memories": 999, "history": 999}
    assert allocate(2_000, {**wanted, "documents": 9_999}) == {
        "system": 300,
        "workspace_instructions": 0,
        "notes": 0,
        "profile": 80,
        "history": 400,
        "memories": 160,
        "documents": 960,
        "question": 100,
    }


def test_unused_tokens_go_to_documents_first_then_to_history() -> None:
    quiet: Wanted = {"profile": 10, "memories": 0, "history": 999, "documents": 9_999}
    assert allocate(1_000, quiet) == allocate(1_000, {}) | {"profile": 10, "history": 250, "documents": 740}
    few: Wanted = {"profile": 10, "memories": 0, "history": 999, "documents": 100}
    assert allocate(1_000, few) == allocate(1_000, {}) | {"profile": 10, "history": 890, "documents": 100}


def test_an_anonymous_question_leaves_all_to_the_documents() -> None:
    given_tokens = allocate(1_000, {"system": 50, "question": 20, "documents": 10_000})
    assert given_tokens["documents"] == 930
    assert sum(given_tokens.values()) == 1_000


def test_documents_keep_their_part_from_everybody_else_at_once() -> None:
    hungry = allocate(10_000, dict.fromkeys(("profile", "history", "memories", "documents"), 10_000))
    assert hungry["documents"] == 6_000
    assert hungry["profile"] == 500
    assert hungry["memories"] == 1_000
    assert hungry["history"] == 2_500


def test_what_shares_leave_of_one_flows_by_priority() -> None:
    chosen: Settings = {
        "history": SectionSettings(share=0.2, priority=2),
        "memories": SectionSettings(share=0, priority=1),
        "documents": SectionSettings(share=0.4, priority=3),
    }
    given_tokens = allocate(100, dict.fromkeys(("history", "memories", "documents"), 500), {**chosen, **NO_PROFILE})
    assert given_tokens == allocate(0, {}) | {"history": 20, "memories": 40, "documents": 40}


def test_shares_above_one_are_scaled_down_and_an_odd_token_goes_by_priority() -> None:
    for first, second in (("history", "documents"), ("documents", "history")):
        chosen: Settings = {
            name: SectionSettings(share=1, priority=1 if name == first else 2)
            for name in SECTION_ORDER
            if name in (first, second)
        }
        empty = {"memories": SectionSettings(), **NO_PROFILE}
        given_tokens = allocate(11, {"history": 50, "documents": 50}, {**empty, **chosen})
        assert {name: tokens for name, tokens in given_tokens.items() if tokens} == {first: 6, second: 5}


def test_a_minimum_comes_before_shares_and_a_maximum_holds_when_tokens_flow_on() -> None:
    chosen: Settings = {
        "profile": SectionSettings(share=0.05, minimum_tokens=30, overflow="truncate_tail"),
        "documents": SectionSettings(share=0.6, priority=1, maximum_tokens=65),
        "history": SectionSettings(share=0.25, priority=2, overflow="drop_oldest"),
    }
    wanted: Wanted = {"profile": 40, "documents": 500, "history": 500}
    beside_the_minimum = {"profile": 30, "documents": 50, "history": 20}
    assert allocate(100, wanted, chosen) == allocate(0, {}) | beside_the_minimum
    flowing_on = {"profile": 30, "documents": 65, "history": 105}
    assert allocate(200, wanted, chosen) == allocate(0, {}) | flowing_on


@pytest.mark.parametrize(
    ("budget_tokens", "wanted", "chosen", "needed_tokens", "arithmetic"),
    [
        (
            799,
            {"system": 500, "question": 300, "documents": 900},
            {},
            800,
            "need 800 tokens (system 500 + question 300), but 799 are available: 1 too few",
        ),
        (
            100,
            {"system": 80, "memories": 60},
            {"memories": SectionSettings(minimum_tokens=50)},
            130,
            "need 130 tokens (system 80 + memories 50 (its minimum)), but 100 are available: 30 too few",
        ),
        (
            1_000,
            {"notes": 21},
            {"notes": SectionSettings(overflow="fail", maximum_tokens=20)},
            21,
            "the section notes needs 21 tokens, but its maximum_tokens is 20",
        ),
    ],
)
def test_what_cannot_fit_is_refused_with_the_arithmetic(
    budget_tokens: int, wanted: Any, chosen: Any, needed_tokens: int, arithmetic: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        allocate(budget_tokens, wanted, chosen)
    assert caught.value.code == "sections_do_not_fit"
    assert arithmetic in caught.value.detail
    assert caught.value.extra["needed_tokens"] == needed_tokens
    assert caught.value.hint


def test_exactly_what_must_fit_fits() -> None:
    given_tokens = allocate(800, {"system": 500, "question": 300, "documents": 900})
    assert (given_tokens["system"], given_tokens["question"], given_tokens["documents"]) == (500, 300, 0)


@pytest.mark.parametrize(("budget_tokens", "wanted"), [(-1, {}), (10, {"question": -1})])
def test_negative_tokens_are_a_mistake_of_the_caller(budget_tokens: int, wanted: Any) -> None:
    with pytest.raises(ValueError, match="tokens are 0 or more"):
        allocate(budget_tokens, wanted)
