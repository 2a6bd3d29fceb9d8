"""Marked answers are located exactly, and a saved set never changes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.evaluation.questions import (
    Evidence,
    NewEvidence,
    NewQuestion,
    Question,
    QuestionSetRow,
    delete_question_set,
    list_question_sets,
    load_question_set,
    locate_questions,
    save_question_set,
)
from configs.errors import ConflictError, InvalidInputError, NotFoundError, PlaygroundError
from configs.part import JsonObject, fingerprint_of
from configs.span import Span
from indexes.access import Principal
from indexes.database.tables import Workspace
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import WORKSPACE, World, asked, new_questions, quoted, spanned

TEXT = "The bear lives in Berlin. The wolf lives in Bremen. aaaa 🎉 Ünïcode\r\nend"


@pytest.fixture
def guide(world: World) -> World:
    """Return a world with the document `guide`."""
    world.add("guide", TEXT)
    return world


def refusal(world: World, *questions: JsonObject) -> PlaygroundError:
    """Return the error with which the questions are refused."""
    with pytest.raises(PlaygroundError) as caught:
        world.locate(*questions)
    return caught.value


@pytest.mark.parametrize(
    "evidence",
    [
        {"document_id": "guide"},
        {"document_id": "guide", "start": 3},
        {"document_id": "guide", "end": 3},
        {"document_id": "guide", "start": 0, "end": 3, "quote": "The"},
        {"document_id": "guide", "start": 3, "quote": "The"},
        {"document_id": "guide", "start": 3, "end": 3},
        {"document_id": "guide", "start": 4, "end": 3},
        {"document_id": "guide", "start": -1, "end": 3},
        {"document_id": "guide", "start": 0, "end": 2**31},
        {"document_id": "guide", "quote": ""},
        {"document_id": "guide", "quote": "a\x00b"},
        {"document_id": "guide", "quote": "a\ud800b"},
        {"document_id": "../guide", "quote": "The"},
        {"document_id": "guide", "quote": "The", "grade": 2},
        {"quote": "The"},
    ],
)
def test_evidence_that_marks_no_place_or_two_is_refused(evidence: JsonObject) -> None:
    with pytest.raises(ValidationError):
        NewEvidence.model_validate(evidence)


@pytest.mark.parametrize(
    "question",
    [
        {"question": ""},
        {"question": "  \n"},
        {"question": "x" * 10_001},
        {"question": "nul \x00"},
        {"question": "why?", "id": "with space"},
        {"question": "why?", "id": ""},
        {"question": "why?", "tags": [""]},
        {"question": "why?", "tags": ["tag"] * 21},
        {"question": "why?", "answer": "because"},
        {"question": "why?", "evidence": [quoted("guide", "The")] * 51},
    ],
)
def test_a_question_outside_its_limits_is_refused(question: JsonObject) -> None:
    with pytest.raises(ValidationError):
        NewQuestion.model_validate(question)


def test_a_quote_becomes_the_span_where_it_stands(guide: World) -> None:
    (question,) = guide.locate(asked("Where does the wolf live?", quoted("guide", "wolf lives in Bremen"), tags=["a"]))
    (evidence,) = question.evidence
    assert question.tags == ("a",)
    assert (evidence.document_id, evidence.version_id) == ("guide", guide.version_of("guide"))
    assert TEXT[evidence.start : evidence.end] == "wolf lives in Bremen"
    assert evidence.place == place(evidence.start, evidence.end, evidence.version_id)


@pytest.mark.parametrize("quote", ["🎉", "Ünïcode\r\n", "end", "The bear", TEXT])
def test_offsets_are_code_points_of_the_unchanged_text(guide: World, quote: str) -> None:
    (question,) = guide.locate(asked("?", quoted("guide", quote)))
    start, end = question.evidence[0].start, question.evidence[0].end
    assert TEXT[start:end] == quote


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(TEXT) - 1), st.integers(1, 30))
def test_quoting_a_span_locates_it_or_names_every_match(guide: World, start: int, length: int) -> None:
    quote = TEXT[start : start + length]
    matches = [position for position in range(len(TEXT)) if TEXT.startswith(quote, position)]
    if len(matches) == 1:
        (question,) = guide.locate(asked("?", quoted("guide", quote)))
        assert [question.evidence[0].start] == matches
        return
    error = refusal(guide, asked("?", quoted("guide", quote)))
    assert error.code == "quote_ambiguous"
    assert error.extra == {"matches": len(matches), "positions": matches[:10]}


def test_a_quote_that_is_not_there_is_refused(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "the bear"), id="lower-case"))
    assert isinstance(error, InvalidInputError)
    assert error.code == "quote_not_found"
    assert error.extra == {"matches": 0, "positions": []}
    assert "'lower-case'" in error.detail
    assert "'the bear' occurs 0 times" in error.detail


def test_overlapping_matches_of_a_quote_are_counted(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "aa")))
    first = TEXT.index("aaaa")
    assert error.extra == {"matches": 3, "positions": [first, first + 1, first + 2]}
    assert f"at {first}, {first + 1}, {first + 2}" in error.detail


def test_a_long_quote_is_shown_in_part(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "z" * 5_000)))
    assert "z" * 100 + "…" in error.detail
    assert "z" * 101 not in error.detail


def test_many_matches_are_all_counted_and_some_shown(world: World) -> None:
    world.add("echo", "echo " * 50)
    error = refusal(world, asked("?", quoted("echo", "echo")))
    assert error.extra["matches"] == 50
    assert error.extra["positions"] == list(range(0, 50, 5))
    assert error.detail.endswith(", …")


def test_a_span_may_end_with_the_text_and_not_after_it(guide: World) -> None:
    (question,) = guide.locate(asked("?", spanned("guide", Span(0, len(TEXT)))))
    assert question.evidence[0].end == len(TEXT)
    error = refusal(guide, asked("?", spanned("guide", Span(0, len(TEXT) + 1))))
    assert isinstance(error, InvalidInputError)
    assert error.code == "span_outside_document"
    assert f"[0, {len(TEXT) + 1})" in error.detail
    assert error.extra == {"characters": len(TEXT)}


def test_a_document_that_does_not_exist_is_refused(guide: World) -> None:
    guide.add("gone", "text")
    guide.delete("gone")
    for document_id in ("missing", "gone"):
        error = refusal(guide, asked("?", quoted(document_id, "text")))
        assert isinstance(error, NotFoundError)
        assert error.code == "document_not_found"


def test_a_document_of_another_workspace_does_not_exist(guide: World) -> None:
    with guide.database.write() as session:
        session.add(Workspace(id="other", name="Other", generation=0))
    with guide.database.read() as session, pytest.raises(NotFoundError):
        locate_questions(session, "other", new_questions(asked("?", quoted("guide", "bear"))))


def test_a_document_that_no_version_answers_for_is_a_conflict(world: World) -> None:
    world.add("queued", "text", ready=False)
    error = refusal(world, asked("?", quoted("queued", "text")))
    assert isinstance(error, ConflictError)
    assert error.code == "document_not_ready"


def test_evidence_is_located_in_the_version_that_answers(guide: World) -> None:
    guide.add("guide", "A newer text about bears.", ready=False)
    (question,) = guide.locate(asked("?", quoted("guide", "bear lives")))
    assert question.evidence[0].version_id == guide.version_of("guide")


def test_a_principal_finds_nothing_in_what_it_may_not_read(world: World) -> None:
    world.add("budget", "The budget is 40,000.", access=["group:finance"])
    questions = new_questions(asked("?", quoted("budget", "40,000")))
    with world.database.read() as session:
        located = locate_questions(session, WORKSPACE, questions, Principal.of(["group:finance"]))
        assert located[0].evidence[0].document_id == "budget"
        for names in ([], ["user:ann"]):
            with pytest.raises(NotFoundError) as caught:
                locate_questions(session, WORKSPACE, questions, Principal.of(names))
            assert caught.value.detail == "there is no document 'budget' here"


def test_ids_are_kept_or_chosen_by_position(world: World) -> None:
    questions = world.locate(asked("a"), asked("b", id="mine"), asked("c"), asked("d", id="q5"), asked("e"))
    assert [question.id for question in questions] == ["q1", "mine", "q3", "q5", "q5-"]


def test_duplicate_ids_are_refused(world: World) -> None:
    error = refusal(world, asked("a", id="x"), asked("b", id="y"), asked("c", id="x"))
    assert isinstance(error, InvalidInputError)
    assert error.code == "duplicate_question_ids"
    assert error.extra == {"ids": ["x"]}


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


def test_values_are_frozen() -> None:
    evidence = Evidence(document_id="d", version_id="v", start=0, end=1)
    question = Question(id="q", question="?", evidence=(evidence,), tags=())
    for value, name in ((evidence, "start"), (question, "id"), (NewQuestion(question="?"), "id")):
        with pytest.raises(ValidationError):
            setattr(value, name, "other")
