"""Recent questions: distinct, newest first, and only for whoever may know them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from app.context.aliases.recent_questions import recent_questions
from app.context.saved_contexts import ContextRow, erased_receipt
from indexes.access import Principal
from indexes.database.engine import Database
from tests.database import add_workspace

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ALL = ("group:a", "group:b", "user:ann")


@pytest.fixture
def asked(database: Database) -> Database:
    with database.write() as session:
        add_workspace(session, "w")
        add_workspace(session, "other")
    return database


def ask(
    database: Database, question: str, minute: int, *, alias: str | None = "bot", principals: Collection[str] = (),
    user_id: str | None = None, workspace_id: str = "w", is_erased: bool = False,
) -> None:  # fmt: skip
    """Save a context as if it was assembled at a minute."""
    moment = BEGIN + timedelta(minutes=minute)
    receipt = erased_receipt(moment) if is_erased else {"question": question}
    with database.write() as session:
        session.add(
            ContextRow(
                id=f"{workspace_id}-{minute}", workspace_id=workspace_id, user_id=user_id, alias=alias, receipt=receipt,
                request={"principals": sorted(principals), "filter": None}, created_at=moment,
            )
        )  # fmt: skip


def seen(database: Database, *names: str, most: int = 100) -> list[str]:
    with database.read() as session:
        return [one.question for one in recent_questions(session, "w", "bot", Principal.of(names), most)]


def test_they_are_distinct_and_the_newest_first(asked: Database) -> None:
    for minute, question in enumerate(["one", "two", "one", "three", "two"]):
        ask(asked, question, minute)
    assert seen(asked) == ["two", "three", "one"]
    assert seen(asked, most=2) == ["two", "three"]


def test_only_those_of_the_alias_count(asked: Database) -> None:
    ask(asked, "elsewhere", 1, workspace_id="other")
    ask(asked, "another", 2, alias="other")
    ask(asked, "direct", 3, alias=None)
    assert seen(asked, *ALL) == []


def test_what_was_erased_is_not_there(asked: Database) -> None:
    ask(asked, "kept", 1)
    ask(asked, "gone", 2, is_erased=True)
    assert seen(asked, *ALL) == ["kept"]


def test_a_users_question_is_theirs_alone(asked: Database) -> None:
    ask(asked, "mine", 1, user_id="ann", principals=["user:ann"])
    assert seen(asked, "user:ben", "group:a") == []
    assert seen(asked, "user:ann") == ["mine"]


def test_a_question_hidden_from_the_caller_hides_no_other(asked: Database) -> None:
    ask(asked, "same", 1)
    ask(asked, "same", 2, principals=["group:a"])
    with asked.read() as session:
        (one,) = recent_questions(session, "w", "bot", Principal.of([]), 10)
    assert (one.question, one.context_id) == ("same", "w-1")


rights = st.sets(st.sampled_from(ALL))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contexts=st.lists(st.tuples(rights, st.booleans()), max_size=8), caller=rights)
def test_nobody_learns_of_what_was_asked_with_more_rights(
    asked: Database, contexts: list[tuple[set[str], bool]], caller: set[str]
) -> None:
    with asked.write() as session:
        session.execute(delete(ContextRow))
    for number, (needed, is_anns) in enumerate(contexts):
        ask(asked, f"q{number}", number, principals=needed, user_id="ann" if is_anns else None)
    allowed = [
        f"q{number}"
        for number, (needed, is_anns) in enumerate(contexts)
        if needed <= caller and (not is_anns or "user:ann" in caller)
    ]
    assert seen(asked, *caller) == allowed[::-1]
