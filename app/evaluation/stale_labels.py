"""Labels after their documents changed: which still hold, which can be moved to the newest version, which cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import documents_by_id, excerpts, text_of
from app.evaluation.labels import MOST_SHOWN
from app.evaluation.questions import Evidence, Question
from configs.errors import ConflictError
from configs.text import occurrences

Fate = Literal["replaced", "deleted"]


class StaleLabel(BaseModel):
    """A label that does not hold for the document as it is now."""

    model_config = ConfigDict(frozen=True)

    question_id: str
    label: int = Field(description="its position in the question's evidence, from 0")
    evidence: Evidence = Field(description="the label as it is")
    state: Fate = Field(description="`replaced`: another version answers now; `deleted`: the document is gone")
    moved_to: Evidence | None = Field(
        description="where the newest version has the same text, if it has it exactly once; else null"
    )


class Staleness(BaseModel):
    """How many labels of a set still hold, and those that do not."""

    model_config = ConfigDict(frozen=True)

    labels: int
    current: int = Field(description="labels that hold; a label of a whole document does until that is deleted")
    replaced: int
    deleted: int
    movable: int = Field(description="replaced labels whose text stands exactly once in the newest version")
    stale: list[StaleLabel]


def staleness_of(session: Session, workspace_id: str, questions: Sequence[Question]) -> Staleness:
    """Return which labels of the questions do not hold for the versions that answer at present."""
    stale = list(_stale_labels(session, workspace_id, questions))
    labels = sum(len(question.evidence) for question in questions)
    return Staleness(
        labels=labels,
        current=labels - len(stale),
        replaced=sum(one.state == "replaced" for one in stale),
        deleted=sum(one.state == "deleted" for one in stale),
        movable=sum(one.moved_to is not None for one in stale),
        stale=stale,
    )


def refuse_stale(session: Session, workspace_id: str, name: str, questions: Sequence[Question]) -> None:
    """Raise ConflictError `stale_labels` where labels of the questions, of the set `name`, do not hold any more."""
    staleness = staleness_of(session, workspace_id, questions)
    if staleness.stale:
        raise ConflictError(
            f"{len(staleness.stale)} of {staleness.labels} labels of question set {name!r} do not hold for the texts "
            f"now",
            hint="move them with POST …/question-sets/{question_set}/relocations, and export the new set",
            code="stale_labels",
            count=len(staleness.stale),
        )


class Relocated(BaseModel):
    """Questions whose labels hold for the versions that answer at present."""

    model_config = ConfigDict(frozen=True)

    questions: list[Question]
    moved: int
    dropped_questions: list[str]


def relocated(session: Session, workspace_id: str, questions: Sequence[Question], *, drop_stale: bool) -> Relocated:
    """Return the questions with every stale label moved to the newest version.

    A question with a label that cannot be moved is left out with `drop_stale`: with a part of its labels it would be
    easier than it was. Without, it raises ConflictError `labels_not_movable`; and where no question would be left,
    `no_questions_left`.
    """
    stale = staleness_of(session, workspace_id, questions).stale
    lost = [one for one in stale if one.moved_to is None]
    if lost and not drop_stale:
        raise ConflictError(
            f"{len(lost)} labels cannot be moved: their document is deleted, or its newest version does not have their "
            f"text exactly once",
            hint="mark these answers anew in another set, or send `drop_stale: true` to leave their questions out",
            code="labels_not_movable",
            count=len(lost),
            labels=[one.model_dump(mode="json") for one in lost[:MOST_SHOWN]],
        )
    dropped = {one.question_id for one in lost}
    moves = {(one.question_id, one.label): one.moved_to for one in stale if one.question_id not in dropped}
    kept = [_moved(question, moves) for question in questions if question.id not in dropped]
    if not kept:
        raise ConflictError(
            "every question has a label that cannot be moved",
            hint="mark the answers anew in the documents as they are now",
            code="no_questions_left",
        )
    left_out = [question.id for question in questions if question.id in dropped]
    return Relocated(questions=kept, moved=len(moves), dropped_questions=left_out)


def _moved(question: Question, moves: dict[tuple[str, int], Evidence | None]) -> Question:
    evidence = tuple(moves.get((question.id, label)) or one for label, one in enumerate(question.evidence))
    return question.model_copy(update={"evidence": evidence})


def _stale_labels(session: Session, workspace_id: str, questions: Sequence[Question]) -> Iterator[StaleLabel]:
    """Yield the stale labels in the order of the questions; old and new texts are read one at a time."""
    labels = [(question.id, n, one) for question in questions for n, one in enumerate(question.evidence)]
    documents = documents_by_id(session, workspace_id, (one.document_id for _, _, one in labels))
    replaced: dict[str, set[Evidence]] = {}
    for _, _, one in labels:
        document = documents.get(one.document_id)
        if document is not None and one.version_id not in (None, document.version_id):
            replaced.setdefault(document.version_id or "", set()).add(one)
    moves = {
        one: moved
        for version_id, group in replaced.items()
        for one, moved in _moves(session, version_id, group)
    }  # fmt: skip
    for question_id, n, one in labels:
        if one.document_id not in documents:
            yield StaleLabel(question_id=question_id, label=n, evidence=one, state="deleted", moved_to=None)
        elif one in moves:
            yield StaleLabel(question_id=question_id, label=n, evidence=one, state="replaced", moved_to=moves[one])


def _moves(session: Session, version_id: str, group: set[Evidence]) -> Iterator[tuple[Evidence, Evidence | None]]:
    """Yield each label with the one that takes its place in the version, None where its text is not there just once."""
    quotes = excerpts(session, [one.place for one in group if one.place is not None])
    text = text_of(session, version_id) if version_id else ""
    for one in group:
        assert one.place is not None
        quote = quotes[one.place]
        found = list(islice(occurrences(quote, text), 2)) if quote else []
        moved = None
        if len(found) == 1:
            place = {"version_id": version_id, "start": found[0], "end": found[0] + len(quote)}
            moved = one.model_copy(update=place)
        yield one, moved
