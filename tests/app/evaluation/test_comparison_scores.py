"""Recall and precision in comparisons: at one budget, over the same questions for all, and never over stale marks."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from ingest.tokenizers import count_tokens
from tests.app.evaluation.forest import BEARS, HONEY, HUNT, WOLVES, both, forest_in, run
from tests.app.evaluation.world import NO_CONTEXT, WHOLE_DOCUMENTS, World, asked, lexical, quoted


def test_recall_and_precision_at_the_budget_by_hand(forest: World) -> None:
    start = BEARS.index(HONEY)
    questions = forest.locate(asked("?", quoted("bears", HONEY), quoted("wolves", HUNT)))
    tokens_before = count_tokens(BEARS[:start])
    gold = len(HONEY) + len(HUNT)
    whole = run(forest, questions, WHOLE_DOCUMENTS, budget_tokens=tokens_before + 3).questions[0].strategies[0]
    assert whole.sent_tokens == tokens_before + 3
    assert whole.span_recall == pytest.approx(len("Bears eat honey") / gold)
    assert whole.span_precision == pytest.approx(len("Bears eat honey") / (start + len("Bears eat honey")))
    everything = run(forest, questions, WHOLE_DOCUMENTS, budget_tokens=1_000).questions[0].strategies[0]
    assert everything.sent_tokens == count_tokens(BEARS) + count_tokens(WOLVES)
    assert everything.span_recall == 1.0
    assert everything.span_precision == pytest.approx(gold / (len(BEARS) + len(WOLVES)))


def test_no_context_recalls_nothing(forest: World) -> None:
    answer = run(forest, both(forest), NO_CONTEXT).questions[0].strategies[0]
    assert (answer.tokens, answer.sent_tokens, answer.span_recall, answer.span_precision) == (0, 0, 0.0, 0.0)


def test_the_score_reaches_beyond_k_and_not_beyond_the_budget(forest: World) -> None:
    few = run(forest, both(forest), lexical(16), k=1).questions[0].strategies[0]
    many = run(forest, both(forest), lexical(16), k=5).questions[0].strategies[0]
    assert (len(few.hits), len(many.hits)) == (1, 5)
    assert few.sent_tokens == many.sent_tokens == 60
    assert few.span_recall == many.span_recall == 1.0
    assert few.span_precision == many.span_precision


def test_all_strategies_send_the_same_tokens(forest: World) -> None:
    answers = run(forest, both(forest), lexical(16), lexical(48), WHOLE_DOCUMENTS).questions[0].strategies
    assert [answer.sent_tokens for answer in answers] == [60, 60, 60]


def test_questions_without_marked_answers_are_not_scored(forest: World) -> None:
    comparison = run(forest, forest.locate(asked("bear"), asked("wolf")), lexical(16))
    assert (comparison.questions_scored, comparison.questions_stale) == (0, 0)
    for question in comparison.questions:
        answer = question.strategies[0]
        assert question.marked == "none"
        assert (answer.sent_tokens, answer.span_recall, answer.span_precision) == (None, None, None)
    means = comparison.strategies[0]
    assert (means.sent_tokens, means.span_recall, means.span_precision) == (None, None, None)


def test_means_are_over_the_scored_questions(forest: World) -> None:
    questions = forest.locate(
        asked("Do bears eat honey?", quoted("bears", HONEY)),
        asked("wolf", quoted("bears", HONEY)),
        asked("Does the wolf see the moon?"),
        asked("When do wolves hunt?", quoted("wolves", HUNT)),
    )
    comparison = run(forest, questions, lexical(16), lexical(48))
    assert comparison.questions_scored == 3
    scored = [question for question in comparison.questions if question.marked == "scored"]
    for number, means in enumerate(comparison.strategies):
        answers = [question.strategies[number] for question in scored]
        assert means.span_recall == pytest.approx(sum(one.span_recall or 0.0 for one in answers) / 3)
        assert means.span_precision == pytest.approx(sum(one.span_precision or 0.0 for one in answers) / 3)
        assert means.sent_tokens == pytest.approx(sum(one.sent_tokens or 0 for one in answers) / 3)
        everything = [question.strategies[number] for question in comparison.questions]
        assert means.tokens == pytest.approx(fmean(one.tokens for one in everything))
        assert means.seconds == pytest.approx(fmean(one.seconds["total"] for one in everything))
    assert 0 < (comparison.strategies[0].span_recall or 0) < 1


def test_a_stale_question_is_reported_and_scored_for_nobody(tmp_path: Path) -> None:
    world = forest_in(tmp_path)
    questions = world.locate(
        asked("Do bears eat honey?", quoted("bears", HONEY)),
        asked("When do wolves hunt?", quoted("wolves", HUNT), quoted("bears", HONEY)),
        asked("Do wolves hunt?", quoted("wolves", HUNT)),
    )
    fresh = run(world, questions, lexical(16), lexical(48), NO_CONTEXT)
    world.add("wolves", WOLVES + "The end .")
    world.build(lexical(48))
    comparison = run(world, questions, lexical(16), lexical(48), NO_CONTEXT)
    world.close()
    assert (fresh.questions_scored, fresh.questions_stale) == (3, 0)
    assert (comparison.questions_scored, comparison.questions_stale) == (1, 2)
    assert [one.marked for one in comparison.questions] == ["scored", "stale", "stale"]
    assert comparison.questions[1].stale_evidence == [questions[1].evidence[0]]
    assert comparison.questions[0].stale_evidence == []
    assert all(answer.span_recall is None for one in comparison.questions[1:] for answer in one.strategies)
    assert all(answer.hits for one in comparison.questions for answer in one.strategies[:2])
    recalls = [answer.span_recall for answer in comparison.questions[0].strategies]
    assert [one.span_recall for one in comparison.strategies] == recalls
    assert [one.missing_documents for one in comparison.strategies] == [1, 0, 0]
