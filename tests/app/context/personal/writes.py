"""Every kind of write about a user, to be told at once by whoever remembers what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.erasure.owners import Documents, Person
from app.context.erasure.personal import PERSONAL_ROWS
from app.context.users.conversation import add_turn, hide_turns
from app.context.users.facts import NewFact, hide_facts, record_fact
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import Preferences
from app.context.users.memories import NewMemory, hide_memory, mark_used, remember
from app.context.users.registration import add_group, change_user, delete_group, find_user, hide_user, put_user
from app.context.users.suggestions import add_suggestions, confirm
from app.context.users.tables import MemoryRow, UserRow
from tests.app.context.users.people import WORKSPACE, add_user

Write = Callable[["Step"], object]
AHEAD = "use by a clock that runs ahead"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One write about a user at a moment; `number` varies what is written."""

    session: Session
    user: str
    at: datetime
    number: int

    @property
    def where(self) -> tuple[Session, str, str]:
        return self.session, WORKSPACE, self.user

    @property
    def row(self) -> UserRow:
        return find_user(*self.where)

    @property
    def memory_ids(self) -> list[str]:
        """One of the user's memories, none where there is none."""
        mine = select(MemoryRow.id).where(MemoryRow.user_id == self.user).order_by(MemoryRow.id)
        ids = self.session.scalars(mine).all()
        return [ids[self.number % len(ids)]] if ids else []


def _fact(step: Step) -> None:
    """Record a fact that began or will begin, with an end or without."""
    start, end = step.at + timedelta(hours=step.number - 2), step.at + timedelta(hours=step.number)
    new = NewFact(value=str(step.number), valid_from=start, valid_to=end if step.number % 2 else None)
    record_fact(*step.where, f"k{step.number % 2}", new, at=step.at)


def _remember(step: Step) -> None:
    start = step.at + timedelta(hours=step.number - 2)
    remember(*step.where, NewMemory(text=f"m{step.number}", valid_from=start), at=step.at)


def _supersede(step: Step) -> None:
    for one in step.memory_ids:
        new = NewMemory(text="later", supersedes=one, valid_from=step.at + timedelta(hours=3))
        remember(*step.where, new, at=step.at)


def _hide_memory(step: Step) -> None:
    for one in step.memory_ids:
        hide_memory(*step.where, one, at=step.at)


def _erase_memory(step: Step) -> None:
    for one in step.memory_ids:
        person = Person(workspace_id=WORKSPACE, user_id=step.user, memory_id=one)
        PERSONAL_ROWS.detach_person(step.session, person)
        PERSONAL_ROWS.erase_person(step.session, person)


def _confirm(step: Step) -> None:
    text = ("Remember that I work late.", "My name is Ann.", "Please answer in German.")[step.number % 3]
    for row in add_suggestions(*step.where, text, at=step.at):
        confirm(*step.where, row.id, at=step.at)


def _expire(step: Step) -> None:
    for kind in ("history", "feedback"):
        PERSONAL_ROWS.expire[kind](step.session, WORKSPACE, step.at - timedelta(hours=step.number))


def _recreate(step: Step) -> None:
    """Erase the user and let another of the same name take the place, at the same hour as the first."""
    person = Person(workspace_id=WORKSPACE, user_id=step.user)
    PERSONAL_ROWS.detach_person(step.session, person)
    while PERSONAL_ROWS.erase_person(step.session, person):
        pass
    add_user(step.session, step.user)


def _erase_document(step: Step) -> None:
    documents = Documents(workspace_id=WORKSPACE, ids=("d",), version_ids=())
    while PERSONAL_ROWS.erase_documents(step.session, documents):
        pass


def _delete_group(step: Step) -> None:
    name = f"g{step.number % 2}"
    delete_group(step.session, WORKSPACE, name)
    add_group(step.session, WORKSPACE, name, "")


def _replace(step: Step) -> None:
    put_user(*step.where, groups=["g1"], preferences=Preferences(verbosity="brief"), opted_out=False, at=step.at)


def _change(**what: Callable[[int], Any]) -> Write:
    return lambda step: change_user(
        step.session, step.row, at=step.at, **{name: value(step.number) for name, value in what.items()}
    )


WRITES: dict[str, Write] = {
    "fact": _fact,
    "hide fact": lambda step: hide_facts(*step.where, f"k{step.number % 2}", at=step.at),
    "memory": _remember,
    "supersede": _supersede,
    "hide memory": _hide_memory,
    "erase memory": _erase_memory,
    "use": lambda step: mark_used(*step.where, step.memory_ids, at=step.at),
    AHEAD: lambda step: mark_used(*step.where, step.memory_ids, at=step.at + timedelta(hours=2)),
    "turn": lambda step: add_turn(*step.where, "user", f"t{step.number}", at=step.at),
    "hide turns": lambda step: hide_turns(*step.where, at=step.at),
    "feedback": lambda step: record_feedback(*step.where, NewFeedback(signal="thumb_up", document_id="d"), at=step.at),
    "erase document": _erase_document,
    "expire": _expire,
    "confirm": _confirm,
    "groups": _change(groups=lambda number: ["g0", "g1"][: number % 3]),
    "preferences": _change(preferences=lambda number: Preferences(language=f"l{number}")),
    "opt out": _change(opted_out=lambda number: number % 2 == 0),
    "replace": _replace,
    "delete group": _delete_group,
    "delete": lambda step: hide_user(*step.where, at=step.at),
    "recreate": _recreate,
}
