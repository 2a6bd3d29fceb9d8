"""A saved question set never changes, and belongs to one workspace."""

from __future__ import annotations

import pytest

from app.evaluation.question_sets import (
    QuestionSetRow,
    delete_question_set,
    label_counts,
    list_question_sets,
    load_question_set,
)
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.part import JsonObject, fingerprint_of
from configs.span import Span
from indexes.database.tables import Workspace
from tests.app.evaluation.world import WORKSPACE, World, asked, quoted, spanned, whole

TEXT = "The bear lives in Berlin. The wolf lives in Bremen."


@pytest.fixture
def guide(world: World) -> World:
    """Return a world with the document `guide`."""
    world.add("guide", TEXT)
    return world


def test_a_saved_set_is_read_as_it_was_located(guide: World) -> None:
    questions = [asked("Where?", quoted("guide", "Berlin"), id="one", tags=["place"]), asked("Why?")]
    content_hash, is_new = guide.save("set", *questions)
    with guide.database.read() as session:
        row = load_question_set(session, WORKSPACE, "set")
    assert is_new
    assert row.parsed() == guide.locate(*questions)
    assert row.question_count == 2
    assert row.content_hash == content_hash == fingerprint_of([one.stored() for one in row.parsed()])


def test_a_saved_set_holds_no_document_text(guide: World) -> None:
    guide.save("set", asked("Where?", quoted("guide", "lives in Berlin")))
    with guide.database.read() as session:
        assert "Berlin" not in str(load_question_set(session, WORKSPACE, "set").questions)


def test_saving_the_same_again_changes_nothing(guide: World) -> None:
    question = asked("Where?", quoted("guide", "Berlin"))
    start = TEXT.index("Berlin")
    first, _ = guide.save("set", question)
    assert guide.save("set", question) == (first, False)
    assert guide.save("set", asked("Where?", spanned("guide", Span(start, start + 6)))) == (first, False)
    assert guide.save("other", question) == (first, True)


@pytest.mark.parametrize(
    "other",
    [
        asked("When?", quoted("guide", "Berlin")),
        asked("Where?", quoted("guide", "Bremen")),
        asked("Where?", quoted("guide", "Berlin"), id="mine"),
        asked("Where?", quoted("guide", "Berlin"), tags=["x"]),
        asked("Where?", quoted("guide", "Berlin"), cluster="x"),
        asked("Where?", quoted("guide", "Berlin"), origin="active"),
        asked("Where?", quoted("guide", "Berlin"), pinned=True),
        asked("Where?", {**quoted("guide", "Berlin"), "grade": 2}),
        asked("Where?", whole("guide")),
        asked("Where?", unanswerable=True),
        asked("Where?"),
    ],
)
def test_other_content_under_a_taken_name_is_a_conflict(guide: World, other: JsonObject) -> None:
    content_hash, _ = guide.save("set", asked("Where?", quoted("guide", "Berlin")))
    with pytest.raises(ConflictError) as caught:
        guide.save("set", other)
    assert caught.value.code == "question_set_exists"
    assert content_hash in caught.value.detail


def test_the_hash_tells_versions_apart(guide: World) -> None:
    question = asked("Where?", quoted("guide", "Berlin"))
    first, _ = guide.save("old", question)
    guide.add("guide", TEXT + "!")
    second, _ = guide.save("new", question)
    assert first != second


def test_the_hash_is_what_it_was_before_questions_had_users_and_tells_users_apart(guide: World) -> None:
    located = [one.stored() for one in guide.locate(asked("Where?", whole("guide")))]
    assert located == [{"id": "q1", "question": "Where?", "evidence": [{"document_id": "guide"}], "tags": []}]
    moment = "2026-03-01T09:00:00Z"
    hashes = [
        guide.save(f"set{number}", asked("Where?", whole("guide"), **said))[0]
        for number, said in enumerate(
            ({}, {"user_id": "ann"}, {"user_id": "ben"}, {"user_id": "ben", "asked_at": moment})
        )
    ]
    assert hashes[0] == fingerprint_of(located)
    assert len(set(hashes)) == 4
    with guide.database.read() as session:
        rows = [load_question_set(session, WORKSPACE, f"set{number}").parsed() for number in range(4)]
    assert [label_counts(questions).users for questions in rows] == [0, 1, 1, 1]


