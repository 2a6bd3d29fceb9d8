"""Promotions: a candidate begins to answer for an alias, on evidence or with a reason that is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import CurrentCaller
from app.api.examples_aliases import PROMOTIONS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import AliasName, Name, WorkspaceId, example
from app.api.routers.aliases import ChangeView, Reason, change_view, enqueue_build
from app.api.service import CurrentService
from app.context.aliases.changes import Change
from app.context.aliases.records import load_alias
from app.evaluation.promotion.check import PromotionCheck, check_promotion, promote_with_evidence
from app.evaluation.promotion.material import gather_material
from app.evaluation.promotion.upgrade_report import UpgradeReport, upgrade_report
from configs.text import Text
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/aliases/{alias}/promotions", tags=["aliases"], route_class=PlaygroundRoute
)
EVIDENCE = "id of a finished experiment that ran the candidate and, where there is one, the active version"


class NewPromotion(BaseModel):
    """The evidence on which the candidate is promoted, or why without."""

    model_config = ConfigDict(extra="forbid")

    experiment_id: Name | None = Field(None, description=EVIDENCE)
    reason: Reason = ""
    override_reason: Text | None = Field(
        None, min_length=1, max_length=2_000, pattern=r"\S",
        description="promote although conditions are not met, for this reason; it is kept and shown",
    )  # fmt: skip


class PromotionCheckView(PromotionCheck):
    """The check of a promotion, and what would change."""

    report: UpgradeReport | None = Field(
        description="both versions side by side; null where the experiment did not run both, or nothing is active"
    )


@router.get("/check", summary="Check a promotion, changing nothing")
async def get_check(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    response: Response,
    experiment_id: Annotated[
        Name | None, Query(description=EVIDENCE, openapi_examples=example("demo-experiment"))
    ] = None,
) -> PromotionCheckView:
    """Return every condition of promoting the candidate with its figures, and the upgrade report.

    The report has the questions that would be won and lost, the interval, cost, latency and disk. 409 without a
    candidate.
    """
    response.headers["Cache-Control"] = "no-store"

    def work() -> PromotionCheckView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            material = gather_material(session, load_alias(session, workspace_id, alias), experiment_id)
            checked = check_promotion(session, material)
            return PromotionCheckView(**dict(checked), report=upgrade_report(session, material))

    return await service.run(work)


@router.post("", status_code=201, summary="Promote the candidate of an alias")
async def create_promotion(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    caller: CurrentCaller,
    body: Annotated[NewPromotion, Body(openapi_examples=PROMOTIONS)],
) -> ChangeView:
    """Let the candidate answer, in every process from now on, where every condition of the check is met.

    Else 409 with each unmet condition and its figures, unless `override_reason` is given, which takes the role admin.
    The index that answers follows uploads from now on; where it misses documents, `build_job` in `details` is the job
    that brings them in. The index of the version that answered before is kept for a rollback. Without an index nothing
    is promoted, whatever the reason: 409 with the call that builds it.
    """
    if body.override_reason is not None:
        caller.check_role("admin", workspace_id)

    def work() -> ChangeView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            change = promote_with_evidence(
                session, workspace_id, alias, body.experiment_id, Change(caller.name, body.reason), body.override_reason
            )
            view = change_view(change)
        enqueue_build(service, view)
        return view

    return await service.run(work)
