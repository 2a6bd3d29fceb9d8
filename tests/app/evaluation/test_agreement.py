"""Groups of spans, and rank-biased overlap against hand-computed values and the sum it abbreviates."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.agreement import group_spans, is_same, rank_biased_overlap, ranked_groups, span_agreement
from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.spans import place, places, rankings

ITEMS = st.lists(st.integers(0, 12), unique=True, max_size=9)
PERSISTENCE = st.sampled_from([0.5, 0.9, 0.98])


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (place(0, 100), place(0, 100), True),
        (place(0, 100), place(50, 150), True),
        (place(0, 100), place(51, 151), False),
        (place(0, 400), place(390, 410), True),
        (place(0, 400), place(391, 411), False),
        (place(0, 400), place(120, 130), True),
        (place(0, 100), place(100, 101), False),
        (place(0, 100), place(0, 100, "w"), False),
        (place(5, 5), place(0, 100), False),
        (place(5, 5), place(5, 5), True),
    ],
)
def test_spans_are_the_same_from_half_of_the_shorter_on(first: VersionSpan, second: VersionSpan, same: bool) -> None:
    assert is_same(first, second) is same
    assert is_same(second, first) is same


def test_pieces_of_a_long_span_are_one_group() -> None:
    long = [place(0, 400), place(400, 800)]
    short = [place(300, 400), place(0, 100), place(500, 600)]
    groups = group_spans([long, short])
    assert groups == {long[0]: 1, short[0]: 1, short[1]: 1, long[1]: 2, short[2]: 2}
    assert ranked_groups(short, groups) == [1, 2]


def test_a_span_joins_the_founder_it_overlaps_most() -> None:
    founders = [place(0, 100), place(100, 200)]
    moved = place(40, 130)
    groups = group_spans([founders, [moved]])
    assert groups[moved] == groups[founders[0]] != groups[founders[1]]


def test_in_a_tie_a_span_joins_the_earlier_founder() -> None:
    founders = [place(100, 200), place(0, 100)]
    between = place(51, 149)
    assert between.overlap(founders[0]) == between.overlap(founders[1])
    groups = group_spans([founders, [between]])
    assert groups[between] == groups[place(0, 100)]


def test_groups_are_numbered_by_best_rank() -> None:
    groups = group_spans([[place(500, 600), place(0, 100)], [place(0, 100, "w"), place(0, 110)]])
    assert groups == {place(500, 600): 1, place(0, 100, "w"): 2, place(0, 110): 3, place(0, 100): 3}


def test_a_group_stands_in_a_list_once_at_its_best_rank() -> None:
    ranked = [place(0, 100), place(500, 600), place(10, 100)]
    assert ranked_groups(ranked, group_spans([ranked])) == [1, 2]


@given(st.lists(rankings(), max_size=4))
def test_every_span_is_grouped_and_numbers_have_no_gap(lists: list[list[VersionSpan]]) -> None:
    groups = group_spans(lists)
    assert set(groups) == {one for ranked in lists for one in ranked}
    assert set(groups.values()) == set(range(1, len(set(groups.values())) + 1))


@given(st.lists(rankings(smallest=1), max_size=4))
def test_a_group_is_held_together_by_its_longest_span(lists: list[list[VersionSpan]]) -> None:
    groups = group_spans(lists)
    founders = {
        number: min((one for one in groups if groups[one] == number), key=lambda one: (-len(one), one))
        for number in groups.values()
    }
    assert all(is_same(one, founders[number]) for one, number in groups.items())
    assert not any(is_same(first, second) for first, second in combinations(founders.values(), 2))


@given(st.lists(rankings(), max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_the_lists_is_irrelevant(lists: list[list[VersionSpan]], random: Random) -> None:
    shuffled = sorted(lists, key=lambda _: random.random())
    assert group_spans(shuffled) == group_spans(lists)


def extrapolated_sum(first: list[int], second: list[int], persistence: float) -> float:
    """Return (1 - p) Σ p^(d-1) A_d to a depth where nothing is left, with the agreements that equation 32 assumes.

    Within both lists A_d is the share of common items. Beyond the short one, its future items are common with the same
    share as before; beyond both, the agreement stays.
    """
    short, long = sorted((first, second), key=len)
    agreement, total = 0.0, 0.0
    for depth in range(1, 3_000):
        if depth <= len(long):
            common = float(len(set(short[:depth]) & set(long[:depth])))
            share = len(set(short) & set(long[: len(short)])) / len(short)
            agreement = (common + share * max(0, depth - len(short))) / depth
        total += (1 - persistence) * persistence ** (depth - 1) * agreement
    return total


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3], [3, 2, 1], 0.855),  # (.1/.9)(1/2·.81 + 3/3·.729) + 3/3·.729
        ([1, 2], [2, 1], 0.9),  # (.1/.9)(2/2·.81) + 2/2·.81
        ([1], [2, 1], 0.45),  # (.1/.9)(1/2·.81) + (1/2 + 0)·.81
        ([1, 2], [1, 3, 2], 0.82),  # (.1/.9)(.9 + 1/2·.81 + (2/3 + 1/6)·.729) + (1/3 + 1/2)·.729
        ([1, 2, 3], [1, 4, 5], 0.9 / 9 + (0.405 + 0.243) / 9 + 0.243),
        ([1], [1, 2, 3], 1.0),
        ([], [1, 2], 0.0),
        ([], [], 1.0),
    ],
)
def test_rank_biased_overlap_by_hand(first: list[int], second: list[int], expected: float) -> None:
    assert rank_biased_overlap(first, second) == pytest.approx(expected, abs=1e-12)


@given(ITEMS.filter(len), ITEMS.filter(len), PERSISTENCE)
def test_it_is_the_sum_it_abbreviates(first: list[int], second: list[int], persistence: float) -> None:
    expected = extrapolated_sum(first, second, persistence)
    assert rank_biased_overlap(first, second, persistence) == pytest.approx(expected, abs=1e-9)


@given(ITEMS, ITEMS, PERSISTENCE)
def test_it_is_symmetric_and_between_0_and_1(first: list[int], second: list[int], persistence: float) -> None:
    overlap = rank_biased_overlap(first, second, persistence)
    assert overlap == rank_biased_overlap(second, first, persistence)
    assert 0.0 <= overlap <= 1.0


@given(ITEMS, PERSISTENCE)
def test_identical_lists_agree_fully_and_disjoint_ones_not_at_all(items: list[int], persistence: float) -> None:
    assert rank_biased_overlap(items, list(items), persistence) == pytest.approx(1.0)
    assert rank_biased_overlap(items, [item + 100 for item in items], persistence) == (0.0 if items else 1.0)


@given(ITEMS, ITEMS, st.permutations(range(13)))
def test_names_of_items_are_irrelevant(first: list[int], second: list[int], names: list[int]) -> None:
    renamed = rank_biased_overlap([f"{names[item]}" for item in first], [f"{names[item]}" for item in second])
    assert renamed == rank_biased_overlap(first, second)


def test_a_swap_at_the_top_costs_more_than_one_below() -> None:
    items = list(range(10))
    top, bottom = [1, 0, *items[2:]], [*items[:8], 9, 8]
    assert rank_biased_overlap(items, top) < rank_biased_overlap(items, bottom) < 1.0


def test_the_first_ten_ranks_carry_86_percent() -> None:
    assert rank_biased_overlap(range(300), [*range(10), *range(1000, 1290)]) == pytest.approx(0.86, abs=0.005)


@given(rankings(smallest=1))
def test_the_same_spans_agree_fully(ranked: list[VersionSpan]) -> None:
    assert span_agreement(ranked, list(ranked)) == pytest.approx(1.0)


@given(rankings(smallest=1), rankings(smallest=1))
def test_span_agreement_is_symmetric(first: list[VersionSpan], second: list[VersionSpan]) -> None:
    assert span_agreement(first, second) == span_agreement(second, first)


@given(rankings(smallest=1), rankings(smallest=1))
def test_spans_of_other_versions_disagree(first: list[VersionSpan], second: list[VersionSpan]) -> None:
    elsewhere = [VersionSpan("elsewhere", one.span) for one in second]
    assert span_agreement(first, elsewhere) == (1.0 if not first and not elsewhere else 0.0)


@given(places(smallest=2))
def test_lists_of_two_chunkers_agree_where_one_cuts_the_other_s_spans(one: VersionSpan) -> None:
    middle = (one.span.start + one.span.end) // 2
    halves = [place(one.span.start, middle, one.version_id), place(middle, one.span.end, one.version_id)]
    assert span_agreement([one], halves) == pytest.approx(1.0)


def test_other_lists_have_no_influence() -> None:
    first, second, whole = [place(0, 100)], [place(200, 300)], [place(0, 1000)]
    groups = group_spans([first, second, whole])
    assert groups[first[0]] == groups[second[0]]
    assert span_agreement(first, second) == 0.0
