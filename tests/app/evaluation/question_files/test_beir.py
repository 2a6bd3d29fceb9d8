"""BEIR: judged documents become graded labels of whole documents."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.evaluation.question_files.beir import fitting_id
from app.evaluation.questions import Key
from tests.app.evaluation.question_files.files import export_set, import_refused, import_set, read, refused
from tests.app.evaluation.world import World, asked, quoted, whole

QUERIES = '{"_id": "1", "text": "Who sleeps?", "metadata": {"x": [1]}}\n{"_id": 2, "text": "Who howls?"}\n'
HEADER = "query-id\tcorpus-id\tscore\n"


def test_judgements_mark_whole_documents() -> None:
    queries = QUERIES + '{"_id": "3", "text": "Unjudged?"}\n{"_id": "4", "text": "Nothing relevant?"}'
    qrels = HEADER + "2\ta\t3\n1\tb\t1\n2\tb\t 1\n1\tc\t0\n4\ta\t-1\n"
    found = read("beir", queries=queries, qrels=qrels)
    first, second = (one.question for one in found.questions)
    assert (first.id, first.question, [(one.external_id, one.grade) for one in first.evidence]) == (
        "1", "Who sleeps?", [("b", 1)],
    )  # fmt: skip
    assert (second.id, [(one.external_id, one.grade) for one in second.evidence]) == ("2", [("a", 3), ("b", 1)])
    assert all(one.is_whole_document for one in second.evidence)
    assert (found.dropped_questions, found.skipped_judgements) == (2, 2)
    assert [one.label_lines for one in found.questions] == [(3,), (2, 4)]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("1\ta\tyes", "score 'yes'"),
        ("1\ta\t1.5", "score '1.5'"),
        ("1\ta\t٣", "score '٣'"),
        ("1\ta\t" + "9" * 5_000, "score '9999"),
        ("1\ta\t4", "grade: "),
        ("1\ta", "2 fields"),
        ("1\t\t1", "external_id: "),
        ("9\ta\t1", "no _id '9'"),
    ],
)
def test_a_bad_judgement_is_named(row: str, detail: str) -> None:
    error = refused("beir", queries=QUERIES, qrels=f"{HEADER}1\ta\t1\n{row}\n")
    assert error.extra == {"file": "qrels", "line": 3}
    assert detail in error.detail


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ('{"_id": "1", "text": "again"}', "line 1 has the _id '1' too"),
        ('{"_id": "", "text": "x"}', "_id: "),
        ('{"text": "x"}', "_id: "),
        ('{"_id": "3"}', "text: "),
        ('{"_id": "3", "text": ""}', "question: "),
        ('{"_id": "\\u0000", "text": "x"}', "NUL"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_bad_query_is_named(line: str, detail: str) -> None:
    error = refused("beir", queries=f"{QUERIES}{line}\n", qrels=f"{HEADER}1\ta\t1\n3\ta\t1\n")
    assert error.extra == {"file": "queries", "line": 3}
    assert detail in error.detail


def test_a_table_without_its_header_is_refused() -> None:
    error = refused("beir", queries=QUERIES, qrels="1\t0\ta\t1\n")
    assert (error.extra["file"], error.extra["line"]) == ("qrels", 1)
    assert "query-id, corpus-id, score" in error.detail


def test_a_set_without_relevant_documents_is_refused() -> None:
    error = refused("beir", queries=QUERIES, qrels=HEADER + "1\ta\t0\n")
    assert error.code == "empty_question_file"
    assert "2 without" in error.detail


@pytest.mark.parametrize("original", ["1", "2hop__150763_14904", "a.b-c", "x" * 63])
def test_ids_that_fit_stay(original: str) -> None:
    assert fitting_id(original) == original


@pytest.mark.parametrize(
    ("original", "stem"),
    [("what is it?", "what-is-it"), ("_x", "x"), ("Wölfe", "W-lfe"), ("狼", "q"), ("y" * 64, "y" * 54), ("a\n", "a")],
)
def test_other_ids_keep_what_fits(original: str, stem: str) -> None:
    assert re.fullmatch(re.escape(stem) + "-[0-9a-f]{8}", fitting_id(original))


@given(st.sets(st.text(min_size=1, max_size=100), min_size=2, max_size=5))
def test_fitting_ids_are_keys_and_tell_questions_apart(originals: set[str]) -> None:
    fitting = {fitting_id(original) for original in originals}
    assert len(fitting) == len(originals)
    TypeAdapter(list[Key]).validate_python(list(fitting))


def test_a_document_that_is_judged_twice_is_refused_with_the_line(world: World) -> None:
    world.add("a", "text")
    error = import_refused(world, "beir", queries=QUERIES, qrels=HEADER + "1\ta\t1\n2\ta\t1\n1\ta\t2\n")
    assert (error.code, error.extra["file"], error.extra["line"]) == ("duplicate_label", "qrels", 4)


def test_an_export_is_the_layout_with_the_marked_documents(world: World) -> None:
    world.add_all({"a.md": "The bear — 🐻.", "b.md": "The wolf.", "c.md": "Unmarked."})
    world.save(
        "set",
        asked("Who?", quoted("b.md", "wolf"), whole("a.md", grade=3), {**quoted("b.md", "The"), "grade": 2}),
        asked("Why?"),
    )
    file = export_set(world, "set", "beir")
    assert (file.name, file.media_type) == ("set-beir.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    assert content["qrels/test.tsv"] == HEADER + "q1\tb.md\t2\nq1\ta.md\t3\n"
    assert [json.loads(line)["_id"] for line in content["queries.jsonl"].splitlines()] == ["q1", "q2"]
    corpus = [json.loads(line) for line in content["corpus.jsonl"].splitlines()]
    assert [(one["_id"], one["text"]) for one in corpus] == [("a.md", "The bear — 🐻."), ("b.md", "The wolf.")]
    assert export_set(world, "set", "beir").content == file.content
    _, (again,) = import_set(world, "again", "beir", queries=content["queries.jsonl"], qrels=content["qrels/test.tsv"])
    assert {(one.document_id, one.grade, one.place) for one in again.evidence} == {("a.md", 3, None), ("b.md", 2, None)}
