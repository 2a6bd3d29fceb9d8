"""Experiments: strategies times questions in a job, with a verdict that says how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.accounts.quotas import charge
from app.api.authentication import CurrentCaller, needs
from app.api.examples_experiments import EXPERIMENTS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.quotas import subjects_of
from app.api.routers.jobs import JobView, load_view
from app.api.service import CurrentService, Service
from app.evaluation.experiments.creation import Draft, create_experiment, draft_experiment
from app.evaluation.experiments.export import cells_as_csv, trec_archive
from app.evaluation.experiments.findings import Findings
from app.evaluation.experiments.plan import Plan
from app.evaluation.experiments.records import (
    CellRow,
    ExperimentRow,
    count_cells,
    delete_experiment,
    list_cells,
    list_experiments,
    load_experiment,
    read_cells,
)
from app.evaluation.experiments.specification import Specification
from configs.errors import NotFoundError
from indexes.database.catalog import external_ids_of, load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/experiments", tags=["experiments"], route_class=PlaygroundRoute
)
ExperimentId = Annotated[Name, Path(description="id of an experiment", openapi_examples=example("demo-experiment"))]


class DryRun(BaseModel):
    """What an experiment would compare and take; nothing was done."""

    plan: Plan
    strategies: list[str] = Field(description="labels, grids expanded")
    metrics: list[str] = Field(description="the first one decides")
    questions: int
    stale_questions: list[str] = Field(description="questions left out: a label does not hold for present documents")
    question_set_hash: str


class ExperimentSummary(BaseModel):
    """An experiment without its findings."""

    id: str
    name: str
    job_id: str
    question_set: str
    question_set_hash: str
    strategies: list[str]
    metric: str = Field(description="the deciding one")
    code_version: str
    look: int = Field(description="1, and 1 more for each earlier finding on another state of these questions")
    created_at: datetime
    finished_at: datetime | None


class ExperimentView(ExperimentSummary):
    """An experiment with all that decided it and, once it has finished, what it found."""

    specification: Specification
    plan: dict[str, Any] = Field(description="what it was estimated to take")
    contestants: list[dict[str, Any]] = Field(description="labels, full strategies and their fingerprints")
    pins: dict[str, str] = Field(description="version by document")
    cells_finished: int
    findings: Findings | None = Field(description="null until the job has finished")


class ExperimentStarted(BaseModel):
    """The experiment and the job that runs it."""

    experiment: ExperimentSummary
    job: JobView


class CellView(BaseModel):
    """One strategy's answer to one question."""

    strategy: str
    question_id: str
    scores: dict[str, float | None] = Field(description="by metric; null where it does not apply")
    ranked: list[list[Any]] = Field(description="[document, version, start, end, score], best first")
    sent: dict[str, Any] = Field(description="by budget, and `request`: tokens and [version, start, end] in order")
    request_tokens: int
    seconds: float
    personal: dict[str, Any] | None = Field(
        None,
        description="of a personal strategy, by the deciding metric: the score with nobody's profile, whether what was "
        "found or sent differs from nobody's, [user, score with this user's profile], and how many of these failed",
    )
    error: dict[str, Any] | None
    state: Literal["finished", "failed", "erased"] = Field(
        description="`erased`: a document that it rested on was erased; scores stay, spans do not"
    )


def summary_of(row: ExperimentRow) -> ExperimentSummary:
    """Return the experiment as listings show it."""
    return ExperimentSummary(
        id=row.id, name=row.name, job_id=row.job_id, question_set=row.question_set,
        question_set_hash=row.question_set_hash, strategies=[one["label"] for one in row.contestants],
        metric=row.parsed_specification().metrics[0].name, code_version=row.code_version, look=row.look,
        created_at=row.created_at, finished_at=row.finished_at,
    )  # fmt: skip


def _read(service: Service, workspace_id: str, work: Callable[[Session], Any]) -> Any:
    with service.database.read() as session:
        load_workspace(session, workspace_id)
        return work(session)


@router.post("/dry-runs", summary="See what an experiment would take")
@needs("viewer")
async def dry_run(
    service: CurrentService,
    workspace_id: WorkspaceId,
    body: Annotated[Specification, Body(openapi_examples=EXPERIMENTS)],
) -> DryRun:
    """Expand grids, check questions and labels, and count what would be computed; nothing is saved or started."""

    def work(session: Session) -> DryRun:
        draft = draft_experiment(session, workspace_id, body)
        return DryRun(
            plan=draft.plan,
            strategies=[one.label for one in draft.contestants],
            metrics=[metric.name for metric in draft.specification.metrics],
            questions=len(draft.questions),
            stale_questions=list(draft.stale_questions),
            question_set_hash=draft.question_set_hash,
        )

    return await service.run(lambda: _read(service, workspace_id, work))


@router.post("", status_code=202, summary="Run an experiment")
async def start_experiment(
    service: CurrentService,
    caller: CurrentCaller,
    workspace_id: WorkspaceId,
    body: Annotated[Specification, Body(openapi_examples=EXPERIMENTS)],
) -> ExperimentStarted:
    """Fix the document versions, strategies and rules, and run every strategy on every question in a job.

    Stages that strategies share are computed once; finished cells survive a crash. Documents, strategies and sets that
    change meanwhile change nothing about it. A question with `user_id` is asked with what was known of that user when
    it was asked and with the user's rights; strategies that personalise are also tried with nobody's and with other
    users' profiles.
    """

    def work() -> ExperimentStarted:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            draft: Draft = draft_experiment(session, workspace_id, body)
        with service.database.write() as session:
            charge(session, subjects_of(caller, workspace_id), {"experiments_per_day": 1})
            started = create_experiment(session, workspace_id, draft)
        service.enqueue(started.job_id)
        with service.database.read() as session:
            summary = summary_of(load_experiment(session, workspace_id, started.id))
        return ExperimentStarted(experiment=summary, job=load_view(service, started.job_id))

    return await service.run(work)


