"""The layout of Chroma's chunking evaluation: CSV with `question`, `references` and `corpus_id`, spans of one document.

`references` is JSON: `[{"content", "start_index", "end_index"}]`, half-open offsets in code points.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field, RootModel

from app.evaluation.question_files.reading import ReadFile, ReadQuestion, SourceFile
from app.evaluation.question_files.writing import LabelText
from app.evaluation.questions import Evidence, NewEvidence, NewQuestion, Question
from configs.errors import ConflictError

COLUMNS = ("question", "references", "corpus_id")
MOST_SHOWN = 10


class _Reference(BaseModel):
    content: str
    start_index: int
    end_index: int


class _References(RootModel[list[_Reference]]):
    root: list[_Reference] = Field(min_length=1)


def read_chunking_eval(file: SourceFile) -> ReadFile:
    """Return the questions; the text at each span must be what `content` says."""
    questions = []
    for line, row in file.rows(COLUMNS, needed=COLUMNS):
        found = file.validated(_References, row["references"], line)
        evidence = [
            file.validated(NewEvidence, {**_value(reference), "external_id": row["corpus_id"]}, line)
            for reference in found.root
        ]
        question = file.validated(NewQuestion, {"question": row["question"], "evidence": evidence}, line)
        questions.append(ReadQuestion(question=question, line=line, label_lines=(line,) * len(evidence)))
    return ReadFile(questions=questions, label_file=file)


def _value(reference: _Reference) -> dict[str, int | str]:
    return {"start": reference.start_index, "end": reference.end_index, "quote": reference.content}


def write_chunking_eval(questions: Sequence[Question], texts: Mapping[Evidence, LabelText]) -> str:
    """Return the table. Ids, grades, tags, clusters, origins, and who asked and when are lost: there are no columns.

    Raises ConflictError `format_cannot_carry` where a question has no label, a whole document, or several documents.
    """
    unfit = [one.id for one in questions if not one.places or len(one.places) < len(one.evidence) or _spreads(one)]
    if unfit:
        raise ConflictError(
            f"{len(unfit)} questions do not fit this layout, which needs spans of one document: "
            + ", ".join(unfit[:MOST_SHOWN]),
            hint="export as jsonl or csv, which carry everything",
            code="format_cannot_carry",
            questions=unfit[:MOST_SHOWN],
        )
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for question in questions:
        references = [
            {"content": texts[one].text, "start_index": one.start, "end_index": one.end} for one in question.evidence
        ]
        corpus_id = texts[question.evidence[0]].external_id
        writer.writerow([question.question, json.dumps(references), corpus_id])
    return stream.getvalue()


def _spreads(question: Question) -> bool:
    return len({evidence.document_id for evidence in question.evidence}) > 1
