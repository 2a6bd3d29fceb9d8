"""What is added up over cells: by hand, failures as zeros, kinds of labels apart, and against the cells of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.experiments.records import CellRow
from app.evaluation.experiments.tallies import Tally, label_kind, read_tallies
from app.evaluation.gold import pinned_gold
from app.evaluation.outcome import Gold, Label
from app.evaluation.questions import Question
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from tests.app.evaluation.experiments.laboratory import EVERYTHING, NOTHING, Laboratory, words

NAMES = ["first", "second"]
SPAN = Label(document_id="d", place=VersionSpan("v", Span(10, 20)))
WHOLE = Label(document_id="d", place=None)
FOUND = [["d", "v", 0, 30, 2.5], ["d", "v", 40, 50, 1.5]]


def cell(**fields: Any) -> CellRow:
    """Return a cell that found and sent the answer, in 70 of 100 tokens."""
    usual: dict[str, Any] = {
        "scores": {"first": 0.5, "second": None}, "ranked": FOUND, "request_tokens": 100, "error": None,
        "sent": {"request": {"tokens": 70, "spans": [["v", 0, 30]]}},
    }  # fmt: skip
    return CellRow(**{**usual, **fields})


def failed() -> CellRow:
    """Return a cell that failed."""
    return cell(scores={}, ranked=[], sent={}, request_tokens=0, error={"code": "internal_error"})


def question(number: int = 0, **fields: Any) -> Question:
    """Return a question without tags."""
    return Question.model_validate({"id": f"q{number}", "question": "Why?", "evidence": (), "tags": (), **fields})


def tally(*entries: tuple[CellRow, Question, Gold]) -> Tally:
    """Return what is added up over the entries."""
    summed = Tally()
    for one, asked, gold in entries:
        summed.add(one, NAMES, asked, gold)
    return summed


@pytest.mark.parametrize(
    ("labels", "kind"),
    [((), None), ((SPAN,), "spans"), ((SPAN, SPAN), "spans"), ((WHOLE,), "documents"), ((WHOLE, SPAN), "both")],
)
def test_the_kind_of_labels(labels: tuple[Label, ...], kind: str | None) -> None:
    assert label_kind(Gold(labels=labels)) == kind


def test_a_cell_by_hand() -> None:
    summed = tally((cell(), question(tags=("season", "tree")), Gold(labels=(SPAN,))))
    assert summed.scores == {"first": [0.5]}
    assert summed.by_tag == {"season": [0.5], "tree": [0.5]}
    assert summed.by_kind == {"spans": {"first": [0.5]}}
    assert summed.questions_by_kind == {"spans": 1}
    assert summed.fates == [{"sent": 1}]
    assert (summed.request_tokens, summed.context_tokens) == ([100], [70])
    assert (summed.signals, summed.answerable) == ([2.5], [True])
    assert (summed.lost_pinned, summed.failures) == ([], 0)


def test_an_answer_that_a_cap_dropped_is_named_as_such() -> None:
    dropped = [["d", "v", 0, 100, 0.5]]
    one = cell(ranked=[], sent={"request": {"tokens": 0, "spans": [], "capped": dropped}})
    assert tally((one, question(), Gold(labels=(SPAN,)))).fates == [{"capped_by_source": 1}]


def test_a_failed_cell_scores_nothing_and_takes_no_tokens() -> None:
    summed = tally((failed(), question(tags=("season",)), Gold(labels=(SPAN,))))
    assert summed.scores == {"first": [0.0], "second": [0.0]}
    assert summed.by_tag == {}
    assert summed.fates == [{"not_found": 1}]
    assert (summed.request_tokens, summed.context_tokens, summed.signals, summed.answerable) == ([], [], [], [])
    assert summed.failures == 1


def test_a_failed_cell_of_an_unanswerable_question_scores_nowhere() -> None:
    summed = tally((failed(), question(unanswerable=True), Gold(labels=(), is_unanswerable=True)))
    assert summed.scores == {}
    assert summed.questions_by_kind == {}
    assert summed.failures == 1


def test_where_nothing_was_found_the_signal_is_below_every_score() -> None:
    nothing = cell(ranked=[], sent={"request": {"tokens": 0, "spans": []}})
    summed = tally((nothing, question(unanswerable=True), Gold(labels=(), is_unanswerable=True)))
    assert summed.signals == [-np.inf]
    assert summed.answerable == [False]


@pytest.mark.parametrize(("pinned", "spans", "lost"), [(True, [], ["q0"]), (True, [["v", 0, 30]], []), (False, [], [])])
def test_a_pinned_question_is_lost_where_an_answer_is_not_sent(
    pinned: bool, spans: list[list[Any]], lost: list[str]
) -> None:
    one = cell(sent={"request": {"tokens": 70, "spans": spans}})
    assert tally((one, question(pinned=pinned), Gold(labels=(SPAN,)))).lost_pinned == lost


def test_one_of_two_answers_sent_is_not_enough_for_a_pinned_question() -> None:
    other = Label(document_id="d", place=VersionSpan("v", Span(40, 50)))
    summed = tally((cell(), question(pinned=True), Gold(labels=(SPAN, other))))
    assert summed.lost_pinned == ["q0"]
    assert summed.fates == [{"sent": 1, "found_not_packed": 1}]


labels = st.sampled_from([(SPAN,), (WHOLE,), (SPAN, WHOLE)])
scores = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(st.tuples(scores, labels, st.booleans()), max_size=8))
def test_kinds_of_labels_add_up_to_all_questions(drawn: list[tuple[float | None, tuple[Label, ...], bool]]) -> None:
    summed = tally(
        *(
            (failed() if fails else cell(scores={"first": score}), question(number), Gold(labels=some))
            for number, (score, some, fails) in enumerate(drawn)
        )
    )
    expected = [0.0 if fails else score for score, _, fails in drawn if fails or score is not None]
    assert summed.scores["first"] == expected
    assert sorted(one for kind in summed.by_kind.values() for one in kind["first"]) == sorted(
        one for one in expected if one is not None
    )
    assert sum(summed.questions_by_kind.values()) == len(drawn) == len(summed.fates)
    assert summed.failures == sum(fails for _, _, fails in drawn)


def test_the_tallies_of_a_run_are_those_of_its_cells(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(words(16), words(64), NOTHING, EVERYTHING)
    laboratory.finish(experiment_id)
    experiment = laboratory.experiment(experiment_id)
    questions = experiment.parsed_questions()
    names = [metric.name for metric in experiment.parsed_specification().metrics]
    with laboratory.world.database.read() as session:
        gold = pinned_gold(session, questions, experiment.pins)
        tallies, deciding, has_failed = read_tallies(session, experiment, questions, gold, names)
    assert deciding.shape == has_failed.shape == (4, len(questions))
    assert not has_failed.any()
    cells = laboratory.cells(experiment_id)
    for one in cells:
        score = one.scores[names[0]]
        place = one.strategy_number, one.question_number
        assert np.isnan(deciding[place]) if score is None else deciding[place] == score
    for number, summed in enumerate(tallies):
        own = [one for one in cells if one.strategy_number == number]
        assert summed.request_tokens == [one.request_tokens for one in own]
        assert summed.scores[names[0]] == [one.scores[names[0]] for one in own if one.scores[names[0]] is not None]
        assert summed.context_tokens == [one.sent["request"]["tokens"] for one in own]
        assert summed.answerable == [not one.unanswerable for one in questions]
    assert max(tallies[2].context_tokens) < min(tallies[3].context_tokens)
    assert tallies[2].lost_pinned == [one.id for one in questions if one.pinned] != []
    assert tallies[3].lost_pinned == []
