"""Gold carries what was marked, and every other place with the same text."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.evaluation import gold
from app.evaluation.gold import MOST_COPIES, SHORTEST_COPY, copies_of, gold_of, pinned_gold
from app.evaluation.outcome import Gold, Label
from app.evaluation.questions import Evidence, Question
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import World, asked, quoted, whole

HONEY = "Bears eat honey in autumn."


def copies(world: World, places: Collection[VersionSpan], *documents: str) -> dict[VersionSpan, list[VersionSpan]]:
    """Return the copies of the places in the documents, sorted."""
    with world.database.read() as session:
        found = copies_of(session, places, [world.version_of(document) for document in documents])
    return {one: sorted(others) for one, others in found.items()}


def in_document(world: World, document: str, start: int, length: int) -> VersionSpan:
    """Return a span of the document's answering version."""
    return VersionSpan(world.version_of(document), Span(start, start + length))


def test_gold_is_what_was_marked() -> None:
    span = Evidence(document_id="a", version_id="v", start=2, end=5, grade=2)
    document = Evidence(document_id="b", grade=3)
    question = Question(id="q", question="?", evidence=(span, document), tags=())
    copy = place(9, 12)
    assert gold_of(question, {place(2, 5): (copy,), place(0, 5): ()}) == Gold(
        labels=(
            Label(document_id="a", place=place(2, 5), grade=2, copies=(copy,)),
            Label(document_id="b", place=None, grade=3),
        )
    )
    assert gold_of(question).labels[0].copies == ()


def test_an_unanswerable_question_has_no_gold() -> None:
    question = Question(id="q", question="?", evidence=(), tags=(), unanswerable=True)
    assert gold_of(question) == Gold(labels=(), is_unanswerable=True)


def test_copies_are_found_in_other_documents_and_in_the_same_one(world: World) -> None:
    world.add_all({"a": f"{HONEY} So it is. {HONEY}", "b": f"🍯 {HONEY}", "c": HONEY.upper(), "d": HONEY[:-1]})
    marked = in_document(world, "a", 0, len(HONEY))
    others = [in_document(world, "a", 37, len(HONEY)), in_document(world, "b", 2, len(HONEY))]
    assert copies(world, [marked], "a", "b", "c", "d") == {marked: sorted(others)}
    assert copies(world, [marked], "b") == {marked: others[1:]}
    assert copies(world, [marked], "c", "d") == {}
    assert copies(world, [], "a") == {}


@pytest.mark.parametrize(("length", "count"), [(SHORTEST_COPY - 1, 0), (SHORTEST_COPY, 1)])
def test_short_texts_have_no_copies(world: World, length: int, count: int) -> None:
    world.add_all({"a": HONEY, "b": HONEY})
    marked = in_document(world, "a", 0, length)
    assert len(copies(world, [marked], "a", "b").get(marked, [])) == count


def test_copies_are_bounded(world: World) -> None:
    world.add("a", HONEY * (MOST_COPIES + 5))
    marked = in_document(world, "a", 0, len(HONEY))
    found = copies(world, [marked], "a")[marked]
    assert [one.span.start for one in found] == [len(HONEY) * number for number in range(1, MOST_COPIES + 1)]


def test_copies_overlap_neither_the_place_nor_each_other(world: World) -> None:
    world.add("a", "na" * 50)
    marked = in_document(world, "a", 10, 20)
    assert [one.span.start for one in copies(world, [marked], "a")[marked]] == [30, 50, 70]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_copies_are_those_that_a_plain_search_finds(
    world: World, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(gold, "WINDOWS_PER_BLOCK", 7)
    sentences = st.lists(st.sampled_from([HONEY, "Wölfe jagen bei Nacht 🌙.", "So it is. "]), min_size=3, max_size=6)
    texts = {name: "".join(data.draw(sentences)) for name in ("a", "b")}
    world.add_all(texts)
    start = data.draw(st.integers(0, len(texts["a"]) - SHORTEST_COPY))
    marked = in_document(world, "a", start, data.draw(st.integers(SHORTEST_COPY, len(texts["a"]) - start)))
    quote = texts["a"][marked.span.start : marked.span.end]
    expected: list[VersionSpan] = []
    for name in sorted(texts, key=world.version_of):
        for position in range(len(texts[name])):
            found = in_document(world, name, position, len(quote))
            is_free = not found.overlap(marked) and not any(found.overlap(other) for other in expected)
            if texts[name].startswith(quote, position) and is_free:
                expected.append(found)
    assert copies(world, [marked], "a", "b").get(marked, []) == sorted(expected)


def test_pinned_gold_searches_the_pinned_versions(world: World) -> None:
    world.add_all({"a": HONEY, "b": f"x {HONEY}"})
    old = world.version_of("b")
    questions = world.locate(asked("?", quoted("a", HONEY), whole("b")), asked("?", unanswerable=True))
    world.add("b", f"newer: {HONEY}")
    for version, start in ((old, 2), (world.version_of("b"), 7)):
        pins = {"a": world.version_of("a"), "b": version}
        with world.database.read() as session:
            first, second = pinned_gold(session, questions, pins)
        assert first.labels[0].copies == (VersionSpan(version, Span(start, start + len(HONEY))),)
        assert (first.labels[1].place, second.is_unanswerable) == (None, True)


def test_a_label_of_a_version_that_is_not_pinned_has_no_copies(world: World) -> None:
    world.add_all({"a": HONEY, "b": HONEY})
    questions = world.locate(asked("?", quoted("a", HONEY)))
    world.add("a", "new")
    pins = {document: world.version_of(document) for document in ("a", "b")}
    with world.database.read() as session:
        (only,) = pinned_gold(session, questions, pins)
    assert only.labels[0].copies == ()
