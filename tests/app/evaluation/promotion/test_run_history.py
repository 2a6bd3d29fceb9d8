"""The history of scores: runs of one content hash, by version and metric, with a trend that intervals decide."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.aliases.records import load_alias
from app.evaluation.promotion.run_history import Run, RunHistory, run_history, trend_of
from app.evaluation.question_sets import delete_question_set
from configs.errors import NotFoundError
from tests.app.evaluation.experiments.laboratory import QUESTIONS
from tests.app.evaluation.promotion.trials import BOT, Trials
from tests.app.evaluation.world import WORKSPACE


def history(trials: Trials, question_set: str | None = None) -> RunHistory:
    with trials.world.database.read() as session:
        return run_history(session, load_alias(session, WORKSPACE, BOT), question_set)


def test_versions_of_the_alias_have_a_line_with_every_run(trials: Trials) -> None:
    trials.activate("s16")
    trials.candidate("s32")
    first = trials.compare("s16", "s32")
    trials.world.add("elm", "The elm has rough leaves. What was built of elm wood floats.")
    second = trials.compare("s16", "s32")
    found = history(trials)
    assert [(line.strategy, line.state) for line in found.lines] == [("s16", "active"), ("s32", "candidate")]
    for number, line in enumerate(found.lines):
        assert [run.experiment_id for run in line.runs] == [first, second]
        assert [run.documents for run in line.runs] == [5, 6]
        for run in line.runs:
            findings = trials.laboratory.experiment(run.experiment_id).findings
            assert findings is not None
            assert findings["strategies"][number]["means"][line.metric] == pytest.approx(run.mean)
            assert run.low <= run.mean <= run.high
        assert line.change == line.runs[-1].mean - line.runs[0].mean


def test_other_states_of_the_set_are_left_out(trials: Trials) -> None:
    trials.activate("s16")
    trials.compare("s16", "s32")
    with trials.world.database.write() as session:
        delete_question_set(session, WORKSPACE, "trees")
    trials.world.save("trees", *QUESTIONS[:-2])
    assert history(trials, "trees").lines == []
    newer = trials.compare("s16", "s32")
    (line,) = history(trials, "trees").lines
    assert [run.experiment_id for run in line.runs] == [newer]


def test_drafts_have_no_line_and_metrics_are_apart(trials: Trials) -> None:
    trials.activate("s16")
    trials.compare("s16", "s32")
    trials.compare("s16", "s32", metrics=[{"kind": "recall_at_tokens", "budget_tokens": 100}])
    lines = history(trials).lines
    assert [(line.strategy, line.metric, len(line.runs)) for line in lines] == [
        ("s16", "recall_at_tokens@1000", 1), ("s16", "recall_at_tokens@100", 1),
    ]  # fmt: skip


def test_runs_over_other_documents_or_on_another_behalf_are_apart(trials: Trials) -> None:
    trials.activate("s16")
    restriction = {"all": [{"tags": ["rare"]}]}
    trials.compare("s16", "s32")
    trials.compare("s16", "s32", filter=restriction)
    trials.compare("s16", "s32", principals=["group:b", "group:a"])
    trials.compare("s16", "s32", principals=["group:a", "group:b"])
    lines = history(trials).lines
    assert [(line.principals, line.filter is None, len(line.runs)) for line in lines] == [
        ([], True, 1), ([], False, 1), (["group:a", "group:b"], True, 2),
    ]  # fmt: skip
    assert lines[1].runs[0].mean == 0  # nothing is tagged like that, and no line goes down by it
    assert {line.trend for line in lines} == {"steady"}


def test_without_a_run_there_is_no_history(trials: Trials) -> None:
    for question_set in (None, "absent"):
        with pytest.raises(NotFoundError):
            history(trials, question_set)


ends = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(first=ends, last=ends)
def test_a_trend_is_what_intervals_show(first: list[float], last: list[float]) -> None:
    runs = [
        Run(experiment_id="e", finished_at=datetime.now(UTC), documents=1, mean=low, low=low, high=high)
        for low, high in (first, last)
    ]
    trend, back = trend_of(*runs), trend_of(*reversed(runs))
    overlap = max(first[0], last[0]) <= min(first[1], last[1])
    assert (trend == "steady") == overlap
    assert {trend, back} in ({"steady"}, {"up", "down"})
    if trend == "up":
        assert last[0] > first[1]
