"""All that a report says, gathered from an experiment, its cells, its documents and prices; writers only lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.estimate import CHARACTERS_PER_TOKEN
from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.economics.assumptions import Assumptions
from app.evaluation.economics.break_even import BreakEven, compare_ways
from app.evaluation.economics.ingest_cost import IngestCost, ingest_cost
from app.evaluation.economics.prices import ModelPrice, newest_price_change, price_of
from app.evaluation.economics.request_cost import RequestCost, request_cost
from app.evaluation.economics.sensitivity import Sensitivity, sensitivities
from app.evaluation.experiments.findings import Findings, StrategyFindings
from app.evaluation.experiments.records import CellRow, ExperimentRow, read_cells
from app.evaluation.questions import Question
from configs.errors import ConflictError
from indexes.database.tables import Version

EXTREMES = 5
EXCERPT_CHARACTERS = 280
EXCERPTS = 3


class Economy(BaseModel):
    """What the report is to assume of the use; everything can be replaced, and its weight is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field("gpt-5-mini", min_length=1, max_length=200, description="language model whose prices are used")
    provider: str | None = Field(None, max_length=100, description="where several offer the model")
    requests_per_day: float = Field(1_000.0, gt=0, le=1e9, description="requests on an average day")
    output_tokens: int = Field(300, ge=0, le=1_000_000, description="tokens of an answer")
    embedding_usd_per_million_tokens: float | None = Field(
        None,
        ge=0,
        le=1_000,
        description="price of embedding; default: the list price of each strategy's embedder, 0 for one run here",
    )
    reembedded_share_per_month: float = Field(
        0.1, ge=0, le=31, description="part of the documents that changes each month and is embedded again"
    )


@dataclass(frozen=True, slots=True)
class ShownPair:
    """The labels of the two strategies whose extremes are shown, the top scorer first."""

    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """A question on which two strategies differ much, with the beginning of what each sent."""

    question: Question
    difference: float
    first_score: float
    second_score: float
    first_excerpts: Sequence[str]
    second_excerpts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a report says."""

    experiment: ExperimentRow
    findings: Findings
    questions: Sequence[Question]
    pair: ShownPair | None
    wins: Sequence[Extreme]
    losses: Sequence[Extreme]
    economy: Economy
    price: ModelPrice | None
    price_date: str
    costs: Mapping[str, RequestCost]
    ingest_costs: Mapping[str, IngestCost]
    break_even: BreakEven
    sensitivity: Sequence[Sensitivity]
    documents: int
    corpus_tokens: int

    @property
    def contestants(self) -> list[StrategyFindings]:
        """Return the strategies that take part in verdicts, the best mean first."""
        means = [one for one in self.findings.strategies if not one.is_baseline]
        return sorted(means, key=lambda one: (-(one.means[self.findings.metric] or 0.0), one.label))

    @property
    def baselines(self) -> list[StrategyFindings]:
        """Return the reference lines."""
        return [one for one in self.findings.strategies if one.is_baseline]

    def strategy(self, label: str) -> StrategyFindings:
        """Return one strategy's findings."""
        return next(one for one in self.findings.strategies if one.label == label)


def gather(session: Session, experiment: ExperimentRow, economy: Economy) -> Content:
    """Return the content of a finished experiment's report; the row is loaded whole.

    Raises ConflictError (`experiment_unfinished`).
    """
    if experiment.findings is None:
        raise ConflictError(
            f"experiment {experiment.id} has no findings yet",
            hint=f"wait for its job {experiment.job_id}; GET /v1/jobs/{experiment.job_id} says how far it is",
            code="experiment_unfinished",
        )
    findings = Findings.model_validate(experiment.findings)
    questions = experiment.parsed_questions()
    tokens, scores = _cell_values(session, experiment, findings.metric)
    price = price_of(economy.model, economy.provider)
    pair = _pair(findings)
    assumptions = Assumptions(
        corpus_tokens=_corpus_tokens(session, experiment),
        retrieved_tokens=_retrieved_tokens(findings, pair),
        requests_per_day=economy.requests_per_day,
        output_tokens=economy.output_tokens,
    )
    wins, losses = _extremes(session, experiment, questions, scores, pair)
    return Content(
        experiment=experiment,
        findings=findings,
        questions=questions,
        pair=pair,
        wins=wins,
        losses=losses,
        economy=economy,
        price=price,
        price_date=newest_price_change().isoformat(),
        costs={label: request_cost(price, some, assumptions) for label, some in tokens.items() if some},
        ingest_costs=_ingest_costs(experiment, findings, economy),
        break_even=compare_ways(price, assumptions),
        sensitivity=sensitivities(price, assumptions),
        documents=len(experiment.pins),
        corpus_tokens=assumptions.corpus_tokens,
    )


