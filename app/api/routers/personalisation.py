"""What a workspace says to every context, and its defaults for users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from app.api.examples_users import PERSONALISATIONS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import WorkspaceId
from app.api.service import CurrentService
from app.context.users.personalisation import Personalisation, load_personalisation, save_personalisation
from indexes.database.catalog import load_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/personalisation", tags=["users"], route_class=PlaygroundRoute)


@router.get("", summary="Show the personalisation", response_model_exclude_unset=True)
async def get_personalisation(service: CurrentService, workspace_id: WorkspaceId) -> Personalisation:
    """Return instructions, notes, default preferences, and what is done with unknown users."""

    def work() -> Personalisation:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return load_personalisation(session, workspace_id)

    return await service.run(work)


@router.put("", summary="Replace the personalisation", response_model_exclude_unset=True)
async def put_personalisation(
    service: CurrentService,
    workspace_id: WorkspaceId,
    body: Annotated[Personalisation, Body(openapi_examples=PERSONALISATIONS)],
) -> Personalisation:
    """Replace all of it; contexts made from then on follow it.

    Preferences are taken, field by field, from the request, else from the user, else from here; an empty list says
    `none`. What one level prefers a level behind it cannot ban, and the reverse. Groups have no preferences.
    """

    def work() -> Personalisation:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            save_personalisation(session, workspace_id, body)
            return load_personalisation(session, workspace_id)

    return await service.run(work)
