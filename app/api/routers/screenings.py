"""Screenings: which strategies are worth labelling questions for, told from documents alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from app.api.examples_experiments import SCREENINGS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import WorkspaceId
from app.api.routers.jobs import JobView, load_view
from app.api.service import CurrentService
from app.evaluation.screening_job import NewScreening, create_screening
from indexes.database.catalog import load_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/screenings", tags=["experiments"], route_class=PlaygroundRoute)


@router.post("", status_code=202, summary="Screen strategies without labels")
async def start_screening(
    service: CurrentService,
    workspace_id: WorkspaceId,
    body: Annotated[NewScreening, Body(openapi_examples=SCREENINGS)],
) -> JobView:
    """Ask every strategy questions made from the documents, in a job whose `result` is the screening.

    It says which part of the strategies is worth keeping and which questions to label next, and never names a winner:
    made questions resemble those of your users in ways that only labels can tell. With a question set of at least 10
    labelled questions and at least 8 strategies, the labels weigh the kinds of made questions.
    """

    def work() -> JobView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            job_id = create_screening(session, workspace_id, body)
        service.enqueue(job_id)
        return load_view(service, job_id)

    return await service.run(work)
