"""What a contestant finds reaches down to the budget, and stale marks are seen before anything is scored."""

from __future__ import annotations

from typing import Any

import pytest

from app.context.retrieve import Request, Retrieved, Retriever
from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.finder import EXPECTED_PASSAGE_TOKENS, Contestant, Finder, Found, Plan, place_of, stale_evidence
from app.evaluation.questions import Evidence, Question
from configs.errors import ConflictError, InvalidInputError
from configs.span import Span
from indexes.access import Filter, Principal
from indexes.view import Views
from tests.app.evaluation.world import NO_CONTEXT, WHOLE_DOCUMENTS, WORKSPACE, World, asked, lexical, quoted

FINANCE = Principal.of(["group:finance"])


class CountingRetriever(Retriever):
    """A retriever that remembers how deep it was asked."""

    def __init__(self, world: World) -> None:
        super().__init__(world.database, Views(world.folder))
        self.limits: list[int] = []

    def retrieve(self, setup: SearchSetup | BaselineSetup, request: Request) -> Retrieved:
        self.limits.append(request.limit)
        return super().retrieve(setup, request)


def plan_of(questions: list[Question], *setups: SearchSetup | BaselineSetup, **settings: Any) -> Plan:
    """Return a plan with contestants labelled s0, s1, …"""
    contestants = [Contestant(label=f"s{number}", setup=setup) for number, setup in enumerate(setups)]
    values: dict[str, Any] = {"principal": Principal(), **settings}
    return Plan(workspace_id=WORKSPACE, questions=questions, contestants=contestants, **values)


def find_all(world: World, plan: Plan) -> list[Found]:
    """Return what every contestant finds for the plan's first question."""
    finder = Finder(world.retriever, plan)
    return [finder.find(contestant, plan.questions[0].question) for contestant in plan.contestants]


def stale(world: World, plan: Plan) -> list[Evidence]:
    """Return the stale evidence of the plan's first question."""
    found = find_all(world, plan)
    with world.database.read() as session:
        return stale_evidence(session, plan, plan.questions[0], found)


def sentences(count: int) -> str:
    """Return so many sentences with the word bear, of 8 tokens each."""
    return " ".join("The bear sleeps in the forest ." for _ in range(count))


def test_without_marked_answers_only_k_passages_are_read(world: World) -> None:
    world.add("bears", sentences(40))
    retriever = CountingRetriever(world)
    plan = plan_of(world.locate(asked("bear")), world.build(lexical()), k=3)
    found = Finder(retriever, plan).find(plan.contestants[0], "bear")
    assert retriever.limits == [3]
    assert len(found.passages) == 3
    assert found.sent.tokens == 0


def test_with_marked_answers_the_budget_is_filled(world: World) -> None:
    world.add("bears", sentences(40))
    questions = world.locate(asked("bear", {"document_id": "bears", "start": 0, "end": 8}))
    plan = plan_of(questions, world.build(lexical()), k=3, budget_tokens=100)
    (found,) = find_all(world, plan)
    assert found.sent.tokens == 100
    assert len(found.passages) > 3
    assert [one.version_id for one in found.sent.spans] == [world.version_of("bears")] * 7
    assert len(found.sent.spans[-1]) < len(found.passages[6].hit.span)


