"""Question sets as a job keeps them until their documents answer: with hashes in place of what documents say."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import excerpts
from app.evaluation.labels import locate_questions, question_ids
from app.evaluation.question_files.json_lines import read_json_lines
from app.evaluation.question_files.reading import SourceFile
from app.evaluation.question_sets import MOST_QUESTIONS, QuestionSetRow, save_located
from app.evaluation.questions import NewEvidence, NewQuestion
from configs.errors import ConflictError


class SealedQuestionSet(BaseModel):
    """Questions whose labels are spans or whole documents, by external id; `seals` has the SHA-256 of the text at each
    label, by question and label in order: None where no text was given.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    questions: list[NewQuestion]
    seals: list[list[str | None]]


def seal(name: str, file: SourceFile) -> SealedQuestionSet:
    """Return what the JSONL file holds; raises InvalidInputError with file and line for what cannot be used."""
    read = read_json_lines(file)
    if not 0 < len(read.questions) <= MOST_QUESTIONS:
        raise file.error(1, f"the file holds {len(read.questions)} questions; from 1 to {MOST_QUESTIONS} are a set")
    questions, seals = [], []
    for one in read.questions:
        for label in one.question.evidence:
            if label.external_id is None or (label.quote is not None and label.start is None):
                raise file.error(one.line, "labels of an archive have an external_id, and a span beside their quote")
        labels = one.question.evidence
        without = tuple(label.model_copy(update={"quote": None}) for label in labels)
        questions.append(one.question.model_copy(update={"evidence": without}))
        seals.append([_hash(label.quote) if label.quote is not None else None for label in labels])
    question_ids(questions)
    return SealedQuestionSet(name=name, questions=questions, seals=seals)


def external_ids_of(sealed: SealedQuestionSet) -> set[str]:
    """Return what the labels call their documents."""
    labels = (label for question in sealed.questions for label in question.evidence)
    return {_external_id(label) for label in labels}


def save_sealed(session: Session, workspace_id: str, sealed: SealedQuestionSet) -> tuple[QuestionSetRow, bool]:
    """Save the set; return it and whether it is new.

    Raises what `locate_questions` and `save_located` raise, and ConflictError `texts_differ` where the text at a label
    is not the one that was marked.
    """
    questions = locate_questions(session, workspace_id, sealed.questions)
    places = {label.place for question in questions for label in question.evidence if label.place is not None}
    texts = excerpts(session, places)
    for question, seals in zip(questions, sealed.seals, strict=True):
        for label, expected in zip(question.evidence, seals, strict=True):
            if label.place is not None and expected is not None and _hash(texts[label.place]) != expected:
                raise ConflictError(
                    f"question {question.id!r} of set {sealed.name!r}: the text at [{label.start}, {label.end}) of "
                    f"document {label.document_id} is not the one that was marked",
                    hint="the document reads otherwise here; mark the answers anew, or import into a new workspace",
                    code="texts_differ",
                )
    return save_located(session, workspace_id, sealed.name, questions)


def _external_id(label: NewEvidence) -> str:
    assert label.external_id is not None
    return label.external_id


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