def _ingest_costs(experiment: ExperimentRow, findings: Findings, economy: Economy) -> dict[str, IngestCost]:
    prices = {one.label: _embedding_price(one.strategy.retrieval) for one in experiment.parsed_contestants()}
    given = economy.embedding_usd_per_million_tokens
    return {
        one.label: ingest_cost(
            one.embedded_tokens,
            prices.get(one.label) if given is None else given,
            economy.reembedded_share_per_month,
        )
        for one in findings.strategies
        if one.embedded_tokens is not None
    }


def _embedding_price(setup: SearchSetup | BaselineSetup) -> float | None:
    """Return the price of indexing a million tokens, those included that cutting encodes; None where one is unknown."""
    if isinstance(setup, BaselineSetup):
        return 0.0
    price = 0.0
    for embedder, share in ((setup.embedder, 1.0), (setup.chunker.encoder, setup.chunker.encoded_per_token)):
        own = 0.0 if embedder is None else embedder.usd_per_million_tokens
        if own is None:
            return None
        price += own * share
    return price


def _retrieved_tokens(findings: Findings, pair: ShownPair | None) -> int:
    """Return the context tokens of the top scorer."""
    tested = [one for one in findings.strategies if not one.is_baseline]
    return round(
        next((one.context_tokens for one in tested if pair and one.label == pair.first), tested[0].context_tokens)
    )


def _pair(findings: Findings) -> ShownPair | None:
    """Return the top scorer with the strategy that differs most from it, None where there are no two to show."""
    metric = findings.metric
    means = [(one.means[metric], one.label) for one in findings.strategies if not one.is_baseline]
    ranked = sorted((-mean, label) for mean, label in means if mean is not None)
    return ShownPair(ranked[0][1], ranked[-1][1]) if len(ranked) > 1 else None


def _cell_values(
    session: Session, experiment: ExperimentRow, metric: str
) -> tuple[dict[str, list[int]], dict[str, dict[int, float]]]:
    """Return by label the tokens of each request, and the deciding score by question number."""
    labels = [one["label"] for one in experiment.contestants]
    tokens: dict[str, list[int]] = {label: [] for label in labels}
    scores: dict[str, dict[int, float]] = {label: {} for label in labels}
    for cell in read_cells(session, experiment.id):
        label = labels[cell.strategy_number]
        if cell.error is None:
            tokens[label].append(cell.request_tokens)
        score = cell.scores.get(metric)
        if score is not None:
            scores[label][cell.question_number] = score
    return tokens, scores


def _extremes(
    session: Session,
    experiment: ExperimentRow,
    questions: Sequence[Question],
    scores: Mapping[str, Mapping[int, float]],
    pair: ShownPair | None,
) -> tuple[list[Extreme], list[Extreme]]:
    if pair is None:
        return [], []
    first, second = scores[pair.first], scores[pair.second]
    differences = sorted(((first[n] - second[n], n) for n in first.keys() & second.keys()), key=lambda one: one[0])
    losses = [one for one in differences[:EXTREMES] if one[0] < 0]
    wins = [one for one in differences[::-1][:EXTREMES] if one[0] > 0]
    labels = [one["label"] for one in experiment.contestants]
    numbers = (labels.index(pair.first), labels.index(pair.second))

    def extreme(difference: float, number: int) -> Extreme:
        cells = [session.get_one(CellRow, (experiment.id, strategy, number)) for strategy in numbers]
        excerpts = [_excerpts(session, cell) for cell in cells]
        return Extreme(
            question=questions[number], difference=difference, first_score=first[number], second_score=second[number],
            first_excerpts=excerpts[0], second_excerpts=excerpts[1],
        )  # fmt: skip

    return [extreme(*one) for one in wins], [extreme(*one) for one in losses]


def _excerpts(session: Session, cell: CellRow) -> list[str]:
    """Return the beginnings of the first passages that were sent, from the pinned versions."""
    excerpts = []
    for version_id, start, end in (cell.sent.get("request") or {}).get("spans", [])[:EXCERPTS]:
        length = min(end - start, EXCERPT_CHARACTERS)
        text = session.scalar(select(func.substr(Version.text, start + 1, length)).where(Version.id == version_id))
        excerpts.append("(the document was removed)" if text is None else text + ("…" if end - start > length else ""))
    return excerpts


def _corpus_tokens(session: Session, experiment: ExperimentRow) -> int:
    """Return the estimated tokens of all pinned documents."""
    total = 0
    versions = sorted(experiment.pins.values())
    for first in range(0, len(versions), 500):
        statement = select(func.coalesce(func.sum(Version.characters), 0))
        total += int(session.scalar(statement.where(Version.id.in_(versions[first : first + 500]))) or 0)
    return round(total / CHARACTERS_PER_TOKEN)
