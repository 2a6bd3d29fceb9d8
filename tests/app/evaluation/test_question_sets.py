"""A saved question set never changes, and belongs to one workspace."""

from __future__ import annotations

import pytest

from app.evaluation.questions import (
    QuestionSetRow,
    delete_question_set,
    list_question_sets,
    load_question_set,
    save_question_set,
)
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.part import JsonObject, fingerprint_of
from configs.span import Span
from indexes.database.tables import Workspace
from tests.app.evaluation.world import WORKSPACE, World, asked, new_questions, quoted, spanned

TEXT = "The bear lives in Berlin. The wolf lives in Bremen."


@pytest.fixture
def guide(world: World) -> World:
    """Return a world with the document `guide`."""
    world.add("guide", TEXT)
    return world


def save(world: World, name: str, *questions: JsonObject) -> tuple[str, bool]:
    """Save the questions; return the content hash and whether the set is new."""
    with world.database.write() as session:
        row, is_new = save_question_set(session, WORKSPACE, name, new_questions(*questions))
        return row.content_hash, is_new


def test_a_saved_set_is_read_as_it_was_located(guide: World) -> None:
    questions = [asked("Where?", quoted("guide", "Berlin"), id="one", tags=["place"]), asked("Why?")]
    content_hash, is_new = save(guide, "set", *questions)
    with guide.database.read() as session:
        row = load_question_set(session, WORKSPACE, "set")
    assert is_new
    assert row.parsed() == guide.locate(*questions)
    assert row.question_count == 2
    assert row.content_hash == content_hash == fingerprint_of([one.model_dump(mode="json") for one in row.parsed()])


def test_a_saved_set_holds_no_document_text(guide: World) -> None:
    save(guide, "set", asked("Where?", quoted("guide", "lives in Berlin")))
    with guide.database.read() as session:
        assert "Berlin" not in str(load_question_set(session, WORKSPACE, "set").questions)


def test_saving_the_same_again_changes_nothing(guide: World) -> None:
    question = asked("Where?", quoted("guide", "Berlin"))
    start = TEXT.index("Berlin")
    first, _ = save(guide, "set", question)
    assert save(guide, "set", question) == (first, False)
    assert save(guide, "set", asked("Where?", spanned("guide", Span(start, start + 6)))) == (first, False)
    assert save(guide, "other", question) == (first, True)


@pytest.mark.parametrize(
    "other",
    [
        asked("When?", quoted("guide", "Berlin")),
        asked("Where?", quoted("guide", "Bremen")),
        asked("Where?", quoted("guide", "Berlin"), id="mine"),
        asked("Where?", quoted("guide", "Berlin"), tags=["x"]),
        asked("Where?"),
    ],
)
def test_other_content_under_a_taken_name_is_a_conflict(guide: World, other: JsonObject) -> None:
    content_hash, _ = save(guide, "set", asked("Where?", quoted("guide", "Berlin")))
    with pytest.raises(ConflictError) as caught:
        save(guide, "set", other)
    assert caught.value.code == "question_set_exists"
    assert content_hash in caught.value.detail


def test_the_hash_tells_versions_apart(guide: World) -> None:
    question = asked("Where?", quoted("guide", "Berlin"))
    first, _ = save(guide, "old", question)
    guide.add("guide", TEXT + "!")
    second, _ = save(guide, "new", question)
    assert first != second


def test_a_refused_set_leaves_nothing_behind(guide: World) -> None:
    with pytest.raises(InvalidInputError):
        save(guide, "set", asked("Where?", quoted("guide", "Berlin")), asked("Where?", quoted("guide", "Paris")))
    with guide.database.read() as session:
        assert list_question_sets(session, WORKSPACE, limit=10, cursor=None) == ([], None)


def test_listings_give_each_set_once_and_without_questions(world: World) -> None:
    for name in ("c", "a", "b"):
        save(world, name, asked(name))
    names, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        with world.database.read() as session:
            rows, cursor = list_question_sets(session, WORKSPACE, limit=2, cursor=cursor)
        assert all("questions" not in row.__dict__ for row in rows)
        names += [row.name for row in rows]
        pages += 1
    assert (names, pages) == (["c", "a", "b"], 2)


def test_sets_of_another_workspace_are_not_there(world: World) -> None:
    save(world, "set", asked("a"))
    with world.database.write() as session:
        session.add(Workspace(id="other", name="Other", generation=0))
        session.flush()
        delete_question_set(session, "other", "set")
        assert list_question_sets(session, "other", limit=10, cursor=None) == ([], None)
        with pytest.raises(NotFoundError):
            load_question_set(session, "other", "set")
        assert session.get(QuestionSetRow, (WORKSPACE, "set")) is not None


def test_a_deleted_set_is_gone_and_deleting_again_changes_nothing(world: World) -> None:
    save(world, "set", asked("a"))
    for _ in range(2):
        with world.database.write() as session:
            delete_question_set(session, WORKSPACE, "set")
    with world.database.read() as session, pytest.raises(NotFoundError) as caught:
        load_question_set(session, WORKSPACE, "set")
    assert caught.value.code == "question_set_not_found"


def test_sets_go_with_their_workspace(world: World) -> None:
    save(world, "set", asked("a"))
    with world.database.write() as session:
        session.delete(session.get_one(Workspace, WORKSPACE))
    with world.database.read() as session:
        assert session.get(QuestionSetRow, (WORKSPACE, "set")) is None
