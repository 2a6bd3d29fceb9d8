"""The job that runs an experiment: views over the pinned versions, then cells, then latency, then findings."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.context.contexts import Contexts
from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.experiments.asking import AskedQuestions
from app.evaluation.experiments.cells import CellMaker
from app.evaluation.experiments.findings import find
from app.evaluation.experiments.packing import Packing
from app.evaluation.experiments.pins import pinned_view, remove_baked
from app.evaluation.experiments.plan import indexed_setups, search_setups
from app.evaluation.experiments.probe import Bench, probe_latency
from app.evaluation.experiments.records import CellRow, ExperimentRow, finished_cells, load_experiment
from app.evaluation.experiments.specification import Contestant
from app.evaluation.experiments.trial import Scope, Trial
from app.evaluation.gold import pinned_gold
from indexes.database.engine import now
from indexes.jobs import Handler, RunningJob
from indexes.view import IndexView
from ingest.charges import charge
from ingest.metering import metered

RUN_EXPERIMENT = "run_experiment"
QUESTIONS_PER_BATCH = 16

logger = logging.getLogger("playground.experiments")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRunner:
    """The handler of experiment jobs."""

    data_folder: Path
    contexts: Contexts

    def handlers(self) -> dict[str, Handler]:
        """Return the job kind that runs experiments."""
        return {RUN_EXPERIMENT: self.run}

    def run(self, job: RunningJob) -> Iterator[None]:
        """Run the job's experiment to its findings; cells that are there already are not computed again."""
        with job.database.read() as session:
            experiment = load_experiment(session, str(job.workspace_id), job.arguments["experiment_id"], whole=True)
        folders = [f"{experiment.id}-{number}" for number in range(len(experiment.contestants))]
        contestants = experiment.parsed_contestants()
        views = yield from self._views(job, experiment, contestants, folders)
        bench = self._bench(job, experiment)
        yield from self._fill_cells(job, experiment, contestants, bench, views)
        probed = yield from probe_latency(job, experiment, contestants, bench, views)
        job.progress("deciding", 0, 1)
        findings = find(job.database, experiment, contestants, probed, views)
        with job.write() as session:
            values = {"findings": findings.model_dump(mode="json"), "finished_at": now()}
            session.execute(update(ExperimentRow).where(ExperimentRow.id == experiment.id).values(values))
        remove_baked(self.data_folder, folders)
        job.progress("deciding", 1, 1)
        job.result |= {"experiment_id": experiment.id, "cells": len(contestants) * len(experiment.questions)}

    def _bench(self, job: RunningJob, experiment: ExperimentRow) -> Bench:
        restriction = experiment.parsed_specification().filter
        scope = Scope(restriction=restriction, pins=experiment.pins, moment=experiment.created_at)
        return Bench(
            trial=Trial(job.database, self.contexts, scope),
            packing=Packing(self.contexts),
            asked=AskedQuestions(self.contexts.askers, experiment),
        )

    def _views(
        self, job: RunningJob, experiment: ExperimentRow, contestants: Sequence[Contestant], folders: Sequence[str]
    ) -> Generator[None, None, dict[str, IndexView]]:
        """Return for each retrieval setup, by fingerprint, the view that answers it."""
        searched = search_setups(contestants)
        baked = indexed_setups(searched)
        made: list[tuple[SearchSetup, IndexView]] = []
        for number, setup in enumerate(baked):
            job.progress("preparing", number, len(baked))
            view = yield from pinned_view(job, self.data_folder, setup, experiment.pins, folders[number])
            made.append((setup, view))
            yield
        job.progress("preparing", len(baked), len(baked))
        views = {}
        for contestant in contestants:
            searched_by = contestant.strategy.retrieval
            if isinstance(searched_by, SearchSetup):
                recipe = searched_by.recipe
                views[contestant.retrieval_fingerprint] = next(
                    view for other, view in made if recipe.is_served_by(other.recipe)
                )
        return views

    def _fill_cells(
        self,
        job: RunningJob,
        experiment: ExperimentRow,
        contestants: Sequence[Contestant],
        bench: Bench,
        views: dict[str, IndexView],
    ) -> Iterator[None]:
        questions = experiment.parsed_questions()
        with job.database.read() as session:
            done = finished_cells(session, experiment.id)
            gold = pinned_gold(session, questions, experiment.pins)
        metrics = experiment.parsed_specification().metrics
        maker = CellMaker(bench.trial, bench.packing, bench.asked, experiment.panel(), metrics)
        total = len(contestants) * len(questions)
        for group in _groups(contestants):
            first = contestants[group[0]]
            setup = first.strategy.retrieval
            view = None if isinstance(setup, BaselineSetup) else views[first.retrieval_fingerprint]
            left = [n for n in range(len(questions)) if any((strategy, n) not in done for strategy in group)]
            for position in range(0, len(left), QUESTIONS_PER_BATCH):
                job.progress("answering", len(done), total)
                rows: list[dict[str, Any]] = []
                with metered() as meter:
                    for number in left[position : position + QUESTIONS_PER_BATCH]:
                        wanted = [(one, contestants[one]) for one in group if (one, number) not in done]
                        rows += maker.cells(setup, view, wanted, number, questions[number], gold[number])
                with job.write() as session:
                    _insert(session, experiment.id, rows)
                    charge(job, session, meter)
                done.update((row["strategy_number"], row["question_number"]) for row in rows)
                yield
        job.progress("answering", total, total)


def _groups(contestants: Sequence[Contestant]) -> list[list[int]]:
    """Return the numbers of contestants in groups that share their retrieval setup, and so their searches."""
    groups: dict[str, list[int]] = {}
    for number, contestant in enumerate(contestants):
        groups.setdefault(contestant.retrieval_fingerprint, []).append(number)
    return list(groups.values())


def _insert(session: Session, experiment_id: str, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(CellRow.__table__.insert(), [{"experiment_id": experiment_id, **row} for row in rows])  # type: ignore[attr-defined]  # a declared table
