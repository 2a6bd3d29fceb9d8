"""Quotas of workspaces and keys, and what is used of them."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.accounts.keys import load_key
from app.accounts.quotas import Subject, What, limits_of, put_limits, subject_of_key, subject_of_workspace, used_by
from app.api.authentication import needs
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import WorkspaceId
from app.api.routers.keys import LookedAtKeyId
from app.api.service import CurrentService
from indexes.database.catalog import load_workspace
from indexes.database.engine import now

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=PlaygroundRoute)
Amount = Annotated[int, Field(ge=0, le=10**15)]
EXAMPLES: dict[str, Any] = {
    "none": {"summary": "No limits", "value": {}},
    "generous": {
        "summary": "Limits that the examples do not reach",
        "value": {"requests_per_minute": 100_000, "bytes_per_day": 10_000_000_000, "experiments_per_day": 1_000},
    },
}


class Quotas(BaseModel):
    """The most in a minute or a day of UTC; null is no limit.

    Requests of all processes are counted together. Documents and bytes are those of uploads that made a version. Tokens
    are those of contexts, as their receipts count them, and those that a request sends to embedders on other machines
    before it is answered, as in searches, comparisons, TREC runs and shadowings; what jobs send (ingests, builds,
    experiments, screenings) is not among them. The request that passes the limit is answered; the next one is not,
    where it makes a context or calls such an embedder.
    """

    model_config = ConfigDict(extra="forbid")

    requests_per_minute: Amount | None = None
    documents_per_day: Amount | None = None
    bytes_per_day: Amount | None = None
    tokens_per_day: Amount | None = None
    experiments_per_day: Amount | None = None


class QuotaView(BaseModel):
    """A limit, and what is used of it in the present window."""

    what: What
    limit: int
    used: int


def _views(session: Session, subject: Subject) -> list[QuotaView]:
    moment = now()
    return [
        QuotaView(what=what, limit=limit, used=used_by(session, subject, what, moment))
        for (_, what), limit in sorted(limits_of(session, [subject]).items())
    ]


def _replaced(session: Session, subject: Subject, quotas: Quotas) -> list[QuotaView]:
    limits: dict[What, int] = {what: limit for what in get_args(What) if (limit := getattr(quotas, what)) is not None}
    put_limits(session, subject, limits)
    return _views(session, subject)


@router.get("/workspaces/{workspace_id}/quotas", summary="Show a workspace's quotas")
async def get_workspace_quotas(service: CurrentService, workspace_id: WorkspaceId) -> list[QuotaView]:
    """Return the limits that are set, with what is used of each."""

    def work() -> list[QuotaView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return _views(session, subject_of_workspace(workspace_id))

    return await service.run(work)


@router.put("/workspaces/{workspace_id}/quotas", summary="Replace a workspace's quotas")
@needs("installation")
async def put_workspace_quotas(
    service: CurrentService, workspace_id: WorkspaceId, body: Annotated[Quotas, Body(openapi_examples=EXAMPLES)]
) -> list[QuotaView]:
    """Set the limits of everybody's requests in the workspace together; what is left out has none."""

    def work() -> list[QuotaView]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            return _replaced(session, subject_of_workspace(workspace_id), body)

    return await service.run(work)


@router.get("/keys/{key_id}/quotas", summary="Show a key's quotas")
@needs("installation")
async def get_key_quotas(service: CurrentService, key_id: LookedAtKeyId) -> list[QuotaView]:
    """Return the limits that are set, with what is used of each."""

    def work() -> list[QuotaView]:
        with service.database.read() as session:
            return _views(session, subject_of_key(load_key(session, key_id).id))

    return await service.run(work)


@router.put("/keys/{key_id}/quotas", summary="Replace a key's quotas")
@needs("installation")
async def put_key_quotas(
    service: CurrentService, key_id: LookedAtKeyId, body: Annotated[Quotas, Body(openapi_examples=EXAMPLES)]
) -> list[QuotaView]:
    """Set the limits of requests with this key, wherever they go; what is left out has none."""

    def work() -> list[QuotaView]:
        with service.database.write() as session:
            return _replaced(session, subject_of_key(load_key(session, key_id).id), body)

    return await service.run(work)
