"""What a comparison says of hits, groups and rankings is recomputed from the hits themselves."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from statistics import fmean

import pytest

from app.evaluation.agreement import is_same, span_agreement
from app.evaluation.comparison import LONGEST_TEXT_SHOWN, ComparedHit, StrategyAnswer
from app.evaluation.span_metrics import TOKENIZER
from app.evaluation.version_span import VersionSpan
from configs.errors import ConflictError
from indexes.access import Principal
from ingest.tokenizers import count_tokens
from tests.app.evaluation.forest import BEARS, HONEY, WOLVES, both, run
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import NO_CONTEXT, WHOLE_DOCUMENTS, World, asked, lexical, quoted


def place_of(hit: ComparedHit) -> VersionSpan:
    return place(hit.start, hit.end, hit.version_id)


def groups_of(answer: StrategyAnswer) -> list[int]:
    return [hit.group for hit in answer.hits if hit.group is not None]


def test_it_says_what_was_compared_and_that_nothing_was_tested(forest: World) -> None:
    comparison = run(forest, both(forest), lexical(16), lexical(48), k=3)
    assert (comparison.k, comparison.budget_tokens, comparison.tokenizer) == (3, 60, TOKENIZER)
    assert comparison.significance_test == "none"
    assert "may be noise" in comparison.significance_note
    assert [(one.id, one.question, one.tags, one.marked) for one in comparison.questions] == [
        ("honey", "Do bears eat honey?", ["food"], "scored"),
        ("moon", "Does the wolf see the moon?", [], "none"),
    ]
    assert [one.strategy for one in comparison.strategies] == ["s0", "s1"]
    assert all([answer.strategy for answer in one.strategies] == ["s0", "s1"] for one in comparison.questions)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_hits_are_ranked_spans_of_the_text(forest: World, k: int) -> None:
    texts = {"bears": BEARS, "wolves": WOLVES}
    for question in run(forest, both(forest), lexical(16), lexical(48), WHOLE_DOCUMENTS, k=k).questions:
        for answer in question.strategies:
            assert [hit.rank for hit in answer.hits] == list(range(1, len(answer.hits) + 1))
            assert 1 <= len(answer.hits) <= k
            assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
            for hit in answer.hits:
                assert hit.text == texts[hit.document_id][hit.start : hit.end]
                assert hit.version_id == forest.version_of(hit.document_id)
                assert hit.tokens == count_tokens(hit.text)
            assert answer.tokens == sum(hit.tokens for hit in answer.hits)


def test_groups_hold_the_same_finds_of_different_strategies(forest: World) -> None:
    for question in run(forest, both(forest), lexical(16), lexical(48)).questions:
        hits = [hit for answer in question.strategies for hit in answer.hits]
        for first, second in combinations(hits, 2):
            if place_of(first) == place_of(second):
                assert first.group == second.group
            if first.group == second.group:
                assert first.version_id == second.version_id
        found = [hit for hit in question.strategies[0].hits if hit.text.count(HONEY)]
        for hit in found:
            same = [other for other in question.strategies[1].hits if is_same(place_of(hit), place_of(other))]
            assert hit.group in [other.group for other in same]


def test_shared_and_unique_groups_follow_from_the_hits(forest: World) -> None:
    setups = [lexical(16), lexical(48), lexical(16, stores=[{"kind": "bm25", "k1": 0.0, "b": 0.0}])]
    for question in run(forest, both(forest), *setups, NO_CONTEXT, WHOLE_DOCUMENTS, k=3).questions:
        groups = [set(groups_of(answer)) for answer in question.strategies[:3]]
        assert question.shared == sorted(groups[0] & groups[1] & groups[2])
        for number, answer in enumerate(question.strategies[:3]):
            others = set().union(*(one for other, one in enumerate(groups) if other != number))
            assert set(answer.unique) == groups[number] - others
            assert len(answer.unique) == len(set(answer.unique))


def test_the_same_strategy_twice_shares_everything(forest: World) -> None:
    comparison = run(forest, both(forest), lexical(16), lexical(16))
    for question in comparison.questions:
        first, second = question.strategies
        assert first.hits == second.hits
        assert first.unique == second.unique == []
        assert question.shared == sorted(set(groups_of(first)))
        assert (first.span_recall, first.span_precision) == (second.span_recall, second.span_precision)
    assert comparison.agreements[0].rank_biased_overlap == pytest.approx(1.0)


def test_strategies_that_find_different_documents_share_nothing(forest: World) -> None:
    bears, wolves = run(forest, forest.locate(asked("bear"), asked("wolf")), lexical(16)).questions
    assert {hit.document_id for hit in bears.strategies[0].hits} == {"bears"}
    assert {hit.document_id for hit in wolves.strategies[0].hits} == {"wolves"}


def test_every_pair_of_rankings_is_compared_by_itself(forest: World) -> None:
    setups = [lexical(16), lexical(48), lexical(16, stores=[{"kind": "bm25", "k1": 0.0, "b": 0.0}])]
    comparison = run(forest, both(forest), *setups, NO_CONTEXT)
    pairs = list(combinations(["s0", "s1", "s2", "s3"], 2))
    assert [(one.first, one.second) for one in comparison.agreements] == pairs
    for question in comparison.questions:
        ranked = {answer.strategy: [place_of(hit) for hit in answer.hits] for answer in question.strategies}
        for pair, agreement in zip(pairs, question.agreements, strict=True):
            expected = None if "s3" in pair else span_agreement(ranked[pair[0]], ranked[pair[1]])
            assert (agreement.first, agreement.second) == pair
            assert agreement.rank_biased_overlap == expected
    first = [question.agreements[0].rank_biased_overlap for question in comparison.questions]
    assert comparison.agreements[0].rank_biased_overlap == fmean(value for value in first if value is not None)
    assert comparison.agreements[2].rank_biased_overlap is None


def test_a_third_strategy_changes_nothing_between_two(forest: World) -> None:
    alone = run(forest, both(forest), lexical(16), lexical(48))
    with_baseline = run(forest, both(forest), lexical(16), lexical(48), WHOLE_DOCUMENTS)
    assert alone.agreements == with_baseline.agreements[:1]
    for before, after in zip(alone.questions, with_baseline.questions, strict=True):
        assert before.shared == after.shared
        assert [one.hits for one in before.strategies] == [one.hits for one in after.strategies[:2]]


def test_baselines_stand_outside_groups_and_rankings(forest: World) -> None:
    comparison = run(forest, both(forest), lexical(16), NO_CONTEXT, WHOLE_DOCUMENTS)
    assert [one.is_baseline for one in comparison.strategies] == [False, True, True]
    for question in comparison.questions:
        searched, nothing, whole = question.strategies
        assert nothing.hits == []
        assert [(hit.start, hit.end) for hit in whole.hits] == [(0, len(BEARS)), (0, len(WOLVES))]
        assert groups_of(nothing) == groups_of(whole) == nothing.unique == whole.unique == []
        assert question.shared == sorted(set(groups_of(searched)))
    only = run(forest, both(forest), NO_CONTEXT)
    assert only.questions[0].shared == []
    assert only.agreements == []


def test_a_missing_index_fails_the_whole_comparison(forest: World) -> None:
    with pytest.raises(ConflictError) as caught:
        run(forest, both(forest), lexical(16), NO_CONTEXT, lexical(24))
    assert caught.value.code == "index_missing"
    assert "'s2'" in caught.value.detail


def test_each_strategy_names_its_index(forest: World) -> None:
    comparison = run(forest, both(forest), lexical(16), lexical(48), NO_CONTEXT)
    first, second, third = (one.index_id for one in comparison.strategies)
    assert first is not None
    assert second is not None
    assert first != second
    assert third is None


def test_nothing_shows_of_what_the_principal_may_not_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add_all({"bears": BEARS})
    world.add_all({"secret": "The bear guards the treasure ."}, access=["group:guards"])
    world.build(lexical(16))
    questions = world.locate(asked("Who guards the treasure?", quoted("secret", "treasure")), asked("bear"))
    outside = run(world, questions, lexical(16), WHOLE_DOCUMENTS)
    inside = run(world, questions, lexical(16), WHOLE_DOCUMENTS, principal=Principal.of(["group:guards"]))
    world.close()
    found = {hit.document_id for one in outside.questions for answer in one.strategies for hit in answer.hits}
    assert found == {"bears"}
    assert [one.marked for one in outside.questions] == ["stale", "none"]
    assert [one.marked for one in inside.questions] == ["scored", "none"]
    assert inside.questions[0].strategies[0].span_recall == 1.0


def test_long_texts_are_shown_in_part(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("long", "bear " * 1_000)
    hit = run(world, world.locate(asked("bear")), WHOLE_DOCUMENTS).questions[0].strategies[0].hits[0]
    world.close()
    assert hit.text == ("bear " * 1_000)[:LONGEST_TEXT_SHOWN]
    assert (hit.start, hit.end, hit.tokens) == (0, 5_000, 1_000)


def test_an_empty_workspace_can_be_compared(tmp_path: Path) -> None:
    world = World(tmp_path)
    setup = world.build(lexical(16))
    comparison = run(world, world.locate(asked("bear")), setup, lexical(16), WHOLE_DOCUMENTS)
    world.close()
    assert all(answer.hits == [] for answer in comparison.questions[0].strategies)
    assert comparison.questions[0].shared == []
    assert comparison.agreements[0].rank_biased_overlap == 1.0


def test_comparing_twice_gives_the_same_but_for_timings(forest: World) -> None:
    first, second = (
        run(forest, both(forest), lexical(16), lexical(48), WHOLE_DOCUMENTS).model_dump(
            exclude={
                "strategies": {"__all__": {"seconds"}},
                "questions": {"__all__": {"strategies": {"__all__": {"seconds"}}}},
            }
        )
        for _ in range(2)
    )
    assert first == second
