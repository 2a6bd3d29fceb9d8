"""What found text is credited with, against hand-computed examples and sets of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.metrics.credited_spans import credit, disjoint, is_half_covered, places_of
from app.evaluation.outcome import Label
from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import labels, marked, whole
from tests.app.evaluation.spans import characters, place, rankings


def covered_by_sets(label: Label, found: list[VersionSpan]) -> set[tuple[str, int]]:
    """Return the marked characters of which the place or any copy was found."""
    held = characters(found)
    if label.place is None:
        return set()
    return {
        (label.place.version_id, label.place.span.start + offset)
        for source in places_of(label)
        for offset in range(len(label.place))
        if (source.version_id, source.span.start + offset) in held
    }


@given(st.lists(labels(), max_size=4), rankings())
def test_covered_are_the_characters_of_which_any_copy_was_found(all_: list[Label], found: list[VersionSpan]) -> None:
    credited = credit(all_, found)
    assert characters(credited.gold) == characters(label.place for label in all_ if label.place)
    assert characters(credited.covered) == set().union(*(covered_by_sets(label, found) for label in all_))


@given(st.lists(labels(), max_size=4), rankings())
def test_used_is_found_text_and_enough_of_it(all_: list[Label], found: list[VersionSpan]) -> None:
    credited = credit(all_, found)
    assert characters(credited.used) <= characters(found)
    assert characters(credit(all_, credited.used).covered) == characters(credited.covered)


@given(labels(), rankings())
def test_of_one_label_as_much_is_used_as_is_covered(label: Label, found: list[VersionSpan]) -> None:
    """A place and a copy of it may overlap, where a text repeats itself; then less is used."""
    credited = credit([label], found)
    sources = places_of(label)
    apart = not any(one.overlap(other) for number, one in enumerate(sources) for other in sources[:number])
    covered, used = len(characters(credited.covered)), len(characters(credited.used))
    assert used == covered if apart else used <= covered


@given(rankings())
def test_disjoint_places_cover_the_same_once(found: list[VersionSpan]) -> None:
    apart = disjoint(found)
    assert characters(apart) == characters(found)
    assert sum(map(len, apart)) == len(characters(found))
    assert all(map(len, apart))
    assert list(apart) == sorted(apart)


def test_what_the_place_lacks_comes_from_the_copies_in_turn() -> None:
    label = marked(10, 30, copies=[place(110, 130), place(0, 20, "w")])
    credited = credit([label], [place(0, 15), place(112, 120), place(8, 12, "w")])
    assert credited.gold == (place(10, 30),)
    assert credited.covered == (place(10, 22),)
    assert credited.used == (place(10, 15), place(115, 120), place(10, 12, "w"))


def test_a_copy_fills_the_gaps_of_the_place_on_every_side() -> None:
    label = marked(10, 30, copies=[place(50, 70)])
    credited = credit([label], [place(14, 16), place(20, 22), place(50, 70)])
    assert credited.covered == (place(10, 30),)
    assert credited.used == (place(14, 16), place(20, 22), place(50, 54), place(56, 60), place(62, 70))


def test_a_copy_of_what_was_found_already_is_not_used() -> None:
    label = marked(10, 30, copies=[place(10, 30, "w")])
    credited = credit([label], [place(10, 30, "w"), place(10, 30)])
    assert credited.used == (place(10, 30),)


def test_labels_that_are_copies_of_each_other_are_both_covered_by_one() -> None:
    twins = [marked(0, 10, copies=[place(5, 15, "w")]), marked(5, 15, "w", copies=[place(0, 10)])]
    credited = credit(twins, [place(0, 10)])
    assert credited.covered == (place(0, 10), place(5, 15, "w"))
    assert credited.used == (place(0, 10),)


def test_what_touches_is_worth_nothing() -> None:
    label = marked(10, 20, copies=[place(40, 50)])
    credited = credit([label], [place(0, 10), place(20, 40), place(50, 60), place(10, 20, "w"), place(15, 15)])
    assert credited.covered == credited.used == ()


def test_a_whole_document_marks_no_characters() -> None:
    assert places_of(whole()) == ()
    assert credit([whole()], [place(0, 10)]) == credit([], [])


@pytest.mark.parametrize(
    ("found", "is_half"),
    [
        ([(10, 15)], True),
        ([(10, 14)], False),
        ([(10, 12), (17, 20)], True),
        ([(10, 13), (11, 14)], False),
        ([(10, 12), (115, 118)], True),
        ([(0, 10), (20, 30)], False),
        ([], False),
    ],
)
def test_half_of_ten_characters_is_five(found: list[tuple[int, int]], is_half: bool) -> None:
    label = marked(10, 20, copies=[place(110, 120)])
    assert is_half_covered(label, [place(*one) for one in found]) is is_half


def test_a_whole_document_is_never_half_covered() -> None:
    assert not is_half_covered(whole(), [place(0, 10)])
