"""The owners of rows that may hold a part of a document or of a person, in whichever layer they live.

Each of them erases what is its own. An owner's functions work in a unit of work of the erasing job: at most a batch,
and again until nothing is left, so that a killed job goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Text, cast, false, func, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.context.erasure.records import Counts

RetainedKind = Literal["history", "contexts", "feedback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Documents of one workspace, with every version that is still there and what people called them."""

    workspace_id: str
    ids: tuple[str, ...]
    version_ids: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of a workspace, or only the memory `memory_id` of that user."""

    workspace_id: str
    user_id: str
    memory_id: str | None = None


def _keeps_documents(_session: Session, _documents: Documents) -> Counts:
    return {}


def _keeps_no_files(_session: Session, _documents: Documents) -> int:
    return 0


def _keeps_person(_session: Session, _person: Person) -> Counts:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What one owner does. Nothing that begins after `detach_…` may read the target; `erase_…` comes when all that
    began before has ended, and returns what it removed: an empty mapping means that nothing was left.

    `remove_files` follows `erase_documents`, outside every write unit, and returns how many segments it removed.
    `expire` removes what is older than a moment, at most a batch, and returns how much.
    """

    detach_documents: Callable[[Session, Documents], object] = _keeps_documents
    erase_documents: Callable[[Session, Documents], Counts] = _keeps_documents
    remove_files: Callable[[Session, Documents], int] = _keeps_no_files
    detach_person: Callable[[Session, Person], object] = _keeps_person
    erase_person: Callable[[Session, Person], Counts] = _keeps_person
    expire: Mapping[RetainedKind, Callable[[Session, str, datetime], int]] = field(default_factory=dict)


def names_one_of(column: InstrumentedAttribute[object], *values: str) -> ColumnElement[bool]:
    """Return whether a JSON column holds one of the values as a whole string, wherever it stands.

    What a replacement changes holds the string; LIKE would take other letter case for the same on SQLite.
    """
    text = cast(column, Text)
    return or_(false(), *(func.replace(text, f'"{value}"', "") != text for value in values))
