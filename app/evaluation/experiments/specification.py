"""What an experiment is to find out: strategies, questions, metrics and the rules fixed before it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy.orm import Session

from app.context.policy import ContextPolicy
from app.context.saved_strategies import check_usable, load_strategy
from app.context.strategy import BaselineSetup, RetrievalSetup, Strategy
from app.evaluation.experiments.grid import Grid
from app.evaluation.metrics import Metric
from app.evaluation.questions import Key
from configs.errors import InvalidInputError
from configs.part import fingerprint_of
from configs.text import Text
from indexes.access import Filter

MOST_STRATEGIES = 200

Label = Annotated[Text, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]


class Entry(BaseModel):
    """A saved strategy by name (and version), or one given inline; with a grid, every combination of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Label | None = Field(None, description="what results call it; default: made from name, version and grid")
    strategy: Key | None = Field(None, description="name of a saved strategy")
    version: int | None = Field(None, ge=1, le=1_000_000, description="its version; default: the newest")
    setup: RetrievalSetup | None = Field(None, description="a retrieval setup instead of a saved strategy's")
    context: ContextPolicy | None = Field(None, description="a context policy instead of the saved strategy's")
    grid: Grid | None = Field(None, description="settings to vary")

    @model_validator(mode="after")
    def _means_one(self) -> Self:
        if self.setup is None and self.strategy is None:
            raise ValueError("give `strategy`, the name of a saved one, or `setup`")
        if self.setup is not None and self.strategy is not None:
            raise ValueError("give either `strategy` or `setup`, not both")
        if self.version is not None and self.strategy is None:
            raise ValueError("`version` goes with `strategy`")
        return self


class Limits(BaseModel):
    """What the experiment may cost at most; a plan that needs more is refused before anything runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: int = Field(50_000, ge=1, le=1_000_000, description="strategies times questions")
    seconds: float = Field(3_600, gt=0, le=86_400, description="estimated time on this machine")
    texts_to_embed: int = Field(500_000, ge=0, le=100_000_000, description="texts that no cache holds yet")


class Specification(BaseModel):
    """An experiment as it is asked for; everything that decides its verdict is fixed before it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Label = Field(description="what it is about")
    question_set: Key = Field(description="name of a saved question set")
    strategies: tuple[Entry, ...] = Field(min_length=1, max_length=50)
    metrics: tuple[Metric, ...] = Field(
        (), max_length=40, description="the first one decides; left out: those that the set's labels carry"
    )
    margin: float = Field(0.02, gt=0, le=0.5, description="smaller differences do not matter to you")
    baseline: Label | None = Field(
        None, description="label of the strategy that the others are compared with; default: every pair is compared"
    )
    loss_tolerance: float = Field(0.05, gt=0, le=0.5, description="what the cheapest safe choice may lose at most")
    latency_requests: int = Field(
        100, ge=0, le=5_000, description="serial requests of each strategy that measure its latency; 0: none"
    )
    principals: tuple[Annotated[Text, StringConstraints(min_length=1, max_length=200)], ...] = Field(
        (), max_length=200, description="on whose behalf strategies search"
    )
    filter: Filter | None = Field(None, description="conditions on tags and metadata, applied before scoring")
    seed: int = Field(20_240_724, ge=0, le=2**32 - 1, description="of every random draw")
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _names_metrics_once(self) -> Self:
        repeated = [name for name, count in Counter(metric.name for metric in self.metrics).items() if count > 1]
        if repeated:
            raise ValueError(f"the metric {repeated[0]} is listed twice")
        return self


class Contestant(BaseModel):
    """A strategy of an experiment under its unique label, resolved: nothing in it depends on the machine."""

    model_config = ConfigDict(frozen=True)

    label: str
    strategy: Strategy
    fingerprint: str

    @property
    def is_baseline(self) -> bool:
        """Tell whether it is a reference line, outside every test."""
        return isinstance(self.strategy.retrieval, BaselineSetup)

    @property
    def retrieval_fingerprint(self) -> str:
        """Hash of the retrieval setup: strategies that share it share their searches."""
        return fingerprint_of(self.strategy.retrieval.model_dump(mode="json", by_alias=True))


def contestants_of(session: Session, workspace_id: str, specification: Specification) -> list[Contestant]:
    """Return the strategies that the specification means, grids expanded.

    Raises what `strategies_of` raises, and InvalidInputError `unknown_baseline`.
    """
    contestants = strategies_of(session, workspace_id, specification.strategies)
    baseline = specification.baseline
    ranked = [contestant.label for contestant in contestants if not contestant.is_baseline]
    if baseline is not None and baseline not in ranked:
        raise InvalidInputError(
            f"the baseline {baseline!r} is none of the strategies",
            hint="take a label of: " + ", ".join(ranked[:20]),
            code="unknown_baseline",
        )
    return contestants


def strategies_of(session: Session, workspace_id: str, entries: Sequence[Entry]) -> list[Contestant]:
    """Return the strategies that the entries mean, grids expanded: at least two that retrieve, none twice.

    Raises NotFoundError, and InvalidInputError (`invalid_grid`, `too_many_strategies`, `too_few_strategies`,
    `repeated_strategy`).
    """
    size = sum(entry.grid.size if entry.grid is not None else 1 for entry in entries)
    if size > MOST_STRATEGIES:
        raise InvalidInputError(
            f"the grids make {size:,} strategies; an experiment takes {MOST_STRATEGIES}",
            hint="vary fewer settings, or fewer values of each",
            code="too_many_strategies",
        )
    contestants = [
        Contestant(label=label, strategy=strategy, fingerprint=strategy.fingerprint)
        for entry in entries
        for label, strategy in _strategies(session, workspace_id, entry)
    ]
    _check(contestants)
    for one in contestants:
        check_usable(session, one.strategy.retrieval)
    return contestants


def _strategies(session: Session, workspace_id: str, entry: Entry) -> list[tuple[str, Strategy]]:
    if entry.strategy is not None:
        saved = load_strategy(session, workspace_id, entry.strategy, entry.version)
        label, strategy = f"{saved.name} version {saved.version}", saved.strategy
        if entry.context is not None:
            strategy = strategy.model_copy(update={"context": entry.context})
    else:
        assert entry.setup is not None
        label, strategy = "inline", Strategy(retrieval=entry.setup, context=entry.context or ContextPolicy())
    label = entry.label or label
    if entry.grid is None:
        return [(label, strategy.resolved())]
    return [(f"{label}, {name}", varied.resolved()) for name, varied in entry.grid.expand(strategy)]


def _check(contestants: Sequence[Contestant]) -> None:
    ranked = [contestant for contestant in contestants if not contestant.is_baseline]
    if len(ranked) < 2:
        raise InvalidInputError(
            f"an experiment compares at least two strategies that retrieve, got {len(ranked)}",
            hint="add a strategy, or a grid; no_context and whole_documents are reference lines beside them",
            code="too_few_strategies",
        )
    for what, values in (
        ("label", [contestant.label for contestant in contestants]),
        ("strategy", [contestant.fingerprint for contestant in contestants]),
    ):
        repeated = next((value for value, count in Counter(values).items() if count > 1), None)
        if repeated is not None:
            labels = [one.label for one, value in zip(contestants, values, strict=True) if value == repeated]
            raise InvalidInputError(
                f"the same {what} comes twice: {labels[0]!r} and {labels[1]!r}",
                hint="leave one out, or give each a label of its own",
                code="repeated_strategy",
                labels=labels[:10],
            )
