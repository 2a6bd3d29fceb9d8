"""Questions and their evidence: what may be sent, what is kept, and that what was kept before can still be read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.evaluation.questions import Evidence, NewEvidence, NewQuestion, Question
from configs.part import JsonObject
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import quoted

KEPT_BEFORE = {
    "id": "q1", "question": "Where?", "tags": ["place"],
    "evidence": [{"document_id": "guide", "version_id": "v", "start": 4, "end": 8}],
}  # fmt: skip
"""A question as sets saved it before labels had grades."""


@pytest.mark.parametrize(
    "evidence",
    [
        {"document_id": "guide", "start": 3},
        {"document_id": "guide", "end": 3},
        {"document_id": "guide", "external_id": "guide"},
        {"external_id": ""},
        {"external_id": "a\x00b"},
        {"document_id": "guide", "start": 3, "quote": "The"},
        {"document_id": "guide", "start": 3, "end": 3},
        {"document_id": "guide", "start": 4, "end": 3},
        {"document_id": "guide", "start": -1, "end": 3},
        {"document_id": "guide", "start": 0, "end": 2**31},
        {"document_id": "guide", "quote": ""},
        {"document_id": "guide", "quote": "a\x00b"},
        {"document_id": "guide", "quote": "a\ud800b"},
        {"document_id": "../guide", "quote": "The"},
        {"document_id": "guide", "quote": "The", "grade": 0},
        {"document_id": "guide", "quote": "The", "grade": 4},
        {"document_id": "guide", "page": 2},
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
        {"question": "why?", "evidence": [quoted("guide", "The")] * 1_001},
        {"question": "why?", "unanswerable": True, "evidence": [quoted("guide", "The")]},
        {"question": "why?", "origin": "invented"},
        {"question": "why?", "cluster": ""},
        {"question": "why?", "user_id": "no spaces"},
        {"question": "why?", "user_id": ""},
        {"question": "why?", "user_id": "x" * 65},
        {"question": "why?", "user_id": "ann", "asked_at": "2026-03-01T09:00:00"},
        {"question": "why?", "asked_at": "2026-03-01T09:00:00Z"},
        {"question": "why?", "evidence": [{**quoted("guide", "The"), "source": "guess"}]},
    ],
)
def test_a_question_outside_its_limits_is_refused(question: JsonObject) -> None:
    with pytest.raises(ValidationError):
        NewQuestion.model_validate(question)


def test_values_are_frozen() -> None:
    evidence = Evidence(document_id="d", version_id="v", start=0, end=1)
    question = Question(id="q", question="?", evidence=(evidence,), tags=())
    for value, name in ((evidence, "start"), (question, "id"), (NewQuestion(question="?"), "id")):
        with pytest.raises(ValidationError):
            setattr(value, name, "other")


@pytest.mark.parametrize(
    ("evidence", "is_whole"),
    [
        ({"document_id": "guide"}, True),
        ({"external_id": "any name: it is yours", "grade": 3}, True),
        ({"document_id": "guide", "start": 0, "end": 3}, False),
        ({"document_id": "guide", "start": 0, "end": 3, "quote": "The"}, False),
        ({"external_id": "guide.md", "quote": "The"}, False),
    ],
)
def test_evidence_marks_a_span_a_quote_or_a_whole_document(evidence: JsonObject, is_whole: bool) -> None:
    assert NewEvidence.model_validate(evidence).is_whole_document == is_whole


def test_what_was_kept_before_is_read_with_defaults_and_kept_as_it_was() -> None:
    question = Question.model_validate(KEPT_BEFORE)
    assert question.places == [place(4, 8)]
    assert (question.evidence[0].grade, question.origin, question.cluster) == (1, "sampled", None)
    assert not question.unanswerable
    assert not question.pinned
    assert question.stored() == KEPT_BEFORE


def test_what_differs_from_its_default_is_kept() -> None:
    said: JsonObject = {"cluster": "c", "origin": "pseudo", "pinned": True}
    kept = {**KEPT_BEFORE, **said, "evidence": [{"document_id": "guide", "grade": 2}]}
    question = Question.model_validate(kept)
    assert question.stored() == kept
    assert question.places == []
    unanswerable = {"id": "q", "question": "?", "evidence": [], "tags": [], "unanswerable": True}
    assert Question.model_validate(unanswerable).stored() == unanswerable


def test_who_asks_and_when_is_kept_in_utc_and_nothing_is_where_nobody_does() -> None:
    said: JsonObject = {"user_id": "ann@example.org", "asked_at": "2026-03-01T11:00:00+02:00"}
    question = Question.model_validate({**KEPT_BEFORE, **said})
    assert question.stored() == {**KEPT_BEFORE, "user_id": "ann@example.org", "asked_at": "2026-03-01T09:00:00Z"}
    assert Question.model_validate(question.stored()) == question
    assert {"user_id", "asked_at"} & Question.model_validate(KEPT_BEFORE).stored().keys() == set()


@pytest.mark.parametrize("missing", ["version_id", "start", "end"])
def test_a_label_is_a_whole_span_or_none(missing: str) -> None:
    span: JsonObject = {"document_id": "d", "version_id": "v", "start": 0, "end": 1}
    with pytest.raises(ValidationError):
        Evidence.model_validate({name: value for name, value in span.items() if name != missing})
