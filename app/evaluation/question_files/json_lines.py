"""JSONL: one question in each line, as POST …/question-sets takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from app.evaluation.question_files.reading import ReadFile, ReadQuestion, SourceFile
from app.evaluation.question_files.writing import LabelText
from app.evaluation.questions import Evidence, NewQuestion, Question
from configs.part import JsonObject


def read_json_lines(file: SourceFile) -> ReadFile:
    """Return the questions; a label is in the line of its question."""
    questions = []
    first_lines: dict[str, int] = {}
    for line, text in file.lines():
        question = file.validated(NewQuestion, text, line)
        if question.id is not None and first_lines.setdefault(question.id, line) != line:
            raise file.error(line, f"line {first_lines[question.id]} has the id {question.id!r} too")
        questions.append(ReadQuestion(question=question, line=line, label_lines=(line,) * len(question.evidence)))
    return ReadFile(questions=questions, label_file=file)


def write_json_lines(questions: Sequence[Question], texts: Mapping[Evidence, LabelText]) -> str:
    """Return one line for each question; what equals its default is left out."""
    return "".join(json.dumps(_value(question, texts), ensure_ascii=False) + "\n" for question in questions)


def _value(question: Question, texts: Mapping[Evidence, LabelText]) -> JsonObject:
    evidence = [_evidence(one, texts[one]) for one in question.evidence]
    return {**question.stored(), "evidence": evidence}


def _evidence(evidence: Evidence, text: LabelText) -> JsonObject:
    value: JsonObject = {"external_id": text.external_id}
    if evidence.place is not None:
        value.update(start=evidence.start, end=evidence.end)
        if text.quote is not None:
            value["quote"] = text.quote
    return value if evidence.grade == 1 else {**value, "grade": evidence.grade}
