"""An alias `bot` in a laboratory of trees: strategies are saved, compared in an experiment, and promoted on it."""

from __future__ import annotations

from typing import Any

from app.context.aliases.changes import Change, name_candidate, put_alias
from app.context.aliases.limits import Limits
from app.context.aliases.records import AliasChangeRow, load_alias
from app.context.saved_strategies import save_strategy
from app.context.strategy import SearchSetup, Strategy
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.promotion.check import PromotionCheck, check_promotion, promote_with_evidence
from app.evaluation.promotion.condition import Condition
from app.evaluation.promotion.material import gather_material
from app.evaluation.promotion.upgrade_report import UpgradeReport, upgrade_report
from configs.part import JsonObject
from tests.app.evaluation.experiments.laboratory import Laboratory, words
from tests.app.evaluation.world import WORKSPACE, World

BOT = "bot"
BY = Change("tester", "because")


class Trials:
    """Strategies `s16` and `s32` (words in chunks of so many tokens), indexed; `s16` is what promotions begin with."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.laboratory = Laboratory(world)
        for size in (16, 32):
            self.save(f"s{size}", words(size)["setup"])
        self.limit()

    def save(self, name: str, setup: JsonObject, *, build: bool = True) -> None:
        """Save a strategy, and build its index."""
        strategy = Strategy.model_validate({"retrieval": setup})
        with self.world.database.write() as session:
            save_strategy(session, WORKSPACE, name, strategy)
        if build and isinstance(strategy.retrieval, SearchSetup):
            self.world.build(strategy.retrieval)

    def limit(self, **limits: Any) -> None:
        """Set the limits of the alias; the trees are six questions, so it takes one where a test sets no number."""
        limits = {"least_questions": 1, **limits}
        with self.world.database.write() as session:
            put_alias(session, WORKSPACE, BOT, "", Limits(**limits), BY)

    def candidate(self, strategy: str) -> None:
        """Name the candidate."""
        with self.world.database.write() as session:
            name_candidate(session, WORKSPACE, BOT, strategy, None, 0, BY)

    def activate(self, strategy: str) -> None:
        """Let a strategy answer, by override."""
        self.candidate(strategy)
        self.promote(None, "to begin with")

    def compare(self, *strategies: str, **fields: Any) -> str:
        """Run an experiment on saved strategies and return its id."""
        entries = [{"strategy": name, "label": name} for name in strategies]
        experiment_id = self.laboratory.create(*entries, **fields)
        self.laboratory.finish(experiment_id)
        return experiment_id

    def check(self, experiment_id: str | None) -> PromotionCheck:
        """Return the check of promoting the candidate."""
        with self.world.database.read() as session:
            return check_promotion(
                session, gather_material(session, load_alias(session, WORKSPACE, BOT), experiment_id)
            )

    def unmet(self, experiment_id: str | None) -> list[str]:
        """Return the names of the conditions that are not met."""
        return [one.name for one in self.check(experiment_id).unmet]

    def condition(self, experiment_id: str | None, name: str) -> Condition:
        """Return one condition of the check."""
        return next(one for one in self.check(experiment_id).conditions if one.name == name)

    def report(self, experiment_id: str) -> UpgradeReport | None:
        """Return the upgrade report."""
        with self.world.database.read() as session:
            return upgrade_report(session, gather_material(session, load_alias(session, WORKSPACE, BOT), experiment_id))

    def promote(self, experiment_id: str | None, override: str | None = None) -> AliasChangeRow:
        """Promote the candidate."""
        with self.world.database.write() as session:
            return promote_with_evidence(session, WORKSPACE, BOT, experiment_id, BY, override)

    def active(self) -> str | None:
        """Return the name of the strategy that answers."""
        with self.world.database.read() as session:
            return load_alias(session, WORKSPACE, BOT).active_strategy

    def edit(self, experiment_id: str, **findings: Any) -> None:
        """Change parts of what an experiment found."""
        with self.world.database.write() as session:
            row = session.get_one(ExperimentRow, experiment_id)
            row.findings = {**(row.findings or {}), **findings}

    def edit_strategy(self, experiment_id: str, label: str, **values: Any) -> None:
        """Change what an experiment found of one strategy."""
        findings = self.laboratory.experiment(experiment_id).findings or {}
        changed = [one | values if one["label"] == label else one for one in findings["strategies"]]
        self.edit(experiment_id, strategies=changed)

    def edit_pair(self, experiment_id: str, **values: Any) -> None:
        """Change the verdict on the one pair of an experiment."""
        findings = self.laboratory.experiment(experiment_id).findings or {}
        (pair,) = findings["analysis"]["pairs"]
        self.edit(experiment_id, analysis={**findings["analysis"], "pairs": [pair | values]})