def test_a_refused_set_leaves_nothing_behind(guide: World) -> None:
    with pytest.raises(InvalidInputError):
        guide.save("set", asked("Where?", quoted("guide", "Berlin")), asked("Where?", quoted("guide", "Paris")))
    with guide.database.read() as session:
        assert list_question_sets(session, WORKSPACE, limit=10, cursor=None) == ([], None)


def test_listings_give_each_set_once_and_without_questions(world: World) -> None:
    for name in ("c", "a", "b"):
        world.save(name, asked(name))
    names, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        with world.database.read() as session:
            rows, cursor = list_question_sets(session, WORKSPACE, limit=2, cursor=cursor)
        assert all("questions" not in row.__dict__ for row in rows)
        names += [row.name for row in rows]
        pages += 1
    assert (names, pages) == (["c", "a", "b"], 2)


def test_sets_of_another_workspace_are_not_there(world: World) -> None:
    world.save("set", asked("a"))
    with world.database.write() as session:
        session.add(Workspace(id="other", name="Other", generation=0))
        session.flush()
        delete_question_set(session, "other", "set")
        assert list_question_sets(session, "other", limit=10, cursor=None) == ([], None)
        with pytest.raises(NotFoundError):
            load_question_set(session, "other", "set")
        assert session.get(QuestionSetRow, (WORKSPACE, "set")) is not None


def test_a_deleted_set_is_gone_and_deleting_again_changes_nothing(world: World) -> None:
    world.save("set", asked("a"))
    for _ in range(2):
        with world.database.write() as session:
            delete_question_set(session, WORKSPACE, "set")
    with world.database.read() as session, pytest.raises(NotFoundError) as caught:
        load_question_set(session, WORKSPACE, "set")
    assert caught.value.code == "question_set_not_found"


def test_sets_go_with_their_workspace(world: World) -> None:
    world.save("set", asked("a"))
    with world.database.write() as session:
        session.delete(session.get_one(Workspace, WORKSPACE))
    with world.database.read() as session:
        assert session.get(QuestionSetRow, (WORKSPACE, "set")) is None


def test_a_set_saved_before_labels_had_grades_is_still_that_set(guide: World) -> None:
    version = guide.version_of("guide")
    evidence = [{"document_id": "guide", "version_id": version, "start": 4, "end": 8}]
    content = [{"id": "q1", "question": "Who?", "evidence": evidence, "tags": []}]
    with guide.database.write() as session:
        session.add(
            QuestionSetRow(
                workspace_id=WORKSPACE, name="old", content_hash=fingerprint_of(content), question_count=1,
                questions=content,
            )
        )  # fmt: skip
    assert guide.save("old", asked("Who?", quoted("guide", "bear"))) == (fingerprint_of(content), False)


def test_labels_are_counted(guide: World) -> None:
    questions = guide.locate(
        asked("a", quoted("guide", "bear"), whole("guide"), cluster="x"),
        asked("b", quoted("guide", "wolf"), quoted("guide", "Bremen"), cluster="x", pinned=True),
        asked("c", cluster="y", origin="active"),
        asked("d", unanswerable=True, origin="pseudo"),
        asked("e"),
    )
    counts = label_counts(questions)
    assert (counts.spans, counts.documents, counts.unlabelled, counts.unanswerable) == (3, 1, 2, 1)
    assert (counts.pinned, counts.clusters) == (1, 2)
    assert counts.origins == {"sampled": 3, "active": 1, "pseudo": 1}
    assert label_counts([]).origins == {}