@router.get("", summary="List experiments")
async def get_experiments(
    service: CurrentService, workspace_id: WorkspaceId, limit: Limit = 50, cursor: Cursor = None
) -> Page[ExperimentSummary]:
    """Return experiments without their findings, oldest first."""

    def work(session: Session) -> Page[ExperimentSummary]:
        rows, following = list_experiments(session, workspace_id, limit=limit, cursor=cursor)
        return Page(items=[summary_of(row) for row in rows], next_cursor=following)

    return await service.run(lambda: _read(service, workspace_id, work))


@router.get("/{experiment_id}", summary="Show an experiment and its verdict")
async def get_experiment(
    service: CurrentService, workspace_id: WorkspaceId, experiment_id: ExperimentId
) -> ExperimentView:
    """Return what was asked, fixed and found: means, pairwise verdicts with intervals, co-winners, the safe choice."""

    def work(session: Session) -> ExperimentView:
        row = load_experiment(session, workspace_id, experiment_id, whole=True)
        return ExperimentView(
            **dict(summary_of(row)),
            specification=row.parsed_specification(),
            plan=row.plan,
            contestants=row.contestants,
            pins=row.pins,
            cells_finished=count_cells(session, row.id),
            findings=Findings.model_validate(row.findings) if row.findings is not None else None,
        )

    return await service.run(lambda: _read(service, workspace_id, work))


@router.get("/{experiment_id}/cells", summary="List the cells of an experiment")
async def get_cells(
    service: CurrentService,
    workspace_id: WorkspaceId,
    experiment_id: ExperimentId,
    strategy: Annotated[str | None, Query(max_length=300, description="label of a strategy; default: all")] = None,
    first: Annotated[int, Query(ge=0, le=10_000_000, description="cells to skip")] = 0,
    limit: Limit = 50,
) -> Page[CellView]:
    """Return per-question results by strategy and question: scores, what was found and sent as ids and spans."""

    def work(session: Session) -> Page[CellView]:
        row = load_experiment(session, workspace_id, experiment_id, whole=True)
        labels = [one["label"] for one in row.contestants]
        if strategy is not None and strategy not in labels:
            raise NotFoundError("strategy", strategy, hint=f"this experiment has: {', '.join(labels[:20])}")
        number = labels.index(strategy) if strategy is not None else None
        cells = list_cells(session, row.id, strategy_number=number, first=first, limit=limit)
        questions = [question["id"] for question in row.questions]
        users = sorted(row.users or {})
        return Page(items=[_cell(cell, labels, questions, users) for cell in cells], next_cursor=None)

    return await service.run(lambda: _read(service, workspace_id, work))


def _cell(cell: CellRow, labels: list[str], questions: list[str], users: Sequence[str]) -> CellView:
    personal = cell.personal
    if personal is not None:
        personal = {**personal, "placebos": [[users[number], score] for number, score in personal["placebos"]]}
    return CellView(
        strategy=labels[cell.strategy_number], question_id=questions[cell.question_number], scores=cell.scores,
        ranked=cell.ranked, sent=cell.sent, request_tokens=cell.request_tokens, seconds=cell.seconds,
        personal=personal, error=cell.error,
        state="erased" if cell.erased_at is not None else "failed" if cell.error is not None else "finished",
    )  # fmt: skip


@router.get(
    "/{experiment_id}/export",
    summary="Export cells as CSV or runs as TREC files",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}, "application/zip": {}}}},
)
async def export_experiment(
    service: CurrentService,
    workspace_id: WorkspaceId,
    experiment_id: ExperimentId,
    file_format: Annotated[
        Literal["csv", "trec"],
        Query(alias="format", description="`csv`: a line for each cell; `trec`: runs, zipped"),
    ] = "csv",
) -> Response:
    """Return scores by question as CSV, or a zip of a TREC run file for each strategy and `qrels.txt`."""

    def work(session: Session) -> Response:
        row = load_experiment(session, workspace_id, experiment_id, whole=True)
        contestants, questions = row.parsed_contestants(), row.parsed_questions()
        if file_format == "trec":
            cells = read_cells(session, row.id, with_spans=True)
            archive = trec_archive(cells, contestants, questions, external_ids_of(session, workspace_id))
            return Response(archive, media_type="application/zip")
        metrics = [metric.name for metric in row.parsed_specification().metrics]
        lines = "".join(cells_as_csv(read_cells(session, row.id), contestants, questions, metrics))
        return PlainTextResponse(lines, media_type="text/csv")

    return await service.run(lambda: _read(service, workspace_id, work))


@router.delete("/{experiment_id}", status_code=204, summary="Delete an experiment")
async def remove_experiment(
    service: CurrentService,
    workspace_id: WorkspaceId,
    experiment_id: Annotated[
        Name, Path(description="id of an experiment", openapi_examples=example("demo-disposable"))
    ],
) -> Response:
    """Delete the experiment with its cells; 409 while it runs. Deleting what is not there changes nothing."""

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            delete_experiment(session, workspace_id, experiment_id)
        return Response(status_code=204)

    return await service.run(work)
