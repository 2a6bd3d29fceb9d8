"""Metrics in Prometheus's text format."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.authentication import CurrentCaller, needs
from app.api.idempotency import PlaygroundRoute
from app.api.service import CurrentService
from indexes.database.census import take_census
from indexes.database.engine import now
from indexes.workers import DEAD_AFTER_SECONDS

router = APIRouter(tags=["health"], route_class=PlaygroundRoute)


@router.get("/metrics", include_in_schema=False)
@needs("caller")
async def metrics(service: CurrentService, caller: CurrentCaller) -> Response:
    """Return what this process counted, and the counts of the database.

    It names every workspace, so it is for administrators of the installation; the role of their key may be bounded.
    """
    if caller.visible is not None:
        caller.check_administrator()

    def work() -> bytes:
        with service.database.read() as session:
            census = take_census(session, alive_since=now() - timedelta(seconds=DEAD_AFTER_SECONDS))
        return service.measures.exposition(census)

    return Response(await service.run(work), media_type=CONTENT_TYPE_LATEST)
