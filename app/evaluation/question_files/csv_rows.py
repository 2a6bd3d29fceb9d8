"""CSV with a header: one row for each label; rows of one id make one question."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.evaluation.question_files.reading import ReadFile, ReadQuestion, SourceFile
from app.evaluation.question_files.writing import LabelText
from app.evaluation.questions import Evidence, NewEvidence, NewQuestion, Question
from configs.part import JsonObject

QUESTION_COLUMNS = ("question", "tags", "cluster", "origin", "unanswerable", "pinned", "user_id", "asked_at")
LABEL_COLUMNS = ("start", "end", "quote", "grade")
COLUMNS = ("id", "question", "document", *LABEL_COLUMNS, *QUESTION_COLUMNS[1:])
READ_COLUMNS = (*COLUMNS, "source")
"""A label's `source` is read to refuse clicks and never written: what is kept is judged."""
SEPARATOR = ";"
"""Between tags; tags that hold it are written as a JSON list."""


@dataclass(slots=True)
class _Rows:
    """The rows of one question so far."""

    line: int
    cells: dict[str, str]
    evidence: list[NewEvidence] = field(default_factory=list)
    label_lines: list[int] = field(default_factory=list)


def read_csv_rows(file: SourceFile) -> ReadFile:
    """Return the questions in the order of their first rows.

    An empty cell says nothing. A row without an id is a question of its own; further rows of an id add labels, and what
    else they say must be what the first one says.
    """
    found: dict[str | int, _Rows] = {}
    for line, cells in file.rows(READ_COLUMNS, needed=("question",)):
        said = {name: cell for name, cell in cells.items() if cell}
        rows = found.setdefault(said.get("id", line), _Rows(line, said))
        differing = [name for name in QUESTION_COLUMNS if name in said and said[name] != rows.cells.get(name)]
        if differing:
            raise file.error(line, f"{differing[0]} differs from line {rows.line}, which has the same id")
        label = {name: said[name] for name in (*LABEL_COLUMNS, "source") if name in said}
        if label or "document" in said:
            external_id = {"external_id": said["document"]} if "document" in said else {}
            rows.evidence.append(file.validated(NewEvidence, {**external_id, **label}, line))
            rows.label_lines.append(line)
    return ReadFile(questions=[_question(file, rows) for rows in found.values()], label_file=file)


def _question(file: SourceFile, rows: _Rows) -> ReadQuestion:
    values: JsonObject = {name: rows.cells[name] for name in ("id", *QUESTION_COLUMNS) if name in rows.cells}
    if "tags" in values:
        values["tags"] = _tags(file, rows.line, values["tags"])
    question = file.validated(NewQuestion, {**values, "evidence": rows.evidence}, rows.line)
    return ReadQuestion(question=question, line=rows.line, label_lines=tuple(rows.label_lines))


def _tags(file: SourceFile, line: int, cell: str) -> list[str]:
    if not cell.startswith("["):
        return [tag.strip() for tag in cell.split(SEPARATOR) if tag.strip()]
    try:
        tags = json.loads(cell)
    except (ValueError, RecursionError):
        raise file.error(line, "tags begin with [ and are no JSON list") from None
    return list(tags)


def write_csv_rows(questions: Sequence[Question], texts: Mapping[Evidence, LabelText]) -> str:
    """Return a header, and for each question a row for each label, or one where it has none."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="")
    writer.writeheader()
    for question in questions:
        cells = {
            "id": question.id, "question": question.question, "tags": _tags_cell(question.tags),
            "cluster": question.cluster or "", "origin": question.origin,
            "unanswerable": "true" if question.unanswerable else "", "pinned": "true" if question.pinned else "",
            "user_id": question.user_id or "", "asked_at": question.asked_at.isoformat() if question.asked_at else "",
        }  # fmt: skip
        for one in question.evidence:
            label = {"document": texts[one].external_id, "start": one.start, "end": one.end, "grade": one.grade}
            writer.writerow({**cells, **label, "quote": texts[one].quote})
        if not question.evidence:
            writer.writerow(cells)
    return stream.getvalue()


def _tags_cell(tags: Sequence[str]) -> str:
    cell = SEPARATOR.join(tags)
    is_plain = not cell.startswith("[") and all(tag == tag.strip() and SEPARATOR not in tag for tag in tags)
    return cell if is_plain else json.dumps(list(tags), ensure_ascii=False)
