"""JSONL: each line is a question as it is posted."""

from __future__ import annotations

import json

import pytest

from app.evaluation.questions import NewEvidence, NewQuestion
from tests.app.evaluation.question_files.files import export_set, import_set, read, read_questions, refused
from tests.app.evaluation.world import World, asked, quoted, whole

TEXT = "The bear lives in Berlin. 🐻 The wolf lives in Bremen."


def test_each_line_is_a_question() -> None:
    content = (
        '\ufeff{"question": "a\u2028b"}\r\n\n{"id": "x", "question": "b", "evidence": [{"external_id": "my page"}]}'
    )
    assert read_questions("jsonl", questions=content) == [
        NewQuestion(question="a\u2028b"),
        NewQuestion(id="x", question="b", evidence=(NewEvidence.model_validate({"external_id": "my page"}),)),
    ]
    assert [(one.line, one.label_lines) for one in read("jsonl", questions=content).questions] == [(1, ()), (3, (3,))]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"question": ""}', "question: "),
        ('{"question": "a\\u0000"}', "NUL"),
        ('{"question": "a\\ud800"}', "Invalid JSON"),
        ('{"question": "a", "answer": "b"}', "answer: Extra inputs"),
        ('{"question": "a", "evidence": [{"document_id": "a", "start": NaN}]}', "start"),
        ('{"question": "a", "evidence": [{"document_id": "a", "start": 1}]}', "go together"),
        ('{"question": "a", "evidence": [{}]}', "`document_id` or `external_id`"),
        ("[" * 10_000 + "]" * 10_000, "recursion"),
        ('{"question": "a", "id": "first"}', "line 1 has the id 'first' too"),
    ],
)
def test_a_bad_line_is_named(line: str, detail: str) -> None:
    error = refused("jsonl", questions='{"id": "first", "question": "fine"}\n\n' + line)
    assert (error.status, error.code) == (422, "invalid_question_file")
    assert error.extra == {"file": "questions", "line": 3}
    assert detail in error.detail


def test_an_export_says_what_differs_from_its_default(world: World) -> None:
    world.add("guide.md", TEXT)
    world.save(
        "set",
        asked("Where?", {**quoted("guide.md", "Bremen"), "grade": 2}, whole("guide.md"), tags=["ü"], cluster="c"),
        asked("Why?", unanswerable=True),
    )
    file = export_set(world, "set", "jsonl")
    start = TEXT.index("Bremen")
    assert (file.name, file.media_type) == ("set.jsonl", "application/x-ndjson")
    assert [json.loads(line) for line in file.content.decode().splitlines()] == [
        {
            "id": "q1", "question": "Where?", "tags": ["ü"], "cluster": "c",
            "evidence": [
                {"external_id": "guide.md", "start": start, "end": start + 6, "quote": "Bremen", "grade": 2},
                {"external_id": "guide.md"},
            ],
        },
        {"id": "q2", "question": "Why?", "evidence": [], "tags": [], "unanswerable": True},
    ]  # fmt: skip


def test_a_span_that_is_too_long_to_quote_is_exported_without_its_text(world: World) -> None:
    world.add("long", "x" * 10_001)
    content_hash, _ = world.save("set", asked("?", {"document_id": "long", "start": 0, "end": 10_001}))
    file = export_set(world, "set", "jsonl")
    assert b"quote" not in file.content
    assert import_set(world, "again", "jsonl", questions=file.content)[0] == content_hash
