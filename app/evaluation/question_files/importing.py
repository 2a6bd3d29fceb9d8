"""From files to a saved question set, whose documents are in the workspace already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import LabelledDocument, documents_by_external_id, documents_by_id
from app.evaluation.labels import question_ids
from app.evaluation.question_files.beir import read_beir
from app.evaluation.question_files.chunking_eval import read_chunking_eval
from app.evaluation.question_files.csv_rows import read_csv_rows
from app.evaluation.question_files.json_lines import read_json_lines
from app.evaluation.question_files.reading import ReadFile, ReadQuestion, SourceFile
from app.evaluation.question_sets import MOST_QUESTIONS, QuestionSetRow, save_question_set
from app.evaluation.questions import NewEvidence, NewQuestion
from configs.errors import InvalidInputError, PlaygroundError, TooLargeError
from ingest.parsers import Parser

Format = Literal["jsonl", "csv", "beir", "chunking_eval"]

_READERS = {"jsonl": read_json_lines, "csv": read_csv_rows, "chunking_eval": read_chunking_eval}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A saved set, and what of its file did not get into it."""

    row: QuestionSetRow
    is_new: bool
    dropped_questions: int
    skipped_judgements: int


def read_files(file_format: Format, files: Mapping[str, bytes]) -> ReadFile:
    """Return what the files hold: `queries` and `qrels` for BEIR, else `questions`.

    Raises InvalidInputError (`wrong_files`, `invalid_question_file`, `empty_question_file`) and TooLargeError
    `too_many_questions`.
    """
    needed = ("queries", "qrels") if file_format == "beir" else ("questions",)
    if set(files) != set(needed):
        raise InvalidInputError(
            f"format {file_format} takes the files {' and '.join(needed)}, got {' and '.join(sorted(files)) or 'none'}",
            hint="send each as a part of the form with that name",
            code="wrong_files",
        )
    sources = [SourceFile(name=name, content=files[name]) for name in needed]
    read = read_beir(*sources) if file_format == "beir" else _READERS[file_format](sources[0])
    if not read.questions:
        raise InvalidInputError(
            f"the file {needed[0]} holds no question"
            + (f" with a judgement above 0 ({read.dropped_questions} without)" if read.dropped_questions else ""),
            hint="send a file with at least one question",
            code="empty_question_file",
        )
    if len(read.questions) > MOST_QUESTIONS:
        raise TooLargeError(
            f"the file holds {len(read.questions)} questions; the limit is {MOST_QUESTIONS}",
            hint="import them as several sets",
            code="too_many_questions",
        )
    return read


def save_read(session: Session, workspace_id: str, name: str, read: ReadFile) -> Imported:
    """Save what was read as a question set.

    A label's document is the one of that external id, else of that id, else the one whose external id is the name with
    a file's extension. Raises what `save_question_set` raises, with file and line, and InvalidInputError
    `ambiguous_document`.
    """
    try:
        questions = _with_documents(session, workspace_id, read)
        row, is_new = save_question_set(session, workspace_id, name, questions)
    except PlaygroundError as error:
        if "label" in error.extra:
            asked = _asked(read, error.extra["question_id"])
            line = asked.label_lines[error.extra["label"]]
            error.detail = f"{read.label_file.name}, line {line}: {error.detail}"
            error.extra.update(file=read.label_file.name, line=line)
        raise
    return Imported(
        row=row, is_new=is_new, dropped_questions=read.dropped_questions, skipped_judgements=read.skipped_judgements
    )


def _asked(read: ReadFile, question_id: str) -> ReadQuestion:
    """Return the question that has, or is given, an id."""
    ids = question_ids([one.question for one in read.questions])
    return read.questions[ids.index(question_id)]


def _with_documents(session: Session, workspace_id: str, read: ReadFile) -> list[NewQuestion]:
    """Return the questions with the names of documents replaced by ids; names of none stay."""
    names = {
        evidence.external_id
        for one in read.questions
        for evidence in one.question.evidence
        if evidence.external_id is not None
    }
    found = _documents_by_name(session, workspace_id, names)
    questions = []
    for one in read.questions:
        evidence = [
            _named(read, line, label, found.get(label.external_id or "", []))
            for line, label in zip(one.label_lines, one.question.evidence, strict=True)
        ]
        questions.append(one.question.model_copy(update={"evidence": tuple(evidence)}))
    return questions


def _named(read: ReadFile, line: int, label: NewEvidence, documents: Sequence[LabelledDocument]) -> NewEvidence:
    if len(documents) > 1:
        candidates = ", ".join(repr(document.external_id) for document in documents)
        detail = f"the document {label.external_id!r} may be any of {candidates}"
        raise read.label_file.error(line, detail, code="ambiguous_document")
    return label.model_copy(update={"document_id": documents[0].id, "external_id": None}) if documents else label


def _documents_by_name(session: Session, workspace_id: str, names: set[str]) -> dict[str, list[LabelledDocument]]:
    exact = documents_by_external_id(session, workspace_id, names)
    by_id = documents_by_id(session, workspace_id, names - set(exact))
    found = {name: [document] for name, document in {**by_id, **exact}.items()}
    extensions = sorted(extension for member in Parser.members().values() for extension in member.extensions)
    files = {name + extension: name for name in names - set(found) for extension in extensions}
    for external_id, document in documents_by_external_id(session, workspace_id, files).items():
        found.setdefault(files[external_id], []).append(document)
    return found
