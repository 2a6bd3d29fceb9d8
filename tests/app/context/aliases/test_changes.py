"""Changes of an alias: candidates, promotions and ways back; what is refused changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.context.aliases.changes import (
    check_not_aliased,
    delete_alias,
    drop_candidate,
    promote,
    put_alias,
)
from app.context.aliases.limits import Limits
from app.context.aliases.records import list_aliases, list_changes, load_alias
from app.context.aliases.serving import serve
from configs.errors import ConflictError, NotFoundError
from indexes.database.engine import Database
from tests.app.context.aliases.bots import BOT, BY, Bots
from tests.app.evaluation.world import WORKSPACE, World, lexical


def refused(code: str) -> Any:
    return pytest.raises(ConflictError, check=lambda error: error.code == code)


def test_a_new_alias_answers_nothing(bots: Bots) -> None:
    with refused("nothing_active"):
        bots.answers()
    assert set(bots.states().values()) == {("draft", False)}
    with refused("nothing_before"):
        bots.roll_back()


def test_a_version_goes_from_draft_to_candidate_to_active(bots: Bots) -> None:
    bots.candidate("small", 1)
    assert bots.states()["small", 1] == ("candidate", False)
    change = bots.promote_candidate({"shown": 1})
    assert bots.states() == {
        ("small", 1): ("active", True),
        ("small", 2): ("draft", False),
        ("large", 1): ("draft", False),
        ("nothing", 1): ("draft", False),
    }
    assert bots.answers() == ("active", "small", 1)
    assert (change.evidence, change.replaces) == ({"shown": 1}, None)
    assert (change.changed_by, change.reason) == ("tester", "because")
    assert bots.kinds() == ["created", "candidate", "promoted"]


def test_a_new_version_of_the_name_changes_nothing(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.save("small", lexical(16, candidates=7))
    assert bots.answers() == ("active", "small", 1)


def test_the_newest_version_is_the_candidate_by_default(bots: Bots) -> None:
    row = bots.candidate("small")
    assert (row.candidate_strategy, row.candidate_version) == ("small", 2)


def test_a_rollback_returns_to_the_exact_version_before(bots: Bots) -> None:
    for strategy, version in (("small", 1), ("small", 2), ("nothing", 1)):
        bots.promote(strategy, version)
    bots.candidate("small", 1)
    back = bots.roll_back()
    assert (back.strategy, back.version, back.kind) == ("small", 2, "rolled_back")
    assert back.details == {"from_strategy": "nothing", "from_version": 1}
    assert bots.previous() == ("small", 1)
    bots.roll_back()
    assert bots.answers() == ("active", "small", 1)
    assert bots.row().candidate_strategy is None, "what answers is no candidate"
    with refused("nothing_before"):
        bots.roll_back()


VERSIONS = (("small", 1), ("small", 2), ("nothing", 1))


@settings(max_examples=15)
@given(steps=st.lists(st.one_of(st.sampled_from(VERSIONS), st.none()), max_size=12))
def test_promotions_and_rollbacks_are_a_stack(steps: list[tuple[str, int] | None]) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        bots = Bots(world)
        stack: list[tuple[str, int]] = []
        for step in steps:
            if step is None and len(stack) > 1:
                bots.roll_back()
                stack.pop()
            elif step is None:
                with refused("nothing_before"):
                    bots.roll_back()
            elif stack and step == stack[-1]:
                with refused("already_active"):
                    bots.promote(*step)
            else:
                bots.promote(*step)
                stack.append(step)
            if stack:
                assert bots.answers() == ("active", *stack[-1])
                assert bots.previous() == (stack[-2] if len(stack) > 1 else None)
        world.close()


def test_another_process_sees_it_from_the_commit_on(bots: Bots) -> None:
    elsewhere = Database(bots.world.database.url.render_as_string())

    def answers() -> int:
        with elsewhere.read() as session:
            return serve(session, WORKSPACE, BOT, None).saved.version

    bots.promote("small", 1)
    assert answers() == 1
    bots.candidate("small", 2)
    with bots.world.database.write() as session:
        promote(session, load_alias(session, WORKSPACE, BOT, to_change=True), BY, {})
        assert answers() == 1, "not before the commit"
    assert answers() == 2
    bots.roll_back()
    assert answers() == 1
    elsewhere.close()


def test_a_promotion_that_fails_at_its_end_changes_nothing(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.candidate("small", 2)
    kinds = bots.kinds()

    def fail_at_its_end() -> None:
        with bots.world.database.write() as session:
            promote(session, load_alias(session, WORKSPACE, BOT, to_change=True), BY, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at_its_end()
    assert (bots.answers(), bots.kinds()) == (("active", "small", 1), kinds)


def test_of_many_rollbacks_at_once_each_takes_one_step(bots: Bots) -> None:
    for version in (1, 2, 1, 2, 1):
        bots.promote("small", version)

    def roll() -> str:
        try:
            return f"{bots.roll_back().number}"
        except ConflictError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(lambda _: roll(), range(6)))
    assert found == ["12", "13", "14", "15", "nothing_before", "nothing_before"]
    assert bots.answers() == ("active", "small", 1)


def test_what_cannot_answer_is_not_promoted_and_gets_no_users(bots: Bots) -> None:
    bots.promote("small", 1)
    before = bots.row().last_change
    with refused("index_missing") as caught:
        bots.candidate("large", percent=10)
    assert caught.value.extra["build"]["method"] == "POST"
    assert bots.row().last_change == before
    bots.candidate("large")
    with refused("index_missing"):
        bots.promote_candidate()
    assert bots.answers() == ("active", "small", 1)
    bots.world.build(lexical(64))
    bots.promote_candidate()
    assert bots.answers() == ("active", "large", 1)


def test_strategies_that_an_alias_had_are_kept(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.promote("nothing")
    bots.candidate("large")
    with bots.world.database.read() as session:
        for name in ("small", "nothing", "large"):
            with refused("strategy_in_use"):
                check_not_aliased(session, WORKSPACE, name)
    bots.do(lambda session: drop_candidate(session, WORKSPACE, BOT, BY))
    with bots.world.database.read() as session:
        check_not_aliased(session, WORKSPACE, "large")


def test_a_canary_needs_something_active(bots: Bots) -> None:
    with refused("nothing_active"):
        bots.candidate("small", percent=1)


def test_what_is_not_there_is_refused(bots: Bots) -> None:
    for strategy, version in (("absent", None), ("small", 9)):
        with pytest.raises(NotFoundError):
            bots.candidate(strategy, version)
    with refused("no_candidate"):
        bots.promote_candidate()
    assert bots.kinds() == ["created"]


def test_dropping_no_candidate_leaves_no_trace(bots: Bots) -> None:
    for name in (BOT, "absent"):
        bots.do(lambda session, name=name: drop_candidate(session, WORKSPACE, name, BY))  # type: ignore[misc]  # a lambda with a default has no type
    assert bots.kinds() == ["created"]


def test_settings_are_replaced_and_equal_ones_are_no_change(bots: Bots) -> None:
    limits = Limits(p95_seconds=0.5, margin=0.02)
    for _ in range(2):
        row, is_new = bots.do(lambda session: put_alias(session, WORKSPACE, BOT, "help", limits, BY))
        assert (is_new, row.parsed_limits(), row.description) == (False, limits, "help")
    assert bots.kinds() == ["created", "settings"]


def test_changes_are_numbered_without_gaps_and_paged(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.promote("small", 2)
    with bots.world.database.read() as session:
        newest = list_changes(session, WORKSPACE, BOT, limit=2)
        older = list_changes(session, WORKSPACE, BOT, before=newest[-1].number)
    assert [change.number for change in (*newest, *older)] == [5, 4, 3, 2, 1]


def test_a_deleted_alias_takes_its_changes_along(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.do(lambda session: delete_alias(session, WORKSPACE, BOT))
    with bots.world.database.read() as session:
        assert list_aliases(session, WORKSPACE) == []
        assert list_changes(session, WORKSPACE, BOT) == []
        check_not_aliased(session, WORKSPACE, "small")
