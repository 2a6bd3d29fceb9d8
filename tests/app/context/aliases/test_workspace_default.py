"""What answers a workspace by default, held against a model that knows only what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.context.aliases.changes import delete_alias, put_alias
from app.context.aliases.limits import Limits
from app.context.aliases.workspace_default import (
    change_default_alias,
    change_default_strategy,
    default_of,
    default_states,
)
from app.context.saved_strategies import delete_strategy, newest_version
from configs.errors import ConflictError, NotFoundError
from indexes.database.catalog import load_workspace
from indexes.database.tables import Workspace
from tests.app.context.aliases.bots import BOT, BY, Bots
from tests.app.evaluation.world import WORKSPACE, lexical

T = TypeVar("T")
STRATEGIES = st.sampled_from(["small", "nothing"])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["promote", "strategy", "fallback", "delete strategy"]), STRATEGIES),
    st.sampled_from([("save", "small"), ("roll back", None), ("alias", BOT), ("alias", None), ("delete alias", BOT)]),
)
Step = tuple[str, str | None]


def doing(bots: Bots, work: Callable[[Session, Workspace], T]) -> T:
    """Do something with the workspace in a write unit of its own."""
    return bots.do(lambda session: work(session, load_workspace(session, WORKSPACE)))


def answering(bots: Bots) -> tuple[str, int]:
    """Return what answers by default."""
    saved = doing(bots, default_of)
    return saved.name, saved.version


def set_alias(bots: Bots, name: str | None) -> None:
    """Make an alias the default, or none."""
    doing(bots, lambda session, workspace: change_default_alias(session, workspace, name))


def set_strategy(bots: Bots, name: str, *, is_fallback: bool = False) -> None:
    """Make a strategy the default one."""
    doing(bots, lambda session, one: change_default_strategy(session, one, name, is_fallback=is_fallback))


def remove_alias(bots: Bots) -> None:
    """Delete the alias."""
    bots.do(lambda session: delete_alias(session, WORKSPACE, BOT))


def newest(bots: Bots, name: str) -> int:
    """Return the number of a strategy's newest version."""
    return bots.do(lambda session: newest_version(session, WORKSPACE, name)) or 0


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect a conflict of that code."""
    with pytest.raises(ConflictError) as caught:
        yield
    assert caught.value.code == code


class Model:
    """The newest versions, the stack of what was promoted, and both defaults."""

    def __init__(self, newest: dict[str, int]) -> None:
        self.newest = newest
        self.promoted: list[tuple[str, int]] = []
        self.strategy = "small"
        self.alias: str | None = None

    @property
    def answer(self) -> tuple[str, int]:
        """Return what has to answer."""
        return self.promoted[-1] if self.alias else (self.strategy, self.newest[self.strategy])

    def refusal(self, kind: str, name: str | None) -> str | None:
        """Return the code with which a step has to be refused; None where it is done."""
        refusals = {
            "roll back": "nothing_before" if len(self.promoted) < 2 else None,
            "alias": "nothing_active" if name and not self.promoted else None,
            "strategy": "default_alias_set" if self.alias else None,
            "delete strategy": "default_strategy" if name == self.strategy else None,
            "delete alias": "default_alias" if self.alias else None,
            "promote": "already_active" if (name, self.newest.get(str(name))) in self.promoted[-1:] else None,
        }
        return refusals.get(kind)

    def take(self, kind: str, name: str | None) -> None:
        """Change what a step has to change."""
        match kind:
            case "save":
                self.newest[str(name)] += 1
            case "promote":
                self.promoted.append((str(name), self.newest[str(name)]))
            case "roll back":
                self.promoted.pop()
            case "alias":
                self.alias = name
            case "strategy" | "fallback":
                self.strategy = str(name)
            case "delete alias":
                self.promoted = []


def do(bots: Bots, kind: str, name: str | None, count: int) -> None:
    """Take a step; what is deleted is made again, so that every step can follow."""
    match kind:
        case "save":
            bots.save("small", lexical(16, candidates=100 + count))
        case "promote":
            bots.promote(str(name))
        case "roll back":
            bots.roll_back()
        case "alias":
            set_alias(bots, name)
        case "strategy" | "fallback":
            set_strategy(bots, str(name), is_fallback=kind == "fallback")
        case "delete strategy":
            doing(bots, lambda session, workspace: delete_strategy(session, workspace, str(name)))
        case "delete alias":
            remove_alias(bots)
            bots.do(lambda session: put_alias(session, WORKSPACE, BOT, "", Limits(), BY))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
def test_what_answers_is_what_was_asked_for_and_nothing_else_is_refused(bots: Bots, steps: list[Step]) -> None:
    set_alias(bots, None)
    set_strategy(bots, "small")
    do(bots, "delete alias", BOT, 0)
    model = Model({name: newest(bots, name) for name in ("small", "nothing")})
    for kind, name in steps:
        code = model.refusal(kind, name)
        if code is not None:
            with refused(code):
                do(bots, kind, name, model.newest["small"])
        elif kind != "delete strategy":  # what the model would have to unlearn; the refusal is the law
            do(bots, kind, name, model.newest["small"])
            model.take(kind, name)
        assert answering(bots) == model.answer, (kind, name)
        states = doing(bots, default_states)
        assert [about for about, state in states.items() if state == "active"] == [model.answer]


def test_states_tell_candidate_and_active_of_the_default_alias(bots: Bots) -> None:
    set_strategy(bots, "small")
    assert doing(bots, default_states) == {("small", 2): "active"}
    bots.promote("small", 1)
    bots.candidate("nothing")
    assert doing(bots, default_states) == {("small", 2): "active"}, "an alias that is not the default says nothing"
    set_alias(bots, BOT)
    assert doing(bots, default_states) == {("small", 1): "active", ("nothing", 1): "candidate"}
    assert answering(bots) == ("small", 1)


def test_without_a_saved_strategy_nothing_is_active(bots: Bots) -> None:
    assert doing(bots, default_states) == {}
    with pytest.raises(NotFoundError, match="default"):
        answering(bots)


def test_an_alias_that_answers_nothing_is_refused_and_changes_nothing(bots: Bots) -> None:
    set_strategy(bots, "small")
    bots.candidate("small", 1)
    with refused("nothing_active"):
        set_alias(bots, BOT)
    with pytest.raises(NotFoundError, match="nosuch"):
        set_alias(bots, "nosuch")
    assert answering(bots) == ("small", 2)


def test_deleting_an_alias_that_is_not_there_changes_nothing_also_beside_a_default_one(bots: Bots) -> None:
    bots.promote("small", 1)
    set_alias(bots, BOT)
    bots.do(lambda session: delete_alias(session, WORKSPACE, "nosuch"))
    with refused("default_alias"):
        remove_alias(bots)
    set_alias(bots, None)
    remove_alias(bots)
    with pytest.raises(NotFoundError):
        bots.row()


def test_the_hint_of_a_refused_deletion_leads_to_the_deletion(bots: Bots) -> None:
    set_strategy(bots, "large")
    bots.promote("small", 1)
    set_alias(bots, BOT)
    with pytest.raises(ConflictError) as caught:
        doing(bots, lambda session, workspace: delete_strategy(session, workspace, "large"))
    assert "`default_strategy` and `default_alias` 'bot'" in str(caught.value.hint)
    set_alias(bots, BOT)
    set_strategy(bots, "nothing", is_fallback=True)
    doing(bots, lambda session, workspace: delete_strategy(session, workspace, "large"))
    assert answering(bots) == ("small", 1)
    set_alias(bots, None)
    assert answering(bots) == ("nothing", 1)


def test_rolling_back_as_far_as_it_goes_leaves_something_active(bots: Bots) -> None:
    for name, version in (("small", 1), ("nothing", 1), ("small", 2)):
        bots.promote(name, version)
    set_alias(bots, BOT)
    seen = [answering(bots)]
    for _ in range(2):
        bots.roll_back()
        seen.append(answering(bots))
    assert seen == [("small", 2), ("nothing", 1), ("small", 1)]
    with refused("nothing_before"):
        bots.roll_back()
    assert answering(bots) == ("small", 1)
