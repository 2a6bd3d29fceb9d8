"""Marked answers, located exactly in the texts that answer at present, or refused with what was found instead."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import (
    LabelledDocument,
    documents_by_external_id,
    documents_by_id,
    text_of,
)
from app.evaluation.questions import Evidence, NewEvidence, NewQuestion, Question
from app.evaluation.version_span import VersionSpan
from configs.errors import ConflictError, InvalidInputError, NotFoundError, PlaygroundError
from configs.part import JsonObject
from configs.text import occurrences
from indexes.access import Principal

MOST_SHOWN = 10
LONGEST_QUOTE_SHOWN = 100
SURROUNDING_CHARACTERS = 40

Position = tuple[int, int]
"""Of a question in its set, and of the label in its question; both from 0."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label as it was sent, with the id of its question."""

    question_id: str
    position: Position
    evidence: NewEvidence

    @property
    def name(self) -> str:
        """Return what the label calls its document."""
        return self.evidence.document_id or self.evidence.external_id or ""

    @property
    def location(self) -> JsonObject:
        """Return what an error about the label carries."""
        return {"question_id": self.question_id, "label": self.position[1]}


def locate_questions(
    session: Session, workspace_id: str, questions: Sequence[NewQuestion], principal: Principal | None = None
) -> list[Question]:
    """Return the questions with ids, and their evidence as spans of the versions that answer at present.

    With a `principal`, documents it may not read do not exist. Raises InvalidInputError (`duplicate_question_ids`,
    `click_labels`, `span_outside_document`, `quote_not_found`, `quote_ambiguous`, `quote_differs`, `duplicate_label`),
    NotFoundError, and ConflictError `document_not_ready` where no version answers yet. An error about a label carries
    `question_id` and `label`, its position in the question from 0.
    """
    identifiers = question_ids(questions)
    marked = [
        Mark(identifiers[number], (number, n), one)
        for number, asked in enumerate(questions)
        for n, one in enumerate(asked.evidence)
    ]
    _refuse_clicks(marked)
    documents = _documents(session, workspace_id, marked, principal)
    by_document: defaultdict[str, list[Mark]] = defaultdict(list)
    for mark in marked:
        by_document[documents[mark.position].id].append(mark)
    located: dict[Position, Evidence] = {}
    for marks in by_document.values():
        located.update(_located(session, documents[marks[0].position], marks))
    return [
        Question(
            id=identifiers[number], question=asked.question,
            evidence=tuple(located[number, n] for n in range(len(asked.evidence))), tags=asked.tags,
            cluster=asked.cluster, origin=asked.origin, unanswerable=asked.unanswerable, pinned=asked.pinned,
            user_id=asked.user_id, asked_at=asked.asked_at,
        )
        for number, asked in enumerate(questions)
    ]  # fmt: skip


def question_ids(questions: Sequence[NewQuestion]) -> list[str]:
    """Return the id of each question, `q` with its position from 1 where it has none.

    Raises InvalidInputError `duplicate_question_ids`.
    """
    given = [question.id for question in questions if question.id is not None]
    repeated = [identifier for identifier, count in Counter(given).items() if count > 1]
    if repeated:
        raise InvalidInputError(
            f"several questions have the id {repeated[0]!r}",
            hint="give each question of the set its own id, or leave the ids out",
            code="duplicate_question_ids",
            ids=repeated[:MOST_SHOWN],
        )
    taken = set(given)
    identifiers = []
    for position, question in enumerate(questions, start=1):
        identifier = question.id or f"q{position}"
        while question.id is None and identifier in taken:
            identifier += "-"
        identifiers.append(identifier)
    return identifiers


def _refuse_clicks(marked: Sequence[Mark]) -> None:
    clicks = [mark for mark in marked if mark.evidence.source == "click"]
    if clicks:
        raise InvalidInputError(
            f"{len(clicks)} labels are made from clicks, the first on question {clicks[0].question_id!r}: what users "
            "click depends on what was shown to them and where, so it is no evidence of what answers",
            hint="have somebody judge these documents; send clicks as feedback with POST …/users/{user_id}/feedback",
            code="click_labels",
            count=len(clicks),
            **clicks[0].location,
        )


def _documents(
    session: Session, workspace_id: str, marked: Sequence[Mark], principal: Principal | None
) -> dict[Position, LabelledDocument]:
    """Return the document of each label, or raise NotFoundError that names the first ones missing and counts all."""
    ids = {mark.name for mark in marked if mark.evidence.document_id is not None}
    external_ids = {mark.name for mark in marked if mark.evidence.document_id is None}
    by_id = documents_by_id(session, workspace_id, ids, principal)
    by_external_id = documents_by_external_id(session, workspace_id, external_ids, principal)
    found: dict[Position, LabelledDocument] = {}
    missing: dict[str, Mark] = {}
    for mark in marked:
        document = (by_external_id if mark.evidence.document_id is None else by_id).get(mark.name)
        if document is None:
            missing.setdefault(mark.name, mark)
        else:
            found[mark.position] = document
    if missing:
        raise _missing_documents(missing)
    return found


