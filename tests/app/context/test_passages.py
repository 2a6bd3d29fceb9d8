"""Which candidates repeat what a better one says."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.envelope import Origin
from app.context.passages import Candidate, Decision, Selected, deduplicate, remaining_span
from configs.span import Span, union
from ingest.text_measures import measures_of
from tests.app.context.library import Library, prose

TEXT = prose(400)
LIBRARY = Library({"a-1": TEXT, "a-2": TEXT.upper(), "b-1": prose(400, seed=1)})


def run(
    *candidates: Candidate, threshold: float = 0.8, distance: int | None = None
) -> tuple[list[Selected], list[Decision]]:
    return deduplicate(candidates, span_overlap_threshold=threshold, near_duplicate_distance=distance)


def outcomes(decisions: list[Decision]) -> list[tuple[int, str, dict[str, int | float]]]:
    return [(decision.hit.rank, decision.reason, dict(decision.details)) for decision in decisions]


def spans(selected: list[Selected]) -> list[tuple[int, int]]:
    return [(part.span.start, part.span.end) for part in selected]


def test_a_candidate_is_as_long_as_its_span() -> None:
    whole = LIBRARY.candidate(1, "a-1", 0, 20)
    with pytest.raises(ValueError, match="19 characters"):
        dataclasses.replace(whole, text=whole.text[1:])


@pytest.mark.parametrize(("text", "position"), [("word", 10), ("\n\n word", 13), ("   ", 13)])
def test_a_candidate_is_described_at_its_first_character(text: str, position: int) -> None:
    hit = dataclasses.replace(LIBRARY.candidate(1, "a-1").hit, span=Span(10, 10 + len(text)))
    assert Candidate(hit=hit, text=text, measure=measures_of([text])[0], origin=Origin()).described_at == position


def test_different_passages_stay_as_they_are() -> None:
    candidates = [LIBRARY.candidate(1, "a-1", 0, 100), LIBRARY.candidate(2, "b-1", 0, 100)]
    selected, decisions = run(*candidates, distance=3)
    assert [part.candidate for part in selected] == candidates
    assert not any(part.is_trimmed for part in selected)
    assert decisions == []


def test_the_same_text_elsewhere_is_an_exact_duplicate() -> None:
    library = Library({"a-1": "Terms apply. " * 2, "b-1": "Terms apply. "})
    selected, decisions = run(
        library.candidate(1, "b-1"), library.candidate(2, "a-1", 0, 13), library.candidate(3, "a-1", 13, 26)
    )
    assert spans(selected) == [(0, 13)]
    assert outcomes(decisions) == [(2, "exact_duplicate", {"of_rank": 1}), (3, "exact_duplicate", {"of_rank": 1})]


@pytest.mark.parametrize(
    ("second", "overlap"),
    [
        ((120, 220), 0.8),  # 80 of 100
        ((110, 190), 1.0),  # inside
        ((0, 1_000), 1.0),  # around
        ((60, 560), 1.0),  # around, on one side only just
    ],
)
def test_a_span_that_is_mostly_known_is_dropped(second: tuple[int, int], overlap: float) -> None:
    selected, decisions = run(LIBRARY.candidate(1, "a-1", 100, 200), LIBRARY.candidate(2, "a-1", *second))
    assert spans(selected) == [(100, 200)]
    assert outcomes(decisions) == [(2, "span_overlap", {"of_rank": 1, "overlap": overlap})]


@pytest.mark.parametrize(
    ("second", "trimmed"),
    [
        ((121, 221), (200, 221)),  # 79 of 100
        ((21, 121), (21, 100)),
        ((200, 300), (200, 300)),
        ((0, 100), (0, 100)),
    ],
)
def test_a_span_that_is_partly_known_is_trimmed(second: tuple[int, int], trimmed: tuple[int, int]) -> None:
    selected, decisions = run(LIBRARY.candidate(1, "a-1", 100, 200), LIBRARY.candidate(2, "a-1", *second))
    assert spans(selected) == [(100, 200), trimmed]
    assert selected[1].text == TEXT[slice(*trimmed)]
    assert selected[1].is_trimmed == (second != trimmed)
    assert decisions == []


def test_a_span_is_trimmed_at_both_ends() -> None:
    candidates = [(0, 120), (180, 300), (100, 200)]
    selected, _ = run(*(LIBRARY.candidate(rank, "a-1", *span) for rank, span in enumerate(candidates, start=1)))
    assert spans(selected) == [(0, 120), (180, 300), (120, 180)]


def test_what_two_others_cover_together_is_dropped() -> None:
    candidates = [(0, 150), (155, 300), (100, 210)]
    selected, decisions = run(*(LIBRARY.candidate(rank, "a-1", *span) for rank, span in enumerate(candidates, start=1)))
    assert spans(selected) == [(0, 150), (155, 300)]
    assert outcomes(decisions) == [(3, "span_overlap", {"of_rank": 2, "overlap": round(105 / 110, 4)})]


def test_a_remainder_of_white_space_is_dropped() -> None:
    library = Library({"a-1": "a" * 60 + " \n" * 40 + "b" * 60})
    selected, decisions = run(library.candidate(1, "a-1", 0, 60), library.candidate(2, "a-1", 40, 120))
    assert spans(selected) == [(0, 60)]
    assert outcomes(decisions) == [(2, "span_overlap", {"of_rank": 1, "overlap": round(20 / 60, 4)})]


def test_equal_offsets_of_another_version_are_no_overlap() -> None:
    selected, decisions = run(LIBRARY.candidate(1, "a-1", 0, 100), LIBRARY.candidate(2, "a-2", 0, 100))
    assert len(selected) == 2
    assert decisions == []


def test_a_near_duplicate_names_the_nearest_better_one() -> None:
    candidates = [LIBRARY.candidate(1, "b-1"), LIBRARY.candidate(2, "a-1"), LIBRARY.candidate(3, "a-2")]
    selected, decisions = run(*candidates, distance=3)
    assert [part.candidate.hit.rank for part in selected] == [1, 2]
    assert outcomes(decisions) == [(3, "near_duplicate", {"of_rank": 2, "distance": 0})]


def test_of_several_better_ones_the_nearest_is_named() -> None:
    words = prose(80).split()
    far = " ".join("y70" if number == 70 else word for number, word in enumerate(words))
    close = " ".join(f"x{number}" if number in (5, 40) else word for number, word in enumerate(words))
    library = Library({"a-1": far, "b-1": close, "c-1": " ".join(words)})
    candidates = [library.candidate(rank, version_id) for rank, version_id in enumerate(library.versions, start=1)]
    selected, decisions = run(*candidates, distance=7)
    assert len(selected) == 2
    assert outcomes(decisions) == [(3, "near_duplicate", {"of_rank": 2, "distance": 2})]
    assert outcomes(run(candidates[0], candidates[2], distance=7)[1]) == [
        (3, "near_duplicate", {"of_rank": 1, "distance": 7})
    ]


def test_near_duplicates_stay_where_the_policy_says_so() -> None:
    selected, _ = run(LIBRARY.candidate(1, "a-1"), LIBRARY.candidate(2, "a-2"), distance=None)
    assert len(selected) == 2


def test_only_what_stays_makes_duplicates() -> None:
    """The second goes, so the third, which overlaps it alone, is neither trimmed nor dropped."""
    candidates = [(100, 200), (110, 210), (200, 300)]
    selected, decisions = run(*(LIBRARY.candidate(rank, "a-1", *span) for rank, span in enumerate(candidates, start=1)))
    assert spans(selected) == [(100, 200), (200, 300)]
    assert [decision.hit.rank for decision in decisions] == [2]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], (10, 20)),
        ([Span(0, 10), Span(20, 30)], (10, 20)),
        ([Span(0, 12), Span(18, 30)], (12, 18)),
        ([Span(0, 15), Span(15, 30)], (15, 15)),
        ([Span(0, 30)], (30, 30)),
        ([Span(10, 12), Span(5, 14)], (14, 20)),
    ],
)
def test_remaining_spans_by_hand(others: list[Span], expected: tuple[int, int]) -> None:
    assert remaining_span(Span(10, 20), others) == Span(*expected)


@given(
    drawn=st.lists(st.tuples(st.sampled_from(["a-1", "b-1"]), st.integers(0, 60), st.integers(1, 40)), max_size=10),
    threshold=st.floats(0.05, 1),
)
def test_no_character_is_selected_twice_and_none_of_what_stays_is_lost(
    drawn: list[tuple[str, int, int]], threshold: float
) -> None:
    candidates = [
        LIBRARY.candidate(rank, version_id, start * 10, (start + length) * 10)
        for rank, (version_id, start, length) in enumerate(drawn, start=1)
    ]
    selected, decisions = run(*candidates, threshold=threshold)
    ranks = [part.candidate.hit.rank for part in selected]
    assert sorted([*ranks, *(decision.hit.rank for decision in decisions)]) == list(range(1, len(drawn) + 1))
    assert ranks == sorted(ranks)
    for version_id in LIBRARY.versions:
        parts = [part for part in selected if part.candidate.hit.version_id == version_id]
        covered = union([part.span for part in parts])
        assert sum(map(len, covered)) == sum(len(part.span) for part in parts)
        assert covered == union([part.candidate.hit.span for part in parts])
        assert all(part.text == LIBRARY.text_of(version_id, part.span) for part in parts)
    for decision in decisions:
        assert decision.details["of_rank"] in ranks
        assert decision.details["of_rank"] < decision.hit.rank
        assert not decision.is_included


@given(drawn=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), max_size=8), threshold=st.floats(0.05, 1))
def test_whoever_shares_the_thresholds_part_with_one_that_stays_is_dropped(
    drawn: list[tuple[int, int]], threshold: float
) -> None:
    candidates = [
        LIBRARY.candidate(rank, "a-1", start * 10, (start + length) * 10)
        for rank, (start, length) in enumerate(drawn, start=1)
    ]
    selected, _ = run(*candidates, threshold=threshold)
    found = [part.candidate.hit.span for part in selected]
    for number, span in enumerate(found):
        for better in found[:number]:
            assert span.overlap(better) / min(len(span), len(better)) < threshold
