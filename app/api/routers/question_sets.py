"""Question sets: questions whose answers are marked as spans of documents, or as whole documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Body, File, Form, Path, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from app.api.examples_evaluation import NEW_QUESTION_SETS, RELOCATIONS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.service import CurrentService
from app.evaluation.question_files.exporting import MEDIA_TYPES, export_questions
from app.evaluation.question_files.importing import Format, read_files, save_read
from app.evaluation.question_sets import (
    MOST_QUESTIONS,
    LabelCounts,
    QuestionSetRow,
    delete_question_set,
    label_counts,
    list_question_sets,
    load_question_set,
    save_located,
    save_question_set,
)
from app.evaluation.questions import NewQuestion, Question
from app.evaluation.stale_labels import Staleness, relocated, staleness_of
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/question-sets", tags=["question sets"], route_class=PlaygroundRoute
)
LAYOUTS = (
    "`jsonl`: a question in each line, as it is posted; `csv`: a row for each label, with columns id, question, "
    "document, start, end, quote, grade, tags, cluster, origin, unanswerable, pinned, user_id, asked_at; `beir`: "
    "queries and qrels; `chunking_eval`: CSV with question, references, corpus_id"
)
QuestionSetName = Annotated[Name, Path(description="name of a question set", openapi_examples=example("demo"))]


class NewQuestionSet(BaseModel):
    """Questions to keep under a name."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    questions: list[NewQuestion] = Field(min_length=1, max_length=MOST_QUESTIONS)


class QuestionSetSummary(BaseModel):
    """A question set without its questions."""

    name: str
    content_hash: str = Field(description="hash of the questions with their marked spans; every result carries it")
    question_count: int
    created_at: datetime

    @classmethod
    def of(cls, row: QuestionSetRow, **more: object) -> Self:
        """Return the set as far as this view shows it; `more` are the fields that the row does not tell."""
        own = {name: getattr(row, name) for name in QuestionSetSummary.model_fields}
        return cls.model_validate({**own, **more})


class LabelledQuestionSet(QuestionSetSummary):
    """A question set with what is marked in it."""

    labels: LabelCounts


class QuestionSetView(LabelledQuestionSet):
    """A question set; marked spans refer to the versions that answered when it was saved."""

    questions: list[Question]


class ImportedQuestionSet(LabelledQuestionSet):
    """A question set that was read from files."""

    dropped_questions: int = Field(description="BEIR queries left out because nothing is judged relevant to them")
    skipped_judgements: int = Field(description="BEIR judgements left out because they say `not relevant`")


