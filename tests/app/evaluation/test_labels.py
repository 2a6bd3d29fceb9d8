"""Marked answers are located exactly, or refused with what was found instead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.labels import locate_questions
from configs.errors import ConflictError, InvalidInputError, NotFoundError, PlaygroundError
from configs.part import JsonObject
from configs.span import Span
from indexes.access import Principal
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import WORKSPACE, World, asked, new_questions, quoted, spanned, whole

TEXT = "The bear lives in Berlin. The wolf lives in Bremen. aaaa 🎉 Ünïcode\r\nend"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world with the document `guide`, which no test changes."""
    world = World(tmp_path_factory.mktemp("guide"))
    world.add("guide", TEXT)
    yield world
    world.close()


def refusal(world: World, *questions: JsonObject) -> PlaygroundError:
    """Return the error with which the questions are refused."""
    with pytest.raises(PlaygroundError) as caught:
        world.locate(*questions)
    return caught.value


def test_labels_made_from_clicks_are_no_evidence(guide: World) -> None:
    judged, click = whole("guide", source="judgement"), {**quoted("guide", "Bremen"), "source": "click"}
    error = refusal(guide, asked("Where?", judged), asked("Why?", judged, click, id="why"))
    assert (error.status, error.code) == (422, "click_labels")
    assert error.extra == {"count": 1, "question_id": "why", "label": 1}
    assert guide.locate(asked("Where?", judged)) == guide.locate(asked("Where?", whole("guide")))


def test_a_quote_becomes_the_span_where_it_stands(guide: World) -> None:
    (question,) = guide.locate(asked("Where does the wolf live?", quoted("guide", "wolf lives in Bremen"), tags=["a"]))
    (evidence,) = question.evidence
    assert question.tags == ("a",)
    assert (evidence.document_id, evidence.version_id) == ("guide", guide.version_of("guide"))
    assert TEXT[evidence.start : evidence.end] == "wolf lives in Bremen"
    start = TEXT.index("wolf")
    assert evidence.place == place(start, start + 20, guide.version_of("guide"))


@pytest.mark.parametrize("quote", ["🎉", "Ünïcode\r\n", "end", "The bear", TEXT])
def test_offsets_are_code_points_of_the_unchanged_text(guide: World, quote: str) -> None:
    (question,) = guide.locate(asked("?", quoted("guide", quote)))
    start, end = question.evidence[0].start, question.evidence[0].end
    assert TEXT[start:end] == quote


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
    assert (error.extra["matches"], error.extra["positions"]) == (len(matches), matches[:10])
    assert all(quote in surrounding for surrounding in error.extra["surroundings"])


def test_a_quote_that_is_not_there_is_refused(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "the bear"), id="lower-case"))
    assert isinstance(error, InvalidInputError)
    assert error.code == "quote_not_found"
    found = {"start": 0, "end": 8, "text": "The bear"}
    assert error.extra == {"matches": 0, "positions": [], "closest": found, "question_id": "lower-case", "label": 0}
    assert "'lower-case'" in error.detail
    assert "'the bear' occurs 0 times" in error.detail


def test_overlapping_matches_of_a_quote_are_counted(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "aa")))
    first = TEXT.index("aaaa")
    assert (error.extra["matches"], error.extra["positions"]) == (3, [first, first + 1, first + 2])
    assert error.extra["surroundings"][0] == TEXT[first - 40 : first + 42]
    assert f"at {first}, {first + 1}, {first + 2}" in error.detail


def test_a_long_quote_is_shown_in_part(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "z" * 5_000)))
    assert error.extra["closest"] is None
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
    assert error.extra["characters"] == len(TEXT)


def test_a_document_that_does_not_exist_is_refused(world: World) -> None:
    world.add("gone", "text")
    world.delete("gone")
    for document_id in ("missing", "gone"):
        error = refusal(world, asked("?", quoted(document_id, "text")))
        assert isinstance(error, NotFoundError)
        assert error.code == "document_not_found"


def test_a_document_of_another_workspace_does_not_exist(guide: World) -> None:
    with guide.database.read() as session, pytest.raises(NotFoundError):
        locate_questions(session, "other", new_questions(asked("?", quoted("guide", "bear"))))


def test_a_document_that_no_version_answers_for_is_a_conflict(world: World) -> None:
    world.add("queued", "text", ready=False)
    error = refusal(world, asked("?", quoted("queued", "text")))
    assert isinstance(error, ConflictError)
    assert error.code == "document_not_ready"


