"""Reports on experiments, and the strategy to take within limits."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import needs
from app.api.examples_experiments import RECOMMENDATIONS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Name, WorkspaceId, example
from app.api.service import CurrentService, Service
from app.evaluation.economics.recommendation import Constraints, Option, Recommendation, recommend
from app.evaluation.experiments.records import load_experiment
from app.evaluation.report.content import Content, Economy, gather
from app.evaluation.report.html import html_report
from app.evaluation.report.markdown import markdown_report
from app.evaluation.statistics.analysis import Analysis
from app.evaluation.statistics.co_winners import loss_of
from configs.errors import ConflictError
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/experiments/{experiment_id}",
    tags=["experiments"],
    route_class=PlaygroundRoute,
)
ExperimentId = Annotated[Name, Path(description="id of an experiment", openapi_examples=example("demo-experiment"))]


DEFAULTS = Economy()


def _described(name: str) -> str:
    return str(Economy.model_fields[name].description)


class NewRecommendation(BaseModel):
    """What a strategy may take at most, and the use that is expected."""

    model_config = ConfigDict(extra="forbid")

    constraints: Constraints = Field(default_factory=Constraints)
    economy: Economy = Field(default_factory=Economy)


def _content(service: Service, workspace_id: str, experiment_id: str, economy: Economy) -> Content:
    with service.database.read() as session:
        load_workspace(session, workspace_id)
        experiment = load_experiment(session, workspace_id, experiment_id, whole=True)
        return gather(session, experiment, economy)


@router.get(
    "/report",
    summary="Read the report on an experiment",
    response_class=Response,
    responses={200: {"content": {"text/html": {}, "text/markdown": {}}}},
)
async def get_report(
    service: CurrentService,
    workspace_id: WorkspaceId,
    experiment_id: ExperimentId,
    file_format: Annotated[
        Literal["html", "markdown"], Query(alias="format", description="one self-contained page, or Markdown")
    ] = "html",
    model: Annotated[str, Query(min_length=1, max_length=200, description=_described("model"))] = DEFAULTS.model,
    provider: Annotated[str | None, Query(max_length=100, description=_described("provider"))] = None,
    requests_per_day: Annotated[
        float, Query(gt=0, le=1e9, description=_described("requests_per_day"))
    ] = DEFAULTS.requests_per_day,
    output_tokens: Annotated[
        int, Query(ge=0, le=1_000_000, description=_described("output_tokens"))
    ] = DEFAULTS.output_tokens,
    embedding_usd_per_million_tokens: Annotated[
        float | None, Query(ge=0, le=1_000, description=_described("embedding_usd_per_million_tokens"))
    ] = DEFAULTS.embedding_usd_per_million_tokens,
    reembedded_share_per_month: Annotated[
        float, Query(ge=0, le=31, description=_described("reembedded_share_per_month"))
    ] = DEFAULTS.reembedded_share_per_month,
) -> Response:
    """Return the report: decisions with numbers and flip points, verdicts, curves, wins and losses, assumptions.

    Answers 409 until the experiment has finished. Prices are those of the named model in a snapshot that ships with the
    service; an unknown price is shown as unknown.
    """
    economy = Economy(
        model=model, provider=provider, requests_per_day=requests_per_day, output_tokens=output_tokens,
        embedding_usd_per_million_tokens=embedding_usd_per_million_tokens,
        reembedded_share_per_month=reembedded_share_per_month,
    )  # fmt: skip

    def work() -> Response:
        content = _content(service, workspace_id, experiment_id, economy)
        if file_format == "markdown":
            return PlainTextResponse(markdown_report(content), media_type="text/markdown")
        return HTMLResponse(html_report(content))

    return await service.run(work)


def _loss_bound(analysis: Analysis, label: str, top: str) -> float:
    """Return what the strategy loses at most against the top scorer, the top scorer against its strongest rival."""
    loss = loss_of(label, top, analysis.loss_bounds)
    return 0.0 if loss is None else loss.loss_bound


@router.post("/recommendations", summary="Choose a strategy within limits")
@needs("viewer")
async def create_recommendation(
    service: CurrentService,
    workspace_id: WorkspaceId,
    experiment_id: ExperimentId,
    body: Annotated[NewRecommendation, Body(openapi_examples=RECOMMENDATIONS)],
) -> Recommendation:
    """Return the cheapest safe strategy within the constraints, and why the others are not; nothing is saved."""

    def work() -> Recommendation:
        content = _content(service, workspace_id, experiment_id, body.economy)
        analysis = content.findings.analysis
        if analysis is None or analysis.top is None:
            raise ConflictError(
                "the experiment has no top scorer to measure losses against",
                hint="see `no_winner_reason` and `questions` in its findings",
                code="no_winner",
            )
        top = analysis.top
        options = [
            Option(
                label=one.label,
                quality=one.means[content.findings.metric] or 0.0,
                is_co_winner=one.label in analysis.co_winners,
                loss_bound=_loss_bound(analysis, one.label, top),
                usd_per_request=content.costs[one.label].usd_per_request if one.label in content.costs else None,
                largest_tokens=one.largest_request_tokens,
                p95=one.latency.p95 if one.latency is not None else None,
            )
            for one in content.contestants
        ]
        tolerance = content.experiment.parsed_specification().loss_tolerance
        return recommend(options, body.constraints, tolerance)

    return await service.run(work)
