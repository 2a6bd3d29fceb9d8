"""Labels whose documents changed are found, moved where that is certain, and never used in silence."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.evaluation.questions import Question
from app.evaluation.stale_labels import Relocated, Staleness, relocated, staleness_of
from configs.errors import ConflictError
from tests.app.evaluation.world import WORKSPACE, World, asked, quoted, whole

OLD = "The bear sleeps. The wolf howls. The fox runs."


@pytest.fixture
def changed(world: World) -> tuple[World, list[Question]]:
    """Return a world whose document changed, lost a sentence and doubled another, and another one that is deleted."""
    world.add_all({"forest": OLD, "sea": "The whale sings.", "hill": "The goat climbs."})
    questions = world.locate(
        asked("Who sleeps?", quoted("forest", "The bear sleeps."), {**quoted("hill", "goat"), "grade": 2}, id="moved"),
        asked("Who howls?", quoted("forest", "The wolf howls."), id="twice"),
        asked("Who runs?", quoted("hill", "climbs"), quoted("forest", "The fox runs."), id="gone"),
        asked("Who sings?", quoted("sea", "whale"), whole("forest"), id="deleted"),
        asked("What is it about?", whole("forest"), id="whole"),
        asked("Why?", id="none"),
    )
    world.add("forest", "At night: The bear sleeps. The wolf howls. The wolf howls. The FOX runs.")
    world.delete("sea")
    return world, questions


def staleness(world: World, questions: list[Question]) -> Staleness:
    """Return which labels of the questions are stale."""
    with world.database.read() as session:
        return staleness_of(session, WORKSPACE, questions)


def relocate(world: World, questions: list[Question], *, drop_stale: bool = False) -> Relocated:
    """Return the questions with their labels moved."""
    with world.database.read() as session:
        return relocated(session, WORKSPACE, questions, drop_stale=drop_stale)


def test_labels_of_documents_as_they_were_are_current(world: World) -> None:
    world.add("forest", OLD)
    questions = world.locate(asked("?", quoted("forest", "bear"), whole("forest")))
    world.add("forest", "A newer text that does not answer yet.", ready=False)
    assert staleness(world, questions) == Staleness(labels=2, current=2, replaced=0, deleted=0, movable=0, stale=[])
    assert relocate(world, questions) == Relocated(questions=questions, moved=0, dropped_questions=[])


def test_each_stale_label_is_named_with_its_fate(changed: tuple[World, list[Question]]) -> None:
    world, questions = changed
    found = staleness(world, questions)
    assert [(one.question_id, one.label, one.state) for one in found.stale] == [
        ("moved", 0, "replaced"), ("twice", 0, "replaced"), ("gone", 1, "replaced"), ("deleted", 0, "deleted"),
    ]  # fmt: skip
    assert (found.labels, found.current, found.replaced, found.deleted, found.movable) == (8, 4, 3, 1, 1)
    assert [one.evidence for one in found.stale] == [
        questions[0].evidence[0], questions[1].evidence[0], questions[2].evidence[1], questions[3].evidence[0],
    ]  # fmt: skip


def test_a_label_moves_to_where_its_text_stands_exactly_once(changed: tuple[World, list[Question]]) -> None:
    world, questions = changed
    moved, *others = (one.moved_to for one in staleness(world, questions).stale)
    assert moved is not None
    assert (moved.version_id, moved.start, moved.end) == (world.version_of("forest"), 10, 26)
    assert others == [None, None, None]


def test_what_cannot_be_moved_is_refused_and_listed(changed: tuple[World, list[Question]]) -> None:
    world, questions = changed
    with pytest.raises(ConflictError) as caught:
        relocate(world, questions)
    assert caught.value.code == "labels_not_movable"
    assert caught.value.extra["count"] == 3
    assert [label["question_id"] for label in caught.value.extra["labels"]] == ["twice", "gone", "deleted"]


def test_or_its_questions_are_left_out(changed: tuple[World, list[Question]]) -> None:
    world, questions = changed
    new = relocate(world, questions, drop_stale=True)
    assert [question.id for question in new.questions] == ["moved", "whole", "none"]
    assert (new.moved, new.dropped_questions) == (1, ["twice", "gone", "deleted"])
    assert new.questions[1:] == questions[4:]
    assert new.questions[0].evidence[1] == questions[0].evidence[1]
    assert staleness(world, new.questions).stale == []
    assert relocate(world, new.questions).questions == new.questions


def test_a_set_without_any_question_left_is_refused(world: World) -> None:
    world.add("sea", "The whale sings.")
    questions = world.locate(asked("?", quoted("sea", "whale")))
    world.delete("sea")
    with pytest.raises(ConflictError) as caught:
        relocate(world, questions, drop_stale=True)
    assert caught.value.code == "no_questions_left"


def test_documents_of_another_workspace_are_not_there(changed: tuple[World, list[Question]]) -> None:
    world, questions = changed
    with world.database.read() as session:
        assert staleness_of(session, "other", questions).deleted == 8


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(["ab", "b", "a"]), min_size=1, max_size=6), label=st.sampled_from(["ab", "b a"]))
def test_a_moved_label_marks_the_same_text(world: World, words: list[str], label: str) -> None:
    world.add("text", f"x {label} x")
    questions = world.locate(asked("?", quoted("text", label)))
    new = f"{' '.join(words)} "
    world.add("text", new)
    places = [start for start in range(len(new)) if new.startswith(label, start)]
    (stale,) = staleness(world, questions).stale
    moved = None if stale.moved_to is None else [stale.moved_to.start]
    assert moved == (places if len(places) == 1 else None)
