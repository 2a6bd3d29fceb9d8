"""The upgrade report agrees with the verdict of the experiment that it is read from."""

from __future__ import annotations

from app.context.aliases.records import load_alias
from app.evaluation.promotion.material import gather_material
from tests.app.evaluation.experiments.laboratory import words
from tests.app.evaluation.promotion.trials import BOT, Trials
from tests.app.evaluation.world import WORKSPACE


def test_flips_are_the_wins_and_losses_of_the_verdict(trials: Trials) -> None:
    trials.activate("s16")
    trials.save("large", words(48)["setup"])
    trials.candidate("large")
    metrics = [{"kind": "recall_at_tokens", "budget_tokens": 16}]
    experiment_id = trials.compare("s16", "large", metrics=metrics)
    report, cells = trials.report(experiment_id), trials.laboratory.cells(experiment_id)
    assert report is not None
    assert report.verdict is not None
    assert (report.verdict.first, report.verdict.second) == ("large", "s16")
    assert (report.won, report.lost) == (report.verdict.wins, report.verdict.losses)
    assert report.won + report.lost > 0, "the case shows nothing"
    scores = {
        (cell.strategy_number, cell.question_number): cell.scores["recall_at_tokens@16"] for cell in cells
    }  # fmt: skip
    for one in (*report.won_questions, *report.lost_questions):
        number = int(one.question_id.removeprefix("q")) - 1
        assert (one.active_score, one.candidate_score) == (scores[0, number], scores[1, number])
    assert report.candidate.score is not None
    assert report.active.score is not None
    assert abs(report.candidate.score - report.active.score - report.verdict.difference) < 1e-9


def test_both_sides_show_what_they_take(trials: Trials) -> None:
    trials.activate("s16")
    trials.candidate("s32")
    report = trials.report(trials.compare("s32", "s16"))
    assert report is not None
    assert (report.active.strategy, report.candidate.strategy) == ("s16 version 1", "s32 version 1")
    for side in (report.active, report.candidate):
        assert side.index_bytes
        assert side.request_tokens > 0
        assert side.usd_per_request
        assert side.p95_seconds is None
    assert report.active.index_bytes != report.candidate.index_bytes


def test_a_failed_cell_scores_nothing(trials: Trials) -> None:
    trials.activate("s16")
    trials.candidate("s32")
    experiment_id = trials.compare("s16", "s32")
    before = trials.report(experiment_id)
    with trials.world.database.write() as session:
        for cell in trials.laboratory.cells(experiment_id):
            if (cell.strategy_number, cell.question_number) == (1, 0):
                cell.error, cell.scores = {"code": "x"}, {}
                session.merge(cell)
    after = trials.report(experiment_id)
    assert before is not None
    assert after is not None
    assert [one.question_id for one in after.lost_questions if one.candidate_score == 0] == ["q1"]
    assert after.lost == before.lost + 1


def test_there_is_none_without_both(trials: Trials) -> None:
    trials.candidate("s32")
    experiment_id = trials.compare("s16", "s32")
    assert trials.report(experiment_id) is None
    trials.activate("s16")
    trials.save("other", words(40)["setup"])
    trials.candidate("other")
    assert trials.report(experiment_id) is None


def test_verdicts_are_turned_towards_the_candidate(trials: Trials) -> None:
    trials.activate("s16")
    trials.candidate("s32")
    seen = []
    for order in (("s16", "s32"), ("s32", "s16")):
        experiment_id = trials.compare(*order)
        with trials.world.database.read() as session:
            verdict = gather_material(session, load_alias(session, WORKSPACE, BOT), experiment_id).verdict()
        assert verdict is not None
        assert verdict.turned().turned() == verdict
        seen.append(verdict.model_copy(update={"low": 0, "high": 0}))
    assert seen[0] == seen[1]
