"""What may enter a personal answer: only what was known before, never feedback on the answer, and no others' rights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.context.personal.asker import Asker
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import Preferences
from app.context.users.registration import put_user
from app.evaluation.experiments import run
from app.evaluation.experiments.panel import Panel
from app.evaluation.experiments.records import CellRow
from app.evaluation.experiments.trial import Trial
from configs.errors import InvalidInputError
from configs.part import JsonObject
from tests.app.evaluation.experiments.laboratory import EVERYTHING, Laboratory, both, words
from tests.app.evaluation.world import WORKSPACE, asked, whole

NOW = datetime.now(UTC)
MRR: JsonObject = {"kind": "mrr", "k": 10}
PERSONAL: JsonObject = {**words(64), "label": "personal"}
OTHER: JsonObject = {**words(32), "label": "other"}
SHELVES = ("shelf-a", "shelf-b", "shelf-c")


def days_ago(number: float) -> datetime:
    return NOW - timedelta(days=number)


def shelve(laboratory: Laboratory, *users: str) -> None:
    """Add three documents that answer the same question alike, and users."""
    laboratory.world.add_all(dict.fromkeys(SHELVES, "The heron lives by quiet water."))
    with laboratory.world.database.write() as session:
        for user in users:
            put_user(session, WORKSPACE, user, groups=(), preferences=Preferences(), opted_out=False, at=days_ago(9))


def ask(laboratory: Laboratory, *questions: JsonObject) -> None:
    laboratory.world.save("herons", *questions)


def where(user_id: str | None, gold: str, **fields: Any) -> JsonObject:
    return asked("Where does the heron live?", whole(gold), user_id=user_id, **fields)


def say(laboratory: Laboratory, user: str, document_id: str, signal: str = "thumb_up") -> None:
    with laboratory.world.database.write() as session:
        new = NewFeedback.model_validate({"document_id": document_id, "signal": signal})
        record_feedback(session, WORKSPACE, user, new, at=days_ago(2))


def prefer(laboratory: Laboratory, user: str, source: str, at: datetime) -> None:
    with laboratory.world.database.write() as session:
        preferences = Preferences(preferred_sources=(source,))
        put_user(session, WORKSPACE, user, groups=(), preferences=preferences, opted_out=False, at=at)


def cells(laboratory: Laboratory, *strategies: JsonObject, **fields: Any) -> list[CellRow]:
    """Run an experiment and return the cells of its first strategy."""
    content = {"question_set": "herons", "metrics": [MRR], **fields}
    experiment_id = laboratory.create(*(strategies or (PERSONAL, OTHER)), **content)
    laboratory.finish(experiment_id)
    return [cell for cell in laboratory.cells(experiment_id) if cell.strategy_number == 0]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Asker]]:
    """Return whose profile every context was made with, as it is made."""
    seen: list[tuple[str, Asker]] = []
    material = Trial.material

    def noted(self: Trial, setup: Any, policy: Any, ask: Any, answered: Any) -> Any:
        seen.append((ask.text, ask.asker))
        return material(self, setup, policy, ask, answered)

    monkeypatch.setattr(Trial, "material", noted)
    return seen


@pytest.mark.parametrize("evidence", ["with_own", "alone"])
def test_feedback_on_the_answer_itself_never_enters(laboratory: Laboratory, evidence: str) -> None:
    shelve(laboratory, "ann", "ben")
    for user in ("ann", "ben"):
        say(laboratory, user, "shelf-c")
    ask(laboratory, where("ann", "shelf-c", id="own"), where("ann", "shelf-b", id="other"))
    policy = {"personalisation": {"boosts": {"workspace_evidence": evidence}}}
    on_answer, elsewhere = cells(laboratory, {**PERSONAL, "context": policy}, OTHER)
    assert on_answer.scores["mrr@10"] == pytest.approx(1 / 3)
    assert on_answer.personal is not None
    assert not on_answer.personal["changed"]
    assert elsewhere.scores["mrr@10"] == pytest.approx(1 / 3), "shelf-c is lifted above a and b"
    assert elsewhere.personal is not None
    assert elsewhere.personal["changed"]
    assert elsewhere.personal["anonymous"] == pytest.approx(1 / 2)
    assert dict(elsewhere.personal["placebos"]) == {}


def test_a_preference_acts_only_on_what_was_asked_after_it(laboratory: Laboratory) -> None:
    shelve(laboratory, "ann")
    prefer(laboratory, "ann", "shelf-c", at=days_ago(3))
    ask(
        laboratory,
        where("ann", "shelf-c", id="before", asked_at=days_ago(4).isoformat()),
        where("ann", "shelf-c", id="after", asked_at=days_ago(1).isoformat()),
        where("ann", "shelf-c", id="now"),
        where(None, "shelf-c", id="nobody"),
    )
    found = [cell.scores["mrr@10"] for cell in cells(laboratory)]
    assert found == pytest.approx([1 / 3, 1, 1, 1 / 3])


def test_what_is_learnt_while_the_experiment_waits_does_not_enter(laboratory: Laboratory) -> None:
    shelve(laboratory, "ann")
    ask(laboratory, where("ann", "shelf-c"))
    experiment_id = laboratory.create(PERSONAL, OTHER, question_set="herons", metrics=[MRR])
    prefer(laboratory, "ann", "shelf-c", at=datetime.now(UTC) + timedelta(seconds=1))
    laboratory.finish(experiment_id)
    assert laboratory.cells(experiment_id)[0].scores["mrr@10"] == pytest.approx(1 / 3)


def test_rights_are_the_real_users_whoever_lends(laboratory: Laboratory, told: list[tuple[str, Asker]]) -> None:
    shelve(laboratory, "ann", "ben")
    laboratory.world.add("anns", "The heron lives by quiet water. The heron does.", access=["user:ann"])
    prefer(laboratory, "ann", "anns", at=days_ago(3))
    prefer(laboratory, "ben", "shelf-b", at=days_ago(3))
    ask(laboratory, where("ann", "anns", id="anns"), where("ben", "shelf-b", id="bens"))
    anns, bens = cells(laboratory)
    assert {hit[0] for hit in anns.ranked} == {*SHELVES, "anns"}
    assert {hit[0] for hit in bens.ranked} == {*SHELVES}
    assert anns.personal is not None
    assert bens.personal is not None
    assert anns.personal["anonymous"] > 0, "nobody's profile, but the user's rights"
    assert [len(one.personal["placebos"]) for one in (anns, bens) if one.personal] == [1, 1]
    assert bens.personal["placebos"] == [[0, pytest.approx(1 / 2)]], "ann's profile lifts nothing that ben may read"
    assert {asker.known.user_id for _, asker in told} == {"ann", "ben", ""}


def test_a_reference_line_sends_each_user_what_the_user_may_read(laboratory: Laboratory) -> None:
    shelve(laboratory, "ann", "ben")
    laboratory.world.add("anns", "A secret of the heron.", access=["user:ann"])
    ask(laboratory, *(where(user, "shelf-a", id=f"{user}{turn}") for turn in range(2) for user in ("ann", "ben")))
    experiment_id = laboratory.create(PERSONAL, OTHER, EVERYTHING, question_set="herons")
    laboratory.finish(experiment_id)
    version = laboratory.world.version_of("anns")
    sent = [
        version in {span[0] for span in cell.sent["request"]["spans"]}
        for cell in laboratory.cells(experiment_id)
        if cell.strategy_number == 2
    ]
    assert sent == [True, False, True, False]


def test_who_opts_out_is_nobody_and_takes_no_part(laboratory: Laboratory) -> None:
    shelve(laboratory, "ann")
    prefer(laboratory, "ann", "shelf-c", at=days_ago(3))
    with laboratory.world.database.write() as session:
        put_user(session, WORKSPACE, "ann", groups=(), preferences=Preferences(), opted_out=True)
    ask(laboratory, where("ann", "shelf-c"))
    (cell,) = cells(laboratory)
    assert cell.scores["mrr@10"] == pytest.approx(1 / 3)
    assert cell.personal is None


MOVING: JsonObject = {"personalisation": {"query": {"blend": 0.2, "gate_cosine": -1}, "feedback": False}}
DENSE: JsonObject = {**both(64, 64), "label": "dense", "context": MOVING}


def scores_of(cell: CellRow) -> dict[str, float]:
    """Return the score of each version that was found."""
    return {hit[1]: hit[4] for hit in cell.ranked}


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str]]:
    """Return with whose rights every search is made, as it is made."""
    seen: list[frozenset[str]] = []
    search = Trial.search

    def noted(self: Trial, setup: Any, view: Any, ask: Any, vector: Any, depth: Any) -> Any:
        seen.append(ask.rights.names)
        return search(self, setup, view, ask, vector, depth)

    monkeypatch.setattr(Trial, "search", noted)
    return seen


def test_a_question_moves_towards_what_its_user_liked_unless_that_is_the_answer(laboratory: Laboratory) -> None:
    shelve(laboratory, "ann", "ben")
    laboratory.world.build(laboratory.specification(DENSE, OTHER).strategies[0].setup)  # type: ignore[arg-type]  # it searches
    say(laboratory, "ann", "oak")
    ask(
        laboratory, where("ann", "shelf-a", id="moved"), where("ann", "oak", id="answer"), where("ben", "oak", id="ben")
    )
    moved, answer, bens = cells(laboratory, DENSE, OTHER)
    assert scores_of(moved).keys() == scores_of(bens).keys()
    assert scores_of(moved) != scores_of(bens)
    assert scores_of(answer) == scores_of(bens)
    assert [one.personal["changed"] for one in (moved, answer, bens) if one.personal] == [True, False, False]


def test_a_lender_moves_the_question_and_lends_no_rights(
    laboratory: Laboratory, searches: list[frozenset[str]]
) -> None:
    shelve(laboratory, "ann", "ben")
    laboratory.world.build(laboratory.specification(DENSE, OTHER).strategies[0].setup)  # type: ignore[arg-type]  # it searches
    say(laboratory, "ben", "oak")
    ask(laboratory, where("ann", "shelf-a"))
    cells(laboratory, DENSE, OTHER, principals=["group:all"])
    assert set(searches) == {frozenset({"group:all", "user:ann", "everyone"})}
    assert len(searches) == 2, "ann did not move, and nobody lends who does not ask"
    searches.clear()
    laboratory.world.save("both", where("ann", "shelf-a", id="a"), where("ben", "shelf-a", id="b"))
    cells(laboratory, DENSE, OTHER, question_set="both")
    anns, bens = frozenset({"user:ann", "everyone"}), frozenset({"user:ben", "everyone"})
    assert [searches.count(rights) for rights in (anns, bens)] == [3, 3], "ben moves both users' questions"


def test_a_killed_run_goes_on_to_the_same_findings(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "QUESTIONS_PER_BATCH", 1)
    shelve(laboratory, "ann", "ben", "cleo")
    prefer(laboratory, "ann", "shelf-c", at=days_ago(3))
    ask(laboratory, *(where(user, "shelf-c", id=user) for user in ("ann", "ben", "cleo")))
    content = {"question_set": "herons", "metrics": [MRR]}
    undisturbed = laboratory.run(PERSONAL, OTHER, **content)
    experiment_id = laboratory.create(PERSONAL, OTHER, **content)
    steps = laboratory.steps(experiment_id)
    while not laboratory.cells(experiment_id):
        next(steps)
    steps.close()  # type: ignore[attr-defined]  # a generator
    assert laboratory.finish(experiment_id) == undisturbed
    assert [one.findings.conclusion for one in undisturbed.personalisation] == ["not_enough_users"] * 2


def test_an_arm_that_fails_scores_0_and_is_counted(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    shelve(laboratory, "ann", "ben")
    ask(laboratory, where("ann", "shelf-a", id="ann"), where("ben", "shelf-a", id="ben"))
    material = Trial.material

    def fail(self: Trial, setup: Any, policy: Any, ask: Any, answered: Any) -> Any:
        if ask.asker.known.user_id == "ben":
            raise ZeroDivisionError
        return material(self, setup, policy, ask, answered)

    monkeypatch.setattr(Trial, "material", fail)
    anns, bens = cells(laboratory)
    assert anns.personal == {"anonymous": 1.0, "changed": False, "placebos": [[1, 0.0]], "failures": 1}
    assert bens.error is not None
    assert bens.personal is None
    findings = laboratory.run(PERSONAL, OTHER, question_set="herons", metrics=[MRR])
    assert [(one.findings.questions, one.findings.failures) for one in findings.personalisation] == [(1, 1)] * 2


def test_the_plan_counts_what_is_lent_and_the_limit_holds(laboratory: Laboratory) -> None:
    shelve(laboratory, "ann", "ben", "cleo")
    ask(laboratory, *(where(user, "shelf-a", id=user) for user in ("ann", "ben", "cleo")), where(None, "shelf-a"))
    recall: JsonObject = {"kind": "all_evidence_any_chunk", "budget_tokens": 500}
    content = {"question_set": "herons", "metrics": [recall]}
    off = {"personalisation": dict.fromkeys(("profile", "history", "memories", "preferences", "feedback"), False)}
    plan = laboratory.experiment(laboratory.create(PERSONAL, {**OTHER, "context": off}, **content)).plan
    panel = Panel.of({"ann": [], "ben": [], "cleo": []}, seed=20_240_724)
    lent = sum(1 + len(panel.donors_of(user)) for user in panel.users)
    assert lent == 9
    assert (plan["lent_answers"], plan["packings"]) == (lent, 2 * 4 * 2 + lent + 3)
    with pytest.raises(InvalidInputError) as caught:
        laboratory.create(PERSONAL, OTHER, **content, limits={"seconds": plan["seconds"]})
    assert caught.value.code == "experiment_too_large"


def test_an_unknown_user_is_refused_before_anything_runs(laboratory: Laboratory) -> None:
    shelve(laboratory)
    ask(laboratory, where("zoe", "shelf-a"))
    with pytest.raises(InvalidInputError) as caught:
        laboratory.create(PERSONAL, OTHER, question_set="herons")
    assert caught.value.code == "unknown_user"
