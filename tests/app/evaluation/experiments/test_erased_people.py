"""Erasing a person from experiments: the cells that person asked, in batches, and nobody else's; runs are ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.context.erasure.owners import Person
from app.context.users.known import Preferences
from app.context.users.registration import put_user
from app.evaluation.erased_evidence import evidence_owner
from app.evaluation.experiments.findings import Findings
from configs.part import JsonObject
from indexes.database.tables import Job
from indexes.erasure import ERASED_ERROR
from tests.app.evaluation.experiments.laboratory import QUESTIONS, Laboratory, words
from tests.app.evaluation.world import WORKSPACE

USERS = 3
OFF = dict.fromkeys(("profile", "history", "memories", "preferences", "feedback"), False)
NOBODY: JsonObject = {**words(64), "label": "for nobody", "context": {"personalisation": OFF}}


def person(user_id: str, workspace_id: str = WORKSPACE) -> Person:
    """Return a user to forget."""
    return Person(workspace_id=workspace_id, user_id=user_id)


def name(user: int) -> str:
    """Return the id of a user."""
    return f"user{user}"


def created(laboratory: Laboratory) -> str:
    """Return an experiment in which each of three users asks two questions, and nobody one."""
    with laboratory.world.database.write() as session:
        for user in range(USERS):
            put_user(
                session, WORKSPACE, name(user), groups=(), preferences=Preferences(language="English"),
                opted_out=False, at=datetime.now(UTC) - timedelta(days=1),
            )  # fmt: skip
    asked = [{**one, "user_id": name(number // 2)} for number, one in enumerate(QUESTIONS[: 2 * USERS])]
    laboratory.world.save("people", *asked, {**QUESTIONS[0], "question": "Who asks this?"})
    metrics = [{"kind": "mrr", "k": 10}]
    return laboratory.create(words(64), NOBODY, question_set="people", metrics=metrics)


def erased_once(laboratory: Laboratory, whom: Person) -> dict[str, int]:
    """Erase a batch."""
    with laboratory.world.database.write() as session:
        return dict(evidence_owner(laboratory.world.folder).erase_person(session, whom))


def erased_users(laboratory: Laboratory, experiment_id: str) -> set[str | None]:
    """Return who asked the erased cells."""
    questions = laboratory.experiment(experiment_id).parsed_questions()
    cells = [one for one in laboratory.cells(experiment_id) if one.erased_at is not None]
    assert all(not one.ranked and not one.sent["request"]["spans"] and one.personal is None for one in cells)
    return {questions[one.question_number].user_id for one in cells}


def test_cells_go_in_batches_and_findings_count_them(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.evaluation.erased_evidence.CELLS_PER_BATCH", 3)
    experiment_id = created(laboratory)
    laboratory.finish(experiment_id)
    before = laboratory.cells(experiment_id)
    assert sum(one.personal is not None for one in before) > 0
    for stranger in (person("user"), person("ser1"), person(name(1), "elsewhere"), person("acorns")):
        assert erased_once(laboratory, stranger) == {}
    assert erased_users(laboratory, experiment_id) == set()
    batches = []
    while "cells" in (counts := erased_once(laboratory, person(name(1)))):
        batches.append(counts["cells"])
        findings = Findings.model_validate(laboratory.experiment(experiment_id).findings)
        assert findings.erased_cells == sum(batches)
    assert batches == [3, 1]
    assert erased_users(laboratory, experiment_id) == {name(1)}
    after = laboratory.cells(experiment_id)
    assert [one.scores for one in after] == [one.scores for one in before]
    assert [one.request_tokens for one in after] == [one.request_tokens for one in before]
    assert sum(one.erased_at is None for one in after) == 2 * (2 * (USERS - 1) + 1)


def test_a_run_that_would_ask_for_the_person_is_ended_and_others_go_on(laboratory: Laboratory) -> None:
    asked = created(laboratory)
    other = laboratory.create(words(16), words(64))
    with laboratory.world.database.write() as session:
        evidence_owner(laboratory.world.folder).detach_person(session, person(name(1)))
    with laboratory.world.database.read() as session:
        ended = session.get_one(Job, laboratory.experiment(asked).job_id)
        waiting = session.get_one(Job, laboratory.experiment(other).job_id)
        assert (ended.state, ended.error) == ("failed", ERASED_ERROR)
        assert ended.finished_at is not None
        assert (waiting.state, waiting.error) == ("queued", None)


def test_nobody_is_left_who_borrowed_the_profile(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.evaluation.erased_evidence.CELLS_PER_BATCH", 3)
    experiment_id = created(laboratory)
    laboratory.finish(experiment_id)
    assert set(laboratory.experiment(experiment_id).users or {}) == {name(user) for user in range(USERS)}
    removed: dict[str, int] = {}
    while counts := erased_once(laboratory, person(name(1))):
        removed = {kind: removed.get(kind, 0) + counts.get(kind, 0) for kind in {*removed, *counts}}
    assert removed == {"cells": 4, "placebo_scores": 4}
    assert laboratory.experiment(experiment_id).users is None
    assert all(one.personal is None for one in laboratory.cells(experiment_id))


@pytest.mark.parametrize("key", ["id", "question", "user_id"])
def test_a_user_called_like_a_key_of_questions_ends_nothing(laboratory: Laboratory, key: str) -> None:
    experiment_id = created(laboratory)
    with laboratory.world.database.write() as session:
        evidence_owner(laboratory.world.folder).detach_person(session, person(key))
    with laboratory.world.database.read() as session:
        assert session.get_one(Job, laboratory.experiment(experiment_id).job_id).state == "queued"