class Relocation(BaseModel):
    """What to make of a set whose labels are stale."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="of the new set")
    drop_stale: bool = Field(False, description="leave out questions with a label that cannot be moved")


class RelocatedQuestionSet(LabelledQuestionSet):
    """A question set whose labels hold for the documents as they are now."""

    moved_labels: int
    dropped_questions: list[str] = Field(description="ids of questions left out: a label could not be moved")


def view_of(row: QuestionSetRow) -> QuestionSetView:
    """Return the set as the API shows it."""
    questions = row.parsed()
    return QuestionSetView.of(row, labels=label_counts(questions), questions=questions)


@router.post("", status_code=201, summary="Save a question set", responses={200: {"model": QuestionSetView}})
async def create_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewQuestionSet, Body(openapi_examples=NEW_QUESTION_SETS)],
) -> QuestionSetView:
    """Save questions; 200 where the set of that name says the same already. A set never changes.

    A quote must occur exactly once in the text of the version that answers at present; kept is the span it stands for,
    with that version. Questions without evidence are kept too: they can be compared, but not scored.
    """

    def work() -> tuple[QuestionSetView, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row, is_new = save_question_set(session, workspace_id, body.name, body.questions)
            return view_of(row), is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.post(
    "/imports", status_code=201, summary="Import a question set", responses={200: {"model": ImportedQuestionSet}}
)
async def import_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    name: Annotated[Name, Form(description="of the new set")],
    file_format: Annotated[Format, Form(alias="format", description=LAYOUTS)],
    questions: Annotated[UploadFile | None, File(description="the file, for every format but beir")] = None,
    queries: Annotated[UploadFile | None, File(description="beir: queries.jsonl")] = None,
    qrels: Annotated[UploadFile | None, File(description="beir: a table of judgements, parted by tabs")] = None,
) -> ImportedQuestionSet:
    """Save a set from files whose documents are in the workspace already; all of it, or nothing and the line at fault.

    A document's name in a file is its external id (with or without the file's extension) or its id. BEIR marks whole
    documents.
    """
    sent = {"questions": questions, "queries": queries, "qrels": qrels}
    files = {part: await file.read() for part, file in sent.items() if file is not None}

    def work() -> tuple[ImportedQuestionSet, bool]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
        read = read_files(file_format, files)
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            saved = save_read(session, workspace_id, name, read)
            view = ImportedQuestionSet.of(
                saved.row, labels=label_counts(saved.row.parsed()), dropped_questions=saved.dropped_questions,
                skipped_judgements=saved.skipped_judgements,
            )  # fmt: skip
            return view, saved.is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.get("", summary="List question sets")
async def get_question_sets(
    service: CurrentService, workspace_id: WorkspaceId, limit: Limit = 50, cursor: Cursor = None
) -> Page[QuestionSetSummary]:
    """Return question sets without their questions, oldest first."""

    def work() -> Page[QuestionSetSummary]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            rows, following = list_question_sets(session, workspace_id, limit=limit, cursor=cursor)
            return Page(items=[QuestionSetSummary.of(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.get("/{question_set}", summary="Show a question set")
async def get_question_set(
    service: CurrentService, workspace_id: WorkspaceId, question_set: QuestionSetName
) -> QuestionSetView:
    """Return the set with its questions and where their answers stand."""

    def work() -> QuestionSetView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return view_of(load_question_set(session, workspace_id, question_set))

    return await service.run(work)


@router.get("/{question_set}/staleness", summary="Tell which labels still hold")
async def get_staleness(service: CurrentService, workspace_id: WorkspaceId, question_set: QuestionSetName) -> Staleness:
    """Return the labels whose document was replaced or deleted since, and where the newest version has their text."""

    def work() -> Staleness:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return staleness_of(session, workspace_id, load_question_set(session, workspace_id, question_set).parsed())

    return await service.run(work)


@router.post(
    "/{question_set}/relocations",
    status_code=201,
    summary="Move stale labels into a new set",
    responses={200: {"model": RelocatedQuestionSet}},
)
async def relocate_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    question_set: QuestionSetName,
    response: Response,
    body: Annotated[Relocation, Body(openapi_examples=RELOCATIONS)],
) -> RelocatedQuestionSet:
    """Save a new set whose labels hold for the documents as they are now; the old set stays as it is.

    A label moves where the newest version has its text exactly once. Others are refused with 409, or their questions
    left out with `drop_stale`: with a part of its labels a question would be easier than it was.
    """

    def work() -> tuple[RelocatedQuestionSet, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            old = load_question_set(session, workspace_id, question_set).parsed()
            new = relocated(session, workspace_id, old, drop_stale=body.drop_stale)
            row, is_new = save_located(session, workspace_id, body.name, new.questions)
            view = RelocatedQuestionSet.of(
                row, labels=label_counts(new.questions), moved_labels=new.moved, dropped_questions=new.dropped_questions
            )
            return view, is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.get(
    "/{question_set}/export",
    summary="Export a question set",
    response_class=Response,
    responses={200: {"content": {media_type: {} for media_type in sorted(set(MEDIA_TYPES.values()))}}},
)
async def export_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    question_set: QuestionSetName,
    file_format: Annotated[
        Format,
        Query(
            alias="format",
            description="`jsonl` and `csv` carry everything; `beir`: a zip with the marked documents, spans become "
            "their documents; `chunking_eval`: spans of one document for each question. Both lose who asked and when, "
            "tags, clusters and origins",
        ),
    ] = "jsonl",
) -> Response:
    """Download the set; documents go by external id. 409 where labels are stale or the layout cannot carry them."""

    def work() -> Response:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            row = load_question_set(session, workspace_id, question_set)
            file = export_questions(session, workspace_id, row, file_format)
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.content, media_type=file.media_type, headers=headers)

    return await service.run(work)


@router.delete("/{question_set}", status_code=204, summary="Delete a question set")
async def remove_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    question_set: Annotated[Name, Path(description="name of a question set", openapi_examples=example("disposable"))],
) -> Response:
    """Delete the set. Deleting what is not there changes nothing."""

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            delete_question_set(session, workspace_id, question_set)
        return Response(status_code=204)

    return await service.run(work)
