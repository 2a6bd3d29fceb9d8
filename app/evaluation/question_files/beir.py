"""BEIR's layout: queries as JSONL, judgements ("qrels") as a table with tabs, whole documents graded."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.gold import gold_of
from app.evaluation.question_files.reading import ReadFile, ReadQuestion, SourceFile
from app.evaluation.questions import NewEvidence, NewQuestion, Question
from configs.text import Text

COLUMNS = ("query-id", "corpus-id", "score")
LONGEST_ID = 63
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive, so that the same set makes the same bytes."""

Labels = defaultdict[str, list[tuple[int, NewEvidence]]]


class _Query(BaseModel):
    """A line of `queries.jsonl`; what else it says is left out."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: Text = Field(alias="_id", min_length=1)
    text: str


def read_beir(queries: SourceFile, qrels: SourceFile) -> ReadFile:
    """Return the queries with a positive judgement; each judgement marks a whole document with its score, 1 to 3.

    Judgements of 0 or less are skipped, queries without a positive one are dropped; both are counted.
    """
    labels, skipped = _judgements(qrels)
    lines: dict[str, int] = {}
    questions = []
    for line, text in queries.lines():
        query = queries.validated(_Query, text, line)
        if lines.setdefault(query.id, line) != line:
            raise queries.error(line, f"line {lines[query.id]} has the _id {query.id[:100]!r} too")
        marked = labels.get(query.id, [])
        value = {"id": fitting_id(query.id), "question": query.text, "evidence": [one for _, one in marked]}
        if marked:
            question = queries.validated(NewQuestion, value, line)
            label_lines = tuple(label_line for label_line, _ in marked)
            questions.append(ReadQuestion(question=question, line=line, label_lines=label_lines))
    for query_id, marked in labels.items():
        if query_id not in lines:
            raise qrels.error(marked[0][0], f"the queries have no _id {query_id[:100]!r}")
    dropped = len(lines) - len(questions)
    return ReadFile(questions=questions, label_file=qrels, dropped_questions=dropped, skipped_judgements=skipped)


def _judgements(qrels: SourceFile) -> tuple[Labels, int]:
    labels: Labels = defaultdict(list)
    skipped = 0
    for line, row in qrels.rows(COLUMNS, needed=COLUMNS, delimiter="\t"):
        if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", row["score"], re.ASCII):
            raise qrels.error(line, f"the score {row['score'][:50]!r} is no whole number")
        score = int(row["score"])
        if score <= 0:
            skipped += 1
            continue
        value = {"external_id": row["corpus-id"], "grade": score}
        labels[row["query-id"]].append((line, qrels.validated(NewEvidence, value, line)))
    return labels, skipped


def fitting_id(original: str) -> str:
    """Return the id as it is where it fits a question, else what fits of it and a hash of the whole."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", original) and len(original) <= LONGEST_ID:
        return original
    digest = hashlib.sha256(original.encode()).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", original).strip("-_.")[: LONGEST_ID - len(digest) - 1]
    return f"{stem or 'q'}-{digest}"


def write_beir(
    questions: Sequence[Question], external_ids: Mapping[str, str], corpus: Iterable[tuple[str, str, str]]
) -> bytes:
    """Return a zip with `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`; spans become their documents.

    Who asked and when, tags, clusters and origins are lost: the layout has no place for them.

    `external_ids` are by document id; `corpus` are external id, title and text.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(_entry("corpus.jsonl"), "w") as entry:
            for external_id, title, text in corpus:
                entry.write(_line({"_id": external_id, "title": title, "text": text}))
        with archive.open(_entry("queries.jsonl"), "w") as entry:
            for question in questions:
                entry.write(_line({"_id": question.id, "text": question.question}))
        with archive.open(_entry("qrels/test.tsv"), "w") as entry:
            entry.write(_qrels(questions, external_ids).encode())
    return stream.getvalue()


def _qrels(questions: Sequence[Question], external_ids: Mapping[str, str]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for question in questions:
        for document_id, grade in gold_of(question).document_grades.items():
            writer.writerow([question.id, external_ids[document_id], grade])
    return stream.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()