def test_evidence_is_located_in_the_version_that_answers(world: World) -> None:
    world.add("guide", TEXT)
    world.add("guide", "A newer text about bears.", ready=False)
    (question,) = world.locate(asked("?", quoted("guide", "bear lives")))
    assert question.evidence[0].version_id == world.version_of("guide")


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


@pytest.mark.parametrize("quote", ["BEAR  lives\nin berlin", "the\tBear", "ünïcode end"])
def test_a_quote_that_differs_in_white_space_and_case_is_answered_with_the_passage(guide: World, quote: str) -> None:
    closest = refusal(guide, asked("?", quoted("guide", quote))).extra["closest"]
    assert closest["text"].split() != quote.split()
    assert closest["text"].lower().split() == quote.lower().split()
    assert TEXT[closest["start"] : closest["end"]] == closest["text"]


def test_a_quote_of_white_space_alone_has_no_closest_passage(guide: World) -> None:
    assert refusal(guide, asked("?", quoted("guide", "\t \t"))).extra["closest"] is None


def test_a_quote_beside_a_span_is_what_must_stand_there(guide: World) -> None:
    fitting = {**spanned("guide", Span(4, 8)), "quote": "bear"}
    assert guide.locate(asked("?", fitting)) == guide.locate(asked("?", spanned("guide", Span(4, 8))))
    error = refusal(guide, asked("?", {**fitting, "quote": "wolf"}))
    assert error.code == "quote_differs"
    assert "'bear', not 'wolf'" in error.detail


def test_a_whole_document_is_marked_without_a_version(guide: World) -> None:
    (question,) = guide.locate(asked("?", whole("guide", grade=3), spanned("guide", Span(0, 3))))
    document, span = question.evidence
    assert (document.document_id, document.version_id, document.place, document.grade) == ("guide", None, None, 3)
    assert (span.version_id, span.grade) == (guide.version_of("guide"), 1)
    assert question.places == [span.place]


def test_a_document_goes_by_its_external_id_too(guide: World) -> None:
    by_external_id = {"external_id": "guide", "quote": "wolf"}
    assert guide.locate(asked("?", by_external_id)) == guide.locate(asked("?", quoted("guide", "wolf")))
    error = refusal(guide, asked("?", {"external_id": "no such page"}))
    assert (error.code, error.detail) == ("document_not_found", "there is no document 'no such page' here")


def test_documents_that_are_missing_are_counted_and_the_first_ten_named(guide: World) -> None:
    evidence = [whole(f"gone-{number}") for number in range(12)]
    error = refusal(guide, asked("a", whole("guide")), asked("b", whole("guide"), *evidence, whole("gone-3")))
    assert error.detail.startswith("12 documents are not here: 'gone-0', 'gone-1'")
    assert error.detail.endswith("'gone-9', …")
    assert error.extra == {
        "missing": [f"gone-{number}" for number in range(10)], "count": 12, "question_id": "q2", "label": 1,
    }  # fmt: skip


@pytest.mark.parametrize("evidence", [whole("guide"), spanned("guide", Span(4, 8)), quoted("guide", "bear")])
def test_the_same_place_twice_is_refused_in_one_question_only(guide: World, evidence: JsonObject) -> None:
    error = refusal(guide, asked("?", spanned("guide", Span(0, 3)), evidence, {**evidence, "grade": 2}))
    assert (error.code, error.extra) == ("duplicate_label", {"question_id": "q1", "label": 2})
    assert len(guide.locate(asked("a", evidence), asked("b", evidence))) == 2


def test_what_is_said_of_a_question_is_kept(guide: World) -> None:
    said = {"cluster": "ticket 7", "origin": "active", "pinned": True, "tags": ["a", "b"]}
    plain, special, none = guide.locate(asked("a"), asked("b", **said), asked("c", unanswerable=True))
    assert (special.cluster, special.origin, special.pinned, special.tags) == ("ticket 7", "active", True, ("a", "b"))
    assert (plain.cluster, plain.origin, plain.pinned, plain.unanswerable) == (None, "sampled", False, False)
    assert none.unanswerable


def test_labels_come_back_in_their_order_whatever_the_documents(world: World) -> None:
    world.add_all({"a": "one two", "b": "three four"})
    evidence = [quoted("b", "four"), quoted("a", "two"), quoted("b", "three"), whole("a")]
    first, second = world.locate(asked("?", *evidence), asked("?", *reversed(evidence)))
    assert [one.document_id for one in first.evidence] == ["b", "a", "b", "a"]
    assert second.evidence == tuple(reversed(first.evidence))
