"""From a saved question set to one file in any of the layouts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import LabelledDocument, documents_by_id, text_of
from app.evaluation.question_files.beir import write_beir
from app.evaluation.question_files.chunking_eval import write_chunking_eval
from app.evaluation.question_files.csv_rows import write_csv_rows
from app.evaluation.question_files.importing import Format
from app.evaluation.question_files.json_lines import write_json_lines
from app.evaluation.question_files.writing import label_texts
from app.evaluation.question_sets import QuestionSetRow
from app.evaluation.questions import Question
from app.evaluation.stale_labels import refuse_stale

_SUFFIXES = {"jsonl": ".jsonl", "csv": ".csv", "beir": "-beir.zip", "chunking_eval": "-chunking-eval.csv"}
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson", "csv": "text/csv", "beir": "application/zip", "chunking_eval": "text/csv",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file to download."""

    name: str
    media_type: str
    content: bytes


def export_questions(session: Session, workspace_id: str, row: QuestionSetRow, file_format: Format) -> ExportedFile:
    """Return the set as a file; documents go by their external ids. Importing JSONL or CSV again gives the same hash.

    Raises ConflictError: `stale_labels`, as offsets into texts that changed would be read as offsets into the new ones;
    `format_cannot_carry` as `write_chunking_eval` does.
    """
    questions = row.parsed()
    refuse_stale(session, workspace_id, row.name, questions)
    return ExportedFile(
        name=row.name + _SUFFIXES[file_format],
        media_type=MEDIA_TYPES[file_format],
        content=_content(session, workspace_id, questions, file_format),
    )


def _content(session: Session, workspace_id: str, questions: Sequence[Question], file_format: Format) -> bytes:
    if file_format == "beir":
        marked = (evidence.document_id for question in questions for evidence in question.evidence)
        documents = documents_by_id(session, workspace_id, marked)
        external_ids = {document.id: document.external_id for document in documents.values()}
        return write_beir(questions, external_ids, _corpus(session, documents.values()))
    texts = label_texts(session, workspace_id, questions)
    if file_format == "jsonl":
        return write_json_lines(questions, texts).encode()
    if file_format == "csv":
        return write_csv_rows(questions, texts).encode()
    return write_chunking_eval(questions, texts).encode()


def _corpus(session: Session, documents: Iterable[LabelledDocument]) -> Iterator[tuple[str, str, str]]:
    for document in sorted(documents, key=lambda one: one.external_id):
        yield document.external_id, document.title, text_of(session, document.version_id or "")
