"""CSV: rows of one id are the labels of one question."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from app.evaluation.question_files.csv_rows import COLUMNS
from app.evaluation.question_files.importing import Format
from app.evaluation.questions import NewEvidence, NewQuestion
from configs.span import Span
from tests.app.evaluation.question_files.files import (
    export_set,
    import_refused,
    import_set,
    read,
    read_questions,
    refused,
)
from tests.app.evaluation.world import World, asked, quoted, spanned, whole

HEADER = ",".join(COLUMNS[:-2])
"""All columns but those that say who asks, and when."""


def test_rows_of_one_id_are_one_question() -> None:
    content = (
        f"{HEADER}\r\n"
        "x,Where?,a.md,0,4,,2,one; two,c,active,,true\r\n"
        ',"Alone, with\na second line?",,,,,,,,,TRUE,\r\n'
        "x,,b.md,,,some words,,,,,,\r\n"
        "x,Where?,c.md,,,,3,,,,,\r\n"
    )
    evidence = [
        {"external_id": "a.md", "start": 0, "end": 4, "grade": 2},
        {"external_id": "b.md", "quote": "some words"},
        {"external_id": "c.md", "grade": 3},
    ]
    assert read_questions("csv", questions=content) == [
        NewQuestion(
            id="x", question="Where?", evidence=tuple(map(NewEvidence.model_validate, evidence)), tags=("one", "two"),
            cluster="c", origin="active", pinned=True,
        ),
        NewQuestion(question="Alone, with\na second line?", unanswerable=True),
    ]  # fmt: skip
    assert [(one.line, one.label_lines) for one in read("csv", questions=content).questions] == [
        (2, (2, 5, 6)),
        (3, ()),
    ]


def test_who_asks_and_when_is_read_and_comes_back(world: World) -> None:
    world.add("a", "The bear.")
    content = (
        "question,id,document,user_id,asked_at\n"
        "Who?,x,a,ann@example.org,2026-03-01T11:00:00.25+02:00\n"
        "Who?,y,a,ben,\n"
        "Who?,z,a,,\n"
    )
    content_hash, questions = import_set(world, "set", "csv", questions=content)
    assert [one.user_id for one in questions] == ["ann@example.org", "ben", None]
    assert [one.asked_at for one in questions] == [datetime(2026, 3, 1, 9, 0, 0, 250_000, UTC), None, None]
    formats: tuple[Format, ...] = ("csv", "jsonl")
    for file_format in formats:
        again = export_set(world, "set", file_format).content
        assert import_set(world, f"again-{file_format}", file_format, questions=again)[0] == content_hash


def test_labels_made_from_clicks_are_refused_with_their_line(world: World) -> None:
    world.add("a", "The bear.")
    judged = "question,document,source\nWho?,a,judgement\n"
    assert import_set(world, "judged", "csv", questions=judged)[1][0].evidence[0].grade == 1
    error = import_refused(world, "csv", questions=judged + "Why?,a,click\n")
    assert (error.code, error.extra["line"], error.extra["count"]) == ("click_labels", 3, 1)
    lines = '{"question": "Who?", "evidence": [{"document_id": "a", "source": "click"}]}'
    assert import_refused(world, "jsonl", questions=lines).code == "click_labels"


def test_columns_may_be_few_and_in_any_order() -> None:
    questions = read_questions("csv", questions="quote,document,question\nhere,a,Where?\n")
    assert [one.evidence[0].quote for one in questions] == ["here"]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("x,Other?,a,,,,,,,,,", "question differs from line 2"),
        ("x,,a,,,,,,,pseudo,,", "origin differs from line 2"),
        ("y,,a,,,,,,,,,", "question: "),
        ("y,Why?,a,zero,1,,,,,,,", "start: "),
        ("y,Why?,a,1,,,,,,,,", "go together"),
        ("y,Why?,,1,2,,,,,,,", "`document_id` or `external_id`"),
        ("y,Why?,,,,,2,,,,,", "`document_id` or `external_id`"),
        ("y,Why?,a,,,,4,,,,,", "grade: "),
        ("y,Why?,a,,,,,,,,true,", "no evidence"),
        ("y,Why?,,,,,,,,,perhaps,", "unanswerable: "),
        ("y,Why?,,,,,,[1,,,,", "no JSON list"),
        ("with space,Why?,,,,,,,,,,", "id: "),
    ],
)
def test_a_bad_row_is_named(row: str, detail: str) -> None:
    error = refused("csv", questions=f"{HEADER}\nx,Where?,,,,,,,,,,\n{row}\n")
    assert (error.code, error.extra) == ("invalid_question_file", {"file": "questions", "line": 3})
    assert detail in error.detail


def test_an_export_has_a_row_for_each_label(world: World) -> None:
    world.add("a", "The bear.\r\nThe wolf.")
    world.save("set", asked("Who, then?", quoted("a", "bear.\r\nThe"), whole("a", grade=2), pinned=True), asked("Why?"))
    file = export_set(world, "set", "csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))
    assert (file.name, file.media_type, tuple(rows[0])) == ("set.csv", "text/csv", COLUMNS)
    said = [(row["id"], row["start"], row["end"], row["quote"], row["grade"], row["pinned"]) for row in rows]
    assert said == [
        ("q1", "4", "14", "bear.\r\nThe", "1", "true"), ("q1", "", "", "", "2", "true"), ("q2", "", "", "", "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "tags", [["a", "b"], ["a;b"], ["[x]"], [" padded "], ["a,b", 'c"d'], ["line\r\nbreak"], ["ü", "; ;"], []]
)
def test_tags_and_text_come_back_as_they_were(world: World, tags: list[str]) -> None:
    text = ' "quoted", with\r\nlines;\nand\tmore '
    world.add("a", text)
    content_hash, _ = world.save("set", asked(text, spanned("a", Span(0, len(text))), tags=tags, cluster=" ,\n"))
    assert import_set(world, "again", "csv", questions=export_set(world, "set", "csv").content)[0] == content_hash
