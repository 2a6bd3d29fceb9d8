"""Imports find documents by their names, save all or nothing, and give back what was exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.evaluation.question_files import importing
from app.evaluation.question_files.importing import Format
from configs.errors import ConflictError, NotFoundError
from configs.part import fingerprint_of
from configs.span import Span
from indexes.database.tables import Document
from tests.app.evaluation.question_files.files import export_set, import_refused, import_set, read, refused
from tests.app.evaluation.world import World, asked, quoted, spanned, whole

TEXT = "The bear lives in Berlin. 🐻\r\nThe wolf lives in Bremen."


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world with two documents, in which tests only add sets."""
    world = World(tmp_path_factory.mktemp("library"))
    world.add_all({"guide.md": TEXT, "notes": TEXT[::-1]})
    yield world
    world.close()


def line(document: str, quote: str | None = None) -> str:
    """Return a line of JSONL with one label."""
    label = {"external_id": document} if quote is None else {"external_id": document, "quote": quote}
    return json.dumps({"question": "Where?", "evidence": [label]}) + "\n"


@pytest.mark.parametrize(
    ("file_format", "files", "said"),
    [
        ("jsonl", {}, "takes the files questions, got none"),
        ("jsonl", {"questions": b"x", "qrels": b"x"}, "takes the files questions, got qrels and questions"),
        ("beir", {"questions": b"x"}, "takes the files queries and qrels, got questions"),
        ("beir", {"queries": b"x"}, "takes the files queries and qrels, got queries"),
    ],
)
def test_each_format_takes_its_files(file_format: Format, files: dict[str, bytes], said: str) -> None:
    error = refused(file_format, **files)
    assert (error.status, error.code) == (422, "wrong_files")
    assert said in error.detail


def test_too_many_questions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_QUESTIONS", 2)
    assert len(read("jsonl", questions=line("a") * 2).questions) == 2
    error = refused("jsonl", questions=line("a") * 3)
    assert (error.status, error.code) == (413, "too_many_questions")


@pytest.mark.parametrize(
    ("name", "document"),
    [("a", "a"), ("b", "b.txt"), ("b.txt", "b.txt"), ("c.md", "c.md"), ("d", "d"), ("e e", "e e.md")],
)
def test_a_document_goes_by_external_id_by_id_or_without_its_extension(world: World, name: str, document: str) -> None:
    ids = {"a": "a", "a.md": "a.md", "b.txt": "b.txt", "c.md": "c.md", "d": "d", "d.txt": "d.txt"}
    world.add_all({**ids, "e": "e"})
    with world.database.write() as session:
        session.get_one(Document, "e").external_id = "e e.md"
    _, (question,) = import_set(world, "set", "jsonl", questions=line(name))
    assert question.evidence[0].document_id == document.replace("e e.md", "e")


def test_a_name_that_may_mean_several_documents_is_refused(world: World) -> None:
    world.add_all({"a.md": "x", "a.txt": "y"})
    error = import_refused(world, "jsonl", questions='{"question": "?"}\n' + line("a"))
    assert (error.code, error.extra) == ("ambiguous_document", {"file": "questions", "line": 2})
    assert "'a.md', 'a.txt'" in error.detail


def test_unknown_documents_are_listed_with_the_line_of_the_first(library: World) -> None:
    content = line("guide") + "\n" + "".join(line(f"gone-{number}") for number in range(12))
    error = import_refused(library, "jsonl", questions=content)
    assert (error.status, error.code, error.extra["count"], error.extra["line"]) == (404, "document_not_found", 12, 3)
    assert error.extra["missing"] == [f"gone-{number}" for number in range(10)]
    assert error.detail.startswith("questions, line 3: 12 documents are not here")


@pytest.mark.parametrize(
    ("quote", "code"),
    [("lives in", "quote_ambiguous"), ("lives  in Berlin", "quote_not_found"), ("e", "quote_ambiguous")],
)
def test_a_label_that_cannot_be_located_is_named_by_its_line(library: World, quote: str, code: str) -> None:
    content = line("guide", "Berlin") + "\n" + line("guide", quote)
    error = import_refused(library, "jsonl", questions=content)
    assert (error.code, error.extra["line"], error.extra["file"]) == (code, 3, "questions")
    assert error.detail.startswith("questions, line 3: question 'q2', document 'guide.md'")
    with pytest.raises(NotFoundError):
        export_set(library, "refused", "jsonl")


def test_importing_the_same_again_is_the_same_set(library: World) -> None:
    first = import_set(library, "twice", "jsonl", questions=line("guide", "Berlin"))
    assert import_set(library, "twice", "jsonl", questions=line("guide.md", "Berlin")) == first
    with pytest.raises(ConflictError):
        import_set(library, "twice", "jsonl", questions=line("guide", "Bremen"))


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
SPANS = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 8)).map(
    lambda drawn: Span(drawn[0], min(len(TEXT), sum(drawn)))
)
LABELS = st.one_of(
    st.builds(spanned, st.just("guide.md"), SPANS),
    st.builds(whole, st.sampled_from(["guide.md", "notes"])),
    st.builds(quoted, st.just("guide.md"), st.sampled_from(["Berlin", "Bremen"])),
)
GRADED = st.builds(lambda label, grade: {**label, "grade": grade}, LABELS, st.integers(1, 3))


def distinct(labels: list[dict[str, Any]]) -> bool:
    """Tell whether no two labels can mark the same place."""
    starts = [(label["document_id"], label.get("start", TEXT.find(label.get("quote", "\x00")))) for label in labels]
    return len(set(starts)) == len(starts)


QUESTIONS = st.builds(
    asked,
    TEXTS.filter(str.strip),
    tags=st.lists(TEXTS, max_size=3),
    cluster=st.none() | TEXTS,
    origin=st.sampled_from(["sampled", "active", "pseudo"]),
    pinned=st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asks=st.lists(st.tuples(QUESTIONS, st.lists(GRADED, max_size=3).filter(distinct)), min_size=1, max_size=4))
def test_what_was_exported_is_imported_as_the_same_content(library: World, asks: list[Any]) -> None:
    questions = [{**question, "evidence": evidence, "unanswerable": not evidence} for question, evidence in asks]
    name = f"set-{fingerprint_of(questions)}"
    content_hash, _ = library.save(name, *questions)
    for file_format in ("jsonl", "csv"):
        content = export_set(library, name, file_format).content
        assert import_set(library, f"{name}-{file_format}", file_format, questions=content)[0] == content_hash
