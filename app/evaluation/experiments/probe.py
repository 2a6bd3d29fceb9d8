"""How long requests take: a probe of its own, serial, strategies in random turns, nothing shared."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.context.strategy import SearchSetup
from app.evaluation.economics.latency import StageSeconds
from app.evaluation.experiments.answered import Depth
from app.evaluation.experiments.asking import AskedQuestions
from app.evaluation.experiments.packing import Packing
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.experiments.trial import Trial
from app.evaluation.outcome import Gold
from app.evaluation.questions import Question
from indexes.jobs import RunningJob
from indexes.search import Stopwatch
from indexes.view import IndexView
from ingest.charges import charge
from ingest.metering import metered

ROUNDS_PER_STEP = 5
WARM_UP_ROUNDS = 2
NO_GOLD = Gold(labels=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What experiments ask, find and pack with."""

    trial: Trial
    packing: Packing
    asked: AskedQuestions


def probe_latency(
    job: RunningJob,
    experiment: ExperimentRow,
    contestants: Sequence[Contestant],
    bench: Bench,
    views: dict[str, IndexView],
) -> Generator[None, None, dict[str, list[StageSeconds]]]:
    """Return the seconds of each stage of each request by label: encoding the question, searching, reading, what of
    the asker goes with it, packing.

    Each round asks every strategy that searches one question, in random order, so that noise hits all alike; the first
    rounds warm up and do not count. Strategies whose request fails are left out.
    """
    specification = experiment.parsed_specification()
    questions = experiment.parsed_questions()
    draw = np.random.default_rng([specification.seed, 5])
    searched = [one for one in contestants if isinstance(one.strategy.retrieval, SearchSetup)]
    seconds: dict[str, list[StageSeconds]] = {one.label: [] for one in searched}
    rounds = specification.latency_requests + WARM_UP_ROUNDS if specification.latency_requests else 0
    for number in range(rounds):
        if number % ROUNDS_PER_STEP == 0:
            job.progress("timing", number, rounds)
            yield
        question = questions[draw.integers(len(questions))]
        with metered() as meter:
            for contestant in [searched[place] for place in draw.permutation(len(searched))]:
                try:
                    stages = _request(bench, contestant, views[contestant.retrieval_fingerprint], question)
                except Exception:
                    seconds.pop(contestant.label, None)
                    searched = [one for one in searched if one is not contestant]
                    continue
                if number >= WARM_UP_ROUNDS:
                    seconds[contestant.label].append(stages)
        if meter.calls:
            with job.write() as session:
                charge(job, session, meter)
    job.progress("timing", rounds, rounds)
    return seconds


def _request(bench: Bench, contestant: Contestant, view: IndexView, question: Question) -> StageSeconds:
    setup, policy, trial = contestant.strategy.retrieval, contestant.strategy.context, bench.trial
    assert isinstance(setup, SearchSetup)
    watch = Stopwatch()
    vector = None
    ask = bench.asked.own(question, NO_GOLD)
    if setup.embedder is not None:
        with watch.stage("embedding"):
            vector = setup.embedder.encode_query(ask.text)
    with watch.stage("personal"):
        moved = trial.moved_vector(setup, policy, ask, vector)
    answered = replace(trial.search(setup, view, ask, moved, Depth()), vector=vector)
    with watch.stage("personal"):
        material = trial.material(setup, policy, ask, answered)
    with watch.stage("assembly"):
        bench.packing.own_context(policy, ask.text, answered.packable, material)
    return {**answered.stages, **watch.seconds}