def _missing_documents(missing: Mapping[str, Mark]) -> NotFoundError:
    shown = list(missing)[:MOST_SHOWN]
    error = NotFoundError("document", shown[0], hint="upload it first, or take one that GET …/documents lists")
    if len(missing) > 1:
        names = ", ".join(map(repr, shown)) + ("" if len(missing) <= MOST_SHOWN else ", …")
        error.detail = f"{len(missing)} documents are not here: {names}"
    error.extra.update(missing=shown, count=len(missing), **missing[shown[0]].location)
    return error


def _located(session: Session, document: LabelledDocument, marks: Sequence[Mark]) -> dict[Position, Evidence]:
    """Return the evidence of all labels of one document, whose text is read once, and only for spans."""
    located: dict[Position, Evidence] = {}
    seen: set[tuple[int, VersionSpan | None]] = set()
    text: str | None = None
    for mark in marks:
        try:
            version_id = _answering(document)
            if text is None and not mark.evidence.is_whole_document:
                text = text_of(session, version_id)
            evidence = _locate(mark, document.id, version_id, text or "")
            if (mark.position[0], evidence.place) in seen:
                raise InvalidInputError(
                    f"question {mark.question_id!r} marks the same place of document {mark.name!r} twice",
                    hint="mark each place once, with one grade",
                    code="duplicate_label",
                )
        except PlaygroundError as error:
            error.extra.update(mark.location)
            raise
        seen.add((mark.position[0], evidence.place))
        located[mark.position] = evidence
    return located


def _answering(document: LabelledDocument) -> str:
    if document.version_id is None:
        raise ConflictError(
            f"no version of document {document.id!r} answers yet",
            hint="wait until its state is `ready`, then mark answers in it",
            code="document_not_ready",
        )
    return document.version_id


def _locate(mark: Mark, document_id: str, version_id: str, text: str) -> Evidence:
    evidence = mark.evidence
    if evidence.is_whole_document:
        return Evidence(document_id=document_id, grade=evidence.grade)
    where = f"question {mark.question_id!r}, document {mark.name!r}"
    if evidence.start is not None and evidence.end is not None:
        start, end = evidence.start, evidence.end
        _check_span(where, evidence, text)
    else:
        quote = evidence.quote or ""
        start = _only_occurrence(where, quote, text)
        end = start + len(quote)
    return Evidence(document_id=document_id, version_id=version_id, start=start, end=end, grade=evidence.grade)


def _check_span(where: str, evidence: NewEvidence, text: str) -> None:
    start, end = evidence.start or 0, evidence.end or 0
    if end > len(text):
        raise InvalidInputError(
            f"{where}: the span [{start}, {end}) ends after the text's {len(text)} characters",
            hint="take offsets from GET …/documents/{document_id}/text, or send a quote",
            code="span_outside_document",
            characters=len(text),
        )
    if evidence.quote is not None and text[start:end] != evidence.quote:
        raise InvalidInputError(
            f"{where}: at [{start}, {end}) stands {_shown(text[start:end])!r}, not {_shown(evidence.quote)!r}",
            hint="offsets count code points of the text that answers at present; send the quote without them",
            code="quote_differs",
        )


def _only_occurrence(where: str, quote: str, text: str) -> int:
    matches, first = 0, []
    for position in occurrences(quote, text):
        matches += 1
        if matches <= MOST_SHOWN:
            first.append(position)
    if matches == 1:
        return first[0]
    if matches == 0:
        raise InvalidInputError(
            f"{where}: the quote {_shown(quote)!r} occurs 0 times",
            hint="copy it from GET …/documents/{document_id}/text; upper case, spaces and line breaks count",
            code="quote_not_found",
            matches=0,
            positions=[],
            closest=_closest(quote, text),
        )
    raise InvalidInputError(
        f"{where}: the quote {_shown(quote)!r} occurs {matches} times, at {', '.join(map(str, first))}"
        + ("" if matches <= MOST_SHOWN else ", …"),
        hint="quote more of the text, or send `start` and `end`",
        code="quote_ambiguous",
        matches=matches,
        positions=first,
        surroundings=[_surrounding(text, position, position + len(quote)) for position in first],
    )


def _closest(quote: str, text: str) -> JsonObject | None:
    """Return the first passage that differs from the quote in white space and upper case only, None without one."""
    words = quote.split()
    found = re.search(r"\s+".join(map(re.escape, words)), text, re.IGNORECASE) if words else None
    if found is None:
        return None
    return {"start": found.start(), "end": found.end(), "text": _shown(found.group())}


def _surrounding(text: str, start: int, end: int) -> str:
    before, after = text[max(0, start - SURROUNDING_CHARACTERS) : start], text[end : end + SURROUNDING_CHARACTERS]
    return f"{before}{_shown(text[start:end])}{after}"


def _shown(quote: str) -> str:
    return quote if len(quote) <= LONGEST_QUOTE_SHOWN else f"{quote[:LONGEST_QUOTE_SHOWN]}…"
