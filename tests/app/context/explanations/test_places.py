"""Where targets stand: found in the context's versions first, trimmed, and missing only what is not white space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.explanations.places import KnownDocument, Place, locate, place_in
from app.context.explanations.target import Target
from configs.errors import InvalidInputError
from configs.span import Span
from indexes.access import Principal
from tests.app.evaluation.world import WORKSPACE, World

NOBODY = Principal.of([])
DOCUMENT = KnownDocument(id="a", external_id="a", access=None, tags=(), metadata={}, ready_version_id="v")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """Yield a world whose document `a` has two versions, and the first of them."""
    folder: Path = tmp_path_factory.mktemp("world")
    world = World(folder)
    world.add("a", "one two three. two again.")
    first = world.version_of("a")
    world.add("a", "zero. one two three. four")
    world.add("b", "elsewhere: five six")
    world.add("c", "only for ann: seven", access=["user:ann"])
    yield world, first
    world.close()


def found(world: World, target: Target, kept: dict[str, str], caller: Principal = NOBODY) -> Place | None:
    """Return where the target is located."""
    with world.database.read() as session:
        return locate(session, WORKSPACE, target, caller, kept)


def test_the_contexts_version_comes_first(versions: tuple[World, str]) -> None:
    world, first = versions
    quote = Target(quote="one two three")
    old, new = found(world, quote, {"a": first}), found(world, quote, {})
    assert old is not None
    assert new is not None
    assert (old.version_id, old.span) == (first, Span(0, 13))
    assert (new.version_id, new.span) == (world.version_of("a"), Span(6, 19))
    fresh = found(world, Target(quote="four", document_id="a"), {"a": first})
    assert fresh is not None
    assert fresh.version_id == world.version_of("a")
    span = found(world, Target(document_id="a", start=3, end=8), {"a": first})
    assert span is not None
    assert (span.version_id, span.span, span.text) == (first, Span(4, 7), "two")


def test_text_is_found_again_in_another_version(versions: tuple[World, str]) -> None:
    world, first = versions
    place = found(world, Target(quote="one two three"), {"a": first})
    twice = found(world, Target(document_id="a", start=4, end=7), {"a": first})
    gone = found(world, Target(quote="again"), {"a": first})
    assert place is not None
    assert twice is not None
    assert gone is not None
    with world.database.read() as session:
        moved = place_in(session, place, world.version_of("a"))
        assert moved is not None
        assert moved.span == Span(6, 19)
        assert place_in(session, gone, world.version_of("a")) is None
        nearest = place_in(session, twice, world.version_of("a"))
    assert nearest is not None
    assert nearest.span == Span(10, 13)


def test_what_the_caller_may_not_read_is_nowhere(versions: tuple[World, str]) -> None:
    world, _ = versions
    assert found(world, Target(document_id="c", start=0, end=10_000), {}) is None
    assert found(world, Target(document_id="c", quote="seven"), {}) is None
    with pytest.raises(InvalidInputError) as refused:
        found(world, Target(quote="seven"), {})
    assert refused.value.code == "quote_not_found"
    place = found(world, Target(quote="seven"), {}, Principal.of(["user:ann"]))
    assert place is not None
    assert place.document.id == "c"


def test_a_quote_in_two_places_is_shown_with_both(versions: tuple[World, str]) -> None:
    world, first = versions
    with pytest.raises(InvalidInputError) as refused:
        found(world, Target(quote="two"), {"a": first})
    assert refused.value.code == "quote_ambiguous"
    assert [(one["version_id"], one["start"]) for one in refused.value.extra["places"]] == [(first, 4), (first, 15)]


@given(
    text=st.text(" ab", min_size=1, max_size=12),
    start=st.integers(0, 5),
    others=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), max_size=4),
)
def test_missing_is_every_uncovered_stretch_with_a_letter(text: str, start: int, others: list[tuple[int, int]]) -> None:
    place = Place(document=DOCUMENT, version_id="v", span=Span(start, start + len(text)), text=text)
    held = [Span(begin, begin + length) for begin, length in others]
    missing = {n for span in place.missing(held) for n in range(span.start, span.end)}
    covered = {n for span in held for n in range(span.start, span.end)}
    letters = {start + n for n, letter in enumerate(text) if letter != " "}
    assert missing & covered == set()
    if letters:
        assert letters - covered == letters & missing
        assert bool(missing) == bool(letters - covered)
