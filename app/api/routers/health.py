"""Health: whether the process lives, and whether it can answer."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.api.service import CurrentService, Service
from configs.errors import PlaygroundError
from indexes.database.tables import IndexRow, Worker, Workspace
from indexes.durable_files import check_writable
from indexes.shared_files import shared_files
from indexes.workers import is_alive
from ingest.embedders import Embedder
from ingest.models import DEFAULT_MODEL, locate, model_settings

OK = "ok"
CHECK_SECONDS = 8.0
"""After so long the answer says which checks have not ended; longer than opening a connection may take."""
ADVICE = {
    "database": "database: see that it runs and that PLAYGROUND_DATABASE_URL leads to it",
    "schema_revision": "schema_revision: restart this process with the release that brought the database up to date",
    "data_folder": "data_folder: free space on its disk and check its permissions",
    "object_store": "object_store: see that PLAYGROUND_OBJECT_STORE names a bucket these credentials may use",
    "model": "model: install it on this machine; PLAYGROUND_MODEL_FOLDER names the folder it is looked for in",
    "jobs": "jobs: start `context-playground worker`, or `serve` without --no-worker",
}

router = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Whether requests and jobs can be served; `status` is `ready` when every check is `ok`."""

    status: Literal["ready", "not_ready"]
    database: str = Field(description="ok when it answers")
    schema_revision: str = Field(description="ok when the database's schema is this release's")
    data_folder: str = Field(description="ok when a file can be written there")
    object_store: str = Field(description="ok when the bucket answers, or none is set")
    model: str = Field(description="ok when the models of all maintained indexes are on this machine")
    jobs: str = Field(description="ok when the queue is open and some worker gave a sign of life")
    demo: str = Field(description="`demo: n of m` indexes of the demo workspace are built, or `off`; no check")
    advice: list[str] = Field(description="what to do about each check that is not ok")


@router.get("/live", summary="Is the process alive?")
async def live() -> Live:
    """Answer as long as the process does."""
    return Live()


@router.get("/ready", summary="Can it answer?", responses={503: {"model": Ready}})
async def ready(service: CurrentService, response: Response) -> Ready:
    """Answer 200 when every check is `ok`; else 503 with what is missing and what to do."""
    view = await _checked(service)
    response.status_code = 200 if view.status == "ready" else 503
    return view


async def _checked(service: Service) -> Ready:
    """Return what the checks found; they have a thread of their own, as requests may wait in all others."""
    found: dict[str, str] = {}
    check = partial(_check, service, found)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await asyncio.get_running_loop().run_in_executor(service.readiness_pool, check)
    except TimeoutError:
        late = f"no answer within {CHECK_SECONDS:g} seconds"
        found = {**dict.fromkeys(ADVICE, late), "demo": "unknown", **found}
    faults = [name for name in ADVICE if found[name] not in (OK, "unknown")]
    return Ready.model_validate(
        {"status": "not_ready" if faults else "ready", "advice": [ADVICE[name] for name in faults], **found}
    )


def _check(service: Service, found: dict[str, str]) -> None:
    """Write into `found` what each check finds, as soon as it is known."""
    found["data_folder"] = _data_folder(service)
    found["object_store"] = _object_store(service)
    try:
        with service.database.read() as session:
            found["schema_revision"] = _schema(session, service.schema_revision)
            found["database"] = OK
            found["model"] = _model(session)
            found["jobs"] = _jobs(session, service)
        found["demo"] = service.demo_progress()
    except PlaygroundError as error:
        unknown = dict.fromkeys(("schema_revision", "model", "jobs", "demo"), "unknown")
        found |= {**unknown, "database": error.detail}


def _data_folder(service: Service) -> str:
    try:
        check_writable(service.settings.data_folder)
    except OSError as error:
        return f"it cannot be written ({error.strerror})"
    return OK


def _object_store(service: Service) -> str:
    try:
        shared = shared_files(service.settings.data_folder)
        if shared is not None:
            shared.check()
    except PlaygroundError as error:
        return error.detail
    return OK


def _schema(session: Session, expected: str) -> str:
    found = session.scalar(text("SELECT version_num FROM alembic_version"))
    return OK if found == expected else f"it is {found}, this release's is {expected}"


def _model(session: Session) -> str:
    live = select(IndexRow.recipe).join(Workspace).where(IndexRow.maintained, Workspace.deleted_at.is_(None))
    recipes = session.scalars(live)
    embedders = [one["embedder"] or {} for one in recipes]  # a lexical index has none
    remote = {kind for kind, member in Embedder.members().items() if member.is_remote}
    for model in sorted({str(one["model"]) for one in embedders if "model" in one and one["kind"] not in remote}):
        try:
            if not (model_settings().allow_model_hub and model != DEFAULT_MODEL):  # asking a hub takes long
                locate(model)
        except PlaygroundError as error:
            return error.detail
    return OK


def _jobs(session: Session, service: Service) -> str:
    works = any(is_alive(heartbeat_at) for heartbeat_at in session.scalars(select(Worker.heartbeat_at)))
    return OK if service.workers.is_ready and works else "no worker gave a sign of life"
