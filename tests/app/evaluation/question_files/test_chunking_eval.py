"""The layout of the chunking evaluation: references are spans whose text is checked."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from configs.errors import ConflictError
from configs.part import JsonObject
from tests.app.evaluation.question_files.files import export_set, import_refused, import_set, refused
from tests.app.evaluation.world import World, asked, quoted, whole

TEXT = "Die Wölfe 🐺 jagen. Der Bär schläft.\r\nEnde"


def table(*rows: tuple[str, object, str]) -> str:
    """Return the table; references that are no text are written as JSON."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["question", "references", "corpus_id"])
    for question, references, corpus_id in rows:
        cell = references if isinstance(references, str) else json.dumps(references)
        writer.writerow([question, cell, corpus_id])
    return stream.getvalue()


def reference(content: str, start: int | None = None) -> JsonObject:
    """Return the content as a reference, by default where it stands in the text."""
    begin = TEXT.index(content) if start is None else start
    return {"content": content, "start_index": begin, "end_index": begin + len(content)}


@pytest.mark.parametrize("document", ["woods", "woods.md", "woods.txt"])
def test_references_become_spans_of_the_corpus(world: World, document: str) -> None:
    world.add(document, TEXT)
    references = [reference("🐺 jagen"), reference("schläft.\r\nEnde")]
    _, questions = import_set(world, "set", "chunking_eval", questions=table(("Wer?", references, "woods")))
    assert [TEXT[one.start : one.end] for one in questions[0].evidence] == ["🐺 jagen", "schläft.\r\nEnde"]
    assert {one.document_id for one in questions[0].evidence} == {document}


def test_text_that_is_not_at_its_offsets_is_refused_with_the_row(world: World) -> None:
    world.add("woods", TEXT)
    in_bytes = reference("jagen", len(TEXT[: TEXT.index("jagen")].encode()))
    content = table(("Wer?", [reference("Bär")], "woods"), ("Was,\nbitte?", [reference("Ende"), in_bytes], "woods"))
    error = import_refused(world, "chunking_eval", questions=content)
    assert (error.code, error.extra["file"], error.extra["line"]) == ("quote_differs", "questions", 3)
    assert "'jagen'" in error.detail


@pytest.mark.parametrize(
    ("references", "detail"),
    [
        ("[", "Invalid JSON"),
        ("{}", "valid"),
        ([], "at least 1"),
        ([{"content": "a", "start_index": 0}], "0.end_index: Field required"),
        ([{"content": "a", "start_index": 3, "end_index": 3}], "less than"),
        ([{"content": "", "start_index": 0, "end_index": 1}], "quote: "),
    ],
)
def test_references_that_are_none_are_refused(references: object, detail: str) -> None:
    fine = ("Wer?", [reference("Bär")], "woods")
    error = refused("chunking_eval", questions=table(fine, ("Was?", references, "woods")))
    assert error.extra == {"file": "questions", "line": 3}
    assert detail in error.detail


def test_an_export_can_be_read_again(world: World) -> None:
    world.add("woods.md", TEXT)
    rows = (("Wer?", [reference("Bär"), reference("Ende")], "woods.md"), ('Was, "wo"?', [reference("🐺")], "woods.md"))
    content_hash, _ = import_set(world, "set", "chunking_eval", questions=table(*rows))
    file = export_set(world, "set", "chunking_eval")
    assert (file.name, file.media_type) == ("set-chunking-eval.csv", "text/csv")
    assert file.content.decode() == table(*rows)
    assert import_set(world, "again", "chunking_eval", questions=file.content)[0] == content_hash


def test_what_the_layout_cannot_carry_is_refused(world: World) -> None:
    world.add_all({"a": "one", "b": "two"})
    world.save(
        "set",
        asked("fine", quoted("a", "one")),
        asked("two documents", quoted("a", "one"), quoted("b", "two")),
        asked("a whole one", quoted("a", "one"), whole("a")),
        asked("none"),
    )
    with pytest.raises(ConflictError) as caught:
        export_set(world, "set", "chunking_eval")
    assert caught.value.code == "format_cannot_carry"
    assert caught.value.extra == {"questions": ["q2", "q3", "q4"]}


@pytest.mark.acceptance
def test_the_published_questions_are_imported_and_written_as_they_are(world: World) -> None:
    if not os.environ.get("PLAYGROUND_DATA"):
        pytest.skip("PLAYGROUND_DATA does not name a folder with evaluation data")
    folder = Path(os.environ["PLAYGROUND_DATA"]) / "chunking_eval"
    texts = {path.name: path.read_bytes().decode() for path in (folder / "corpora").glob("*.md")}
    world.add_all(texts)
    source = (folder / "questions_df.csv").read_bytes()
    content_hash, questions = import_set(world, "set", "chunking_eval", questions=source)
    assert len(questions) == 220
    for question, row in zip(questions, csv.DictReader(io.StringIO(source.decode(), newline="")), strict=True):
        spans = [texts[one.document_id][one.start : one.end] for one in question.evidence]
        assert spans == [one["content"] for one in json.loads(row["references"])]
    again = export_set(world, "set", "chunking_eval").content
    assert import_set(world, "again", "chunking_eval", questions=again)[0] == content_hash