def test_short_passages_are_read_again_as_deep_as_candidates_go(world: World) -> None:
    world.add_all({f"note-{number}": "bear" for number in range(20)})
    questions = world.locate(asked("bear", quoted("note-0", "bear")))
    plan = plan_of(questions, world.build(lexical()), k=1, budget_tokens=16)
    retriever = CountingRetriever(world)
    found = Finder(retriever, plan).find(plan.contestants[0], "bear")
    assert retriever.limits == [16 // EXPECTED_PASSAGE_TOKENS, 1000]
    assert (len(found.passages), found.sent.tokens) == (20, 16)


def test_a_list_that_ends_before_the_budget_is_not_read_again(world: World) -> None:
    world.add("bears", "One bear.")
    questions = world.locate(asked("bear", quoted("bears", "bear")))
    plan = plan_of(questions, world.build(lexical()), budget_tokens=1_000)
    retriever = CountingRetriever(world)
    found = Finder(retriever, plan).find(plan.contestants[0], "bear")
    assert retriever.limits == [125]
    assert found.sent.tokens == 3


def test_baselines_are_read_once(world: World) -> None:
    world.add("bears", sentences(3))
    retriever = CountingRetriever(world)
    plan = plan_of(world.locate(asked("bear"), asked("wolf")), WHOLE_DOCUMENTS, NO_CONTEXT)
    finder = Finder(retriever, plan)
    found = [[finder.find(one, question.question) for question in plan.questions] for one in plan.contestants]
    assert len(retriever.limits) == 2
    assert [passage.text for passage in found[0][1].passages] == [sentences(3)]
    assert found[0][0] is found[0][1]
    assert found[1][1].passages == []


def test_stages_are_timed(world: World) -> None:
    world.add("bears", sentences(3))
    (found,) = find_all(world, plan_of(world.locate(asked("bear")), world.build(lexical())))
    assert {"database", "permissions", "bm25", "total"} <= set(found.seconds)
    stages = sum(seconds for stage, seconds in found.seconds.items() if stage != "total")
    assert 0 < stages <= found.seconds["total"]


def test_a_missing_index_names_its_strategy_and_the_call_that_builds_it(world: World) -> None:
    world.add("bears", sentences(3))
    plan = plan_of(world.locate(asked("bear")), world.build(lexical()), lexical(32))
    with pytest.raises(ConflictError) as caught:
        find_all(world, plan)
    assert caught.value.code == "index_missing"
    assert caught.value.detail.startswith("strategy 's1': ")
    assert caught.value.extra["build"]["path"] == f"/v1/workspaces/{WORKSPACE}/indexes"


def test_an_index_that_is_behind_is_refused_on_demand_only(world: World) -> None:
    world.add("bears", sentences(3))
    setup = world.build(lexical())
    world.add("wolves", "One wolf.")
    questions = world.locate(asked("bear"))
    (found,) = find_all(world, plan_of(questions, setup))
    assert found.missing_documents == 1
    with pytest.raises(ConflictError) as caught:
        find_all(world, plan_of(questions, setup, require_fresh=True))
    assert caught.value.code == "index_behind"


def test_principal_and_filter_restrict_what_is_found(world: World) -> None:
    world.add("open", "One bear.")
    world.add("closed", "Two bears.", access=["group:finance"])
    questions, setup = world.locate(asked("bear")), world.build(lexical())
    for principal, documents in ((Principal(), {"open"}), (FINANCE, {"open", "closed"})):
        for found in find_all(world, plan_of(questions, setup, WHOLE_DOCUMENTS, principal=principal)):
            assert {passage.hit.document_id for passage in found.passages} == documents
    unknown = Filter.model_validate({"all": [{"field": "colour", "equal": "red"}]})
    with pytest.raises(InvalidInputError) as caught:
        find_all(world, plan_of(questions, setup, restriction=unknown))
    assert caught.value.code == "unknown_filter_field"


def test_a_passage_s_place_is_its_span_of_its_version(world: World) -> None:
    world.add("bears", "One bear.")
    (found,) = find_all(world, plan_of(world.locate(asked("bear")), world.build(lexical())))
    place = place_of(found.passages[0])
    assert (place.version_id, place.span) == (world.version_of("bears"), Span(0, 9))


def test_current_evidence_is_not_stale(world: World) -> None:
    world.add("bears", sentences(3))
    world.add("wolves", "One wolf.")
    questions = world.locate(asked("bear", quoted("wolves", "wolf")))
    plan = plan_of(questions, world.build(lexical()), world.build(lexical(32)), NO_CONTEXT, WHOLE_DOCUMENTS)
    assert stale(world, plan) == []


@pytest.mark.parametrize("question", ["bear", "zebra"])
def test_evidence_of_an_overtaken_version_is_stale_whether_found_or_not(world: World, question: str) -> None:
    setup = world.build(lexical(), maintained=True)
    world.add("bears", "One bear.")
    world.add("wolves", "One wolf.")
    questions = world.locate(asked(question, quoted("bears", "bear"), quoted("wolves", "wolf")))
    assert stale(world, plan_of(questions, setup)) == []
    world.add("bears", "Two bears, one bear.")
    assert stale(world, plan_of(questions, setup)) == [questions[0].evidence[0]]


def test_evidence_is_stale_where_one_of_the_indexes_answers_with_another_version(world: World) -> None:
    world.add("bears", "One bear.")
    behind, current = world.build(lexical()), world.build(lexical(32), maintained=True)
    old = world.locate(asked("bear", quoted("bears", "bear")))
    world.add("bears", "Two bears, one bear.")
    new = world.locate(asked("bear", quoted("bears", "one bear")))
    assert stale(world, plan_of(old, behind)) == []
    assert stale(world, plan_of(new, current)) == []
    assert stale(world, plan_of(old, behind, current)) == list(old[0].evidence)
    assert stale(world, plan_of(new, behind, current)) == list(new[0].evidence)
    assert stale(world, plan_of(old, behind, NO_CONTEXT)) == list(old[0].evidence)


def test_evidence_in_a_document_that_an_index_lacks_is_stale(world: World) -> None:
    world.add("bears", "One bear.")
    setup = world.build(lexical())
    world.add("wolves", "One wolf.")
    questions = world.locate(asked("wolf", quoted("wolves", "wolf")))
    assert stale(world, plan_of(questions, setup)) == list(questions[0].evidence)
    assert stale(world, plan_of(questions, WHOLE_DOCUMENTS)) == []


def test_evidence_in_a_deleted_document_is_stale(world: World) -> None:
    world.add("bears", "One bear.")
    questions, setup = world.locate(asked("bear", quoted("bears", "bear"))), world.build(lexical())
    world.delete("bears")
    assert stale(world, plan_of(questions, setup)) == list(questions[0].evidence)
    assert stale(world, plan_of(questions, NO_CONTEXT)) == list(questions[0].evidence)


def test_evidence_that_the_principal_may_not_read_is_stale(world: World) -> None:
    world.add("budget", "One bear.", access=["group:finance"])
    questions, setup = world.locate(asked("bear", quoted("budget", "bear"))), world.build(lexical())
    assert stale(world, plan_of(questions, setup, WHOLE_DOCUMENTS, principal=FINANCE)) == []
    assert stale(world, plan_of(questions, setup)) == list(questions[0].evidence)
    assert stale(world, plan_of(questions, WHOLE_DOCUMENTS)) == list(questions[0].evidence)


def test_a_version_that_was_found_before_the_index_changed_makes_evidence_stale(world: World) -> None:
    setup = world.build(lexical(), maintained=True)
    world.add("bears", "One bear.")
    before = find_all(world, plan_of(world.locate(asked("bear")), setup))
    world.add("bears", "Two bears, one bear.")
    questions = world.locate(asked("bear", quoted("bears", "one bear")))
    plan = plan_of(questions, setup)
    with world.database.read() as session:
        assert stale_evidence(session, plan, questions[0], before) == list(questions[0].evidence)
        assert stale_evidence(session, plan, questions[0], find_all(world, plan)) == []
