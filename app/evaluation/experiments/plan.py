"""What an experiment will take: distinct chunkings, encodings, indexes and searches, with tokens, time and cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.context.estimate import ReindexEstimate, estimate_reindex
from app.context.strategy import SearchSetup
from app.evaluation.experiments.panel import NO_LOANS, Loans, is_personal
from app.evaluation.experiments.specification import Contestant, Limits, Specification
from app.evaluation.metrics import Metric
from configs.errors import InvalidInputError
from ingest.recipe import IndexRecipe

SEARCH_SECONDS = 0.01
"""A search with the texts of its passages, on two processor cores."""
PACKING_SECONDS = 0.004
MATERIAL_SECONDS = 0.003
"""What of a user goes with a context: ranking memories, bans and boosts."""
REQUEST_SECONDS = 0.025
FIXED_SECONDS = 2.0


class Plan(BaseModel):
    """The work of an experiment. Shared stages are counted once; `cells` is strategies times questions."""

    model_config = ConfigDict(frozen=True)

    strategies: int
    questions: int
    cells: int
    chunkings: int = Field(description="distinct ways to cut the documents")
    encodings: int = Field(description="distinct pairs of chunking and embedder")
    indexes: int = Field(description="distinct indexes; those of fewer stores are answered by ones that hold more")
    searches: int = Field(description="distinct retrieval setups times questions")
    packings: int = Field(description="contexts that are packed for metrics that read them, and one for each cell")
    lent_answers: int = Field(
        0,
        description="answers to users' questions with nobody's profile, and with those of other users: the placebos",
    )
    texts_to_embed: int = Field(description="estimate of texts whose vectors no cache holds")
    tokens_to_embed: int = Field(description="estimate, by 4.2 characters a token; those that cutting encodes included")
    seconds: float = Field(description="estimated time on two processor cores")
    embedding_cost_usd: float | None = Field(
        description="of those tokens at list prices; 0 for embedders on this machine, null where a price is unknown"
    )


def plan_experiment(
    session: Session,
    workspace_id: str,
    specification: Specification,
    contestants: Sequence[Contestant],
    metrics: Sequence[Metric],
    questions: int,
    loans: Loans = NO_LOANS,
) -> Plan:
    """Return what the experiment will take, the placebos of each personal strategy included; it does nothing of it."""
    setups = search_setups(contestants)
    estimates = (estimate_reindex(session, workspace_id, setup) for setup in indexed_setups(setups))
    missing = [estimate for estimate in estimates if estimate is not None]
    budgets = {budget for metric in metrics if metric.reads == "context" for budget in metric.budgets_tokens}
    cells = len(contestants) * questions
    embedded = [setup for setup in setups if setup.embedder is not None]
    personal = [one for one in contestants if is_personal(one)]
    moving = sum(one.strategy.context.personalisation.query.blend > 0 for one in personal)
    lent_budgets = len(metrics[0].budgets_tokens) if metrics[0].reads == "context" else 0
    plan = Plan(
        strategies=len(contestants),
        questions=questions,
        cells=cells,
        chunkings=len({setup.recipe.chunking for setup in setups}),
        encodings=len({(one.recipe.chunking, one.embedder.fingerprint) for one in embedded if one.embedder}),
        indexes=len(indexed_setups(setups)),
        searches=len(setups) * questions + moving * loans.answers,
        packings=cells * (len(budgets) + 1) + len(personal) * (loans.answers * lent_budgets + loans.questions),
        lent_answers=len(personal) * loans.answers,
        texts_to_embed=sum(estimate.texts_to_embed for estimate in missing),
        tokens_to_embed=sum(estimate.tokens_to_embed + estimate.tokens_to_cut for estimate in missing),
        seconds=sum(estimate.seconds for estimate in missing),
        embedding_cost_usd=_cost_usd(missing),
    )
    probed = specification.latency_requests * sum(not one.is_baseline for one in contestants)
    return plan.model_copy(update={"seconds": round(plan.seconds + _seconds(plan, embedded, probed), 1)})


def _seconds(plan: Plan, embedded: Sequence[SearchSetup], probed_requests: int) -> float:
    """Return the estimated seconds beside the making of indexes."""
    query_seconds = {one.embedder.fingerprint: one.embedder.query_seconds for one in embedded if one.embedder}
    return (
        sum(query_seconds.values()) * plan.questions
        + plan.searches * SEARCH_SECONDS
        + plan.packings * PACKING_SECONDS
        + plan.lent_answers * MATERIAL_SECONDS
        + probed_requests * REQUEST_SECONDS
        + FIXED_SECONDS
    )


def _cost_usd(missing: Iterable[ReindexEstimate]) -> float | None:
    costs = [estimate.embedding_cost_usd for estimate in missing]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def search_setups(contestants: Iterable[Contestant]) -> list[SearchSetup]:
    """Return the distinct retrieval setups that search, in their order."""
    distinct = {
        one.retrieval_fingerprint: one.strategy.retrieval
        for one in contestants
        if isinstance(one.strategy.retrieval, SearchSetup)
    }
    return list(distinct.values())


def indexed_setups(setups: Sequence[SearchSetup]) -> list[SearchSetup]:
    """Return setups whose indexes answer all of `setups`: what another one's index holds needs none of its own."""
    recipes: dict[str, tuple[IndexRecipe, SearchSetup]] = {}
    for setup in setups:
        recipes.setdefault(setup.recipe.fingerprint, (setup.recipe, setup))
    return [
        setup
        for fingerprint, (recipe, setup) in recipes.items()
        if not any(
            other_fingerprint != fingerprint and recipe.is_served_by(other)
            for other_fingerprint, (other, _) in recipes.items()
        )
    ]


def check_limits(plan: Plan, limits: Limits) -> None:
    """Raise InvalidInputError (`experiment_too_large`) where the plan passes a limit."""
    passed = [
        f"{name} {value:,} (limit {limit:,})"
        for name, value, limit in (
            ("cells", plan.cells, limits.cells),
            ("seconds", plan.seconds, limits.seconds),
            ("texts_to_embed", plan.texts_to_embed, limits.texts_to_embed),
        )
        if value > limit
    ]
    if passed:
        raise InvalidInputError(
            f"the experiment needs more than its limits allow: {', '.join(passed)}",
            hint="see what it takes with POST …/experiments/dry-runs; leave out strategies, or raise `limits`",
            code="experiment_too_large",
            plan=plan.model_dump(mode="json"),
        )
