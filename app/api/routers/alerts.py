"""Alerts: what somebody should look at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import select

from app.api.authentication import needs
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, example
from app.api.routers.jobs import JobView, load_view
from app.api.service import CurrentService
from indexes.database.alerts import AlertKind, AlertRow, acknowledge
from indexes.database.catalog import page
from ingest.acceptance import accept_model

router = APIRouter(prefix="/v1/alerts", tags=["health"], route_class=PlaygroundRoute)
AlertId = Annotated[Name, Path(description="id of an alert", openapi_examples=example("demo-alert"))]
ChangedModelId = Annotated[
    Name, Path(description="id of an alert of the kind `embedder_changed`", openapi_examples=example("demo-changed"))
]


class AlertView(BaseModel):
    """An alert as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: AlertKind
    subject: str = Field(description="fingerprint of the embedder, or the index")
    detail: str = Field(description="what happened, and what to do")
    figures: dict[str, JsonValue]
    created_at: datetime
    acknowledged_at: datetime | None
    sent_at: datetime | None = Field(description="when the webhook took it, where one is set")
    attempts: int = Field(description="how often the webhook was tried")


class ModelAccepted(BaseModel):
    """The alert, seen to, and the jobs that build the model's indexes anew."""

    alert: AlertView
    jobs: list[JobView] = Field(description="one an index; none where the model was accepted before")


@router.get("", summary="List alerts")
@needs("installation")
async def get_alerts(
    service: CurrentService,
    only_open: Annotated[bool, Query(description="only those that nobody has acknowledged")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlertView]:
    """Return alerts, oldest first: an embedder that changed or cannot embed, an index whose files were damaged."""

    def work() -> Page[AlertView]:
        statement = select(AlertRow)
        if only_open:
            statement = statement.where(AlertRow.acknowledged_at.is_(None))
        with service.database.read() as session:
            rows, following = page(session, statement, AlertRow.created_at, AlertRow.id, limit=limit, cursor=cursor)
            return Page(items=[AlertView.model_validate(row[0]) for row in rows], next_cursor=following)

    return await service.run(work)


@router.post("/{alert_id}/acknowledge", summary="Acknowledge an alert")
@needs("installation")
async def acknowledge_alert(service: CurrentService, alert_id: AlertId) -> AlertView:
    """Note that somebody has seen to it; if it is still so at the next check, another one is raised."""

    def work() -> AlertView:
        with service.database.write() as session:
            return AlertView.model_validate(acknowledge(session, alert_id))

    return await service.run(work)


@router.post("/{alert_id}/accept", status_code=202, summary="Accept a model that changed")
@needs("installation")
async def accept_changed_model(service: CurrentService, alert_id: ChangedModelId) -> ModelAccepted:
    """Take the embedder of an `embedder_changed` alert as it is now, where its old files are not to come back.

    Every vector of before is made anew, and every index of the embedder is built anew in a job, beside the segments
    that answer until then. It costs what encoding all of its chunks costs. Restart every process first, so that all
    have the same model. Scores of before and after are not comparable: run experiments again.
    """

    def work() -> ModelAccepted:
        accepted = accept_model(service.database, alert_id)
        for job_id in accepted.job_ids:
            service.enqueue(job_id)
        jobs = [load_view(service, job_id) for job_id in accepted.job_ids]
        return ModelAccepted(alert=AlertView.model_validate(accepted.alert), jobs=jobs)

    return await service.run(work)
