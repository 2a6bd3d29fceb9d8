"""What a promotion rests on: the alias with its two versions, and the experiment that is brought as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.context.aliases.records import AliasRow, active_of, needed_candidate
from app.context.saved_strategies import SavedStrategy
from app.evaluation.experiments.findings import Findings, StrategyFindings
from app.evaluation.experiments.records import ExperimentRow, load_experiment
from app.evaluation.statistics.pair_verdict import PairVerdict
from app.evaluation.statistics.strategy_score import StrategyScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The alias, its versions and the experiment; `experiment` and `findings` are null where there are none."""

    alias: AliasRow
    candidate: SavedStrategy
    active: SavedStrategy | None
    experiment: ExperimentRow | None
    findings: Findings | None

    def found(self, saved: SavedStrategy | None) -> StrategyFindings | None:
        """Return what the experiment found of exactly the settings of a version, None where it did not ask them."""
        if saved is None or self.findings is None:
            return None
        fingerprint = saved.strategy.resolved().fingerprint
        return next((one for one in self.findings.strategies if one.fingerprint == fingerprint), None)

    def score(self, found: StrategyFindings | None) -> StrategyScore | None:
        """Return the deciding metric's mean with its interval; None for a reference line, and where nothing decided."""
        if found is None or self.findings is None or self.findings.analysis is None:
            return None
        return next((one for one in self.findings.analysis.strategies if one.label == found.label), None)

    def verdict(self) -> PairVerdict | None:
        """Return how the candidate is to the active version, None where the experiment does not say."""
        candidate, active = self.found(self.candidate), self.found(self.active)
        if candidate is None or active is None or self.findings is None or self.findings.analysis is None:
            return None
        labels = {candidate.label, active.label}
        pairs = (pair for pair in self.findings.analysis.pairs if {pair.first, pair.second} == labels)
        pair = next(pairs, None)
        return pair.turned() if pair is not None and pair.first != candidate.label else pair


def gather_material(session: Session, alias: AliasRow, experiment_id: str | None) -> Material:
    """Return the material of a promotion.

    Raises NotFoundError for the experiment, ConflictError (`no_candidate`).
    """
    experiment = None
    if experiment_id is not None:
        experiment = load_experiment(session, alias.workspace_id, experiment_id, whole=True)
    is_finished = experiment is not None and experiment.findings is not None
    return Material(
        alias=alias,
        candidate=needed_candidate(session, alias),
        active=active_of(session, alias),
        experiment=experiment,
        findings=Findings.model_validate(experiment.findings) if experiment is not None and is_finished else None,
    )


def name_of(saved: SavedStrategy) -> str:
    """Return how people call a version."""
    return f"{saved.name} version {saved.version}"
