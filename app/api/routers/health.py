"""Health: whether the process lives, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from app.api.service import CurrentService, Service
from configs.errors import PlaygroundError
from indexes.database.tables import Worker
from indexes.workers import is_alive

router = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Whether requests and jobs can be served; `status` is `ready` when every check is `ok`."""

    status: Literal["ready", "not_ready"]
    database: str
    jobs: str = Field(description="ok when the queue is open and some worker gave a sign of life")
    demo: str = Field(description="`demo: n of m` indexes of the demo workspace are built, or `off`")


@router.get("/live", summary="Is the process alive?")
async def live() -> Live:
    """Answer as long as the process does."""
    return Live()


@router.get("/ready", summary="Can it answer?", responses={503: {"model": Ready}})
async def ready(service: CurrentService, response: Response) -> Ready:
    """Answer 200 when the database answers, the job queue is open and a worker lives; else 503 with what is missing."""
    view = await service.run(lambda: _check(service))
    response.status_code = 200 if view.status == "ready" else 503
    return view


def _check(service: Service) -> Ready:
    try:
        with service.database.read() as session:
            works = any(is_alive(heartbeat_at) for heartbeat_at in session.scalars(select(Worker.heartbeat_at)))
    except PlaygroundError as error:
        return Ready(status="not_ready", database=error.detail, jobs="unknown", demo="unknown")
    jobs = "ok" if service.workers.is_ready and works else "no worker gave a sign of life"
    status: Literal["ready", "not_ready"] = "ready" if jobs == "ok" else "not_ready"
    return Ready(status=status, database="ok", jobs=jobs, demo=service.demo_progress())
