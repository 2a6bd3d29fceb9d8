"""The audit log: who changed what, written in the unit of work that changes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Delete, Index, String, Text, Update, and_, event, false, inspect, or_, select
from sqlalchemy.orm import Mapped, Mapper, ORMExecuteState, Session, UOWTransaction, mapped_column

from configs.part import JsonObject, fingerprint_of
from indexes.database.engine import Base, Json, UtcDateTime, new_id, now
from indexes.database.tables import Identifier, Workspace

UNKNOWN = -1
MOST_CHANGES = 100
"""So many changed rows are described in one entry; all of them are counted."""


class AuditRow(Base):
    """One unit of work that changed something. It outlives the workspace, and names nobody's words.

    `changes` describes rows of tables that say what of them is `audited`, as it is, or `hashed`, by the name that it is
    shown under and its attribute; `counts` counts the rows of every table that were added, changed and deleted.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_listing", "created_at", "id"),
        Index("audit_workspace", "workspace_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    workspace_id: Mapped[str | None] = mapped_column(Identifier)
    who: Mapped[str] = mapped_column(Text)
    member_id: Mapped[str | None] = mapped_column(Identifier)
    key_id: Mapped[str | None] = mapped_column(Identifier)
    request_id: Mapped[str | None] = mapped_column(String(64))
    operation: Mapped[str] = mapped_column(Text)
    objects: Mapped[dict[str, str]] = mapped_column(Json)
    changes: Mapped[list[JsonObject]] = mapped_column(Json)
    counts: Mapped[dict[str, dict[str, int]]] = mapped_column(Json)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody asked for: `objects` are the ids that it names."""

    who: str
    operation: str
    member_id: str | None = None
    key_id: str | None = None
    request_id: str | None = None
    workspace_id: str | None = None
    objects: Mapping[str, str] = field(default_factory=dict)


_action: ContextVar[Action | None] = ContextVar("audited_action", default=None)


@contextmanager
def acting(action: Action) -> Iterator[None]:
    """Let every write unit that begins meanwhile, in this context, be recorded as the action's."""
    token = _action.set(action)
    try:
        yield
    finally:
        _action.reset(token)


def watch_changes(session: Session) -> Callable[[], None]:
    """Note what a write unit changes, where it belongs to an action; return what to call before it commits."""
    action = _action.get()
    if action is None:
        return _nothing
    changes = _Changes()
    event.listen(session, "before_flush", changes.note_flush)
    event.listen(session, "do_orm_execute", changes.note_statement)

    def record() -> None:
        if changes.counts:
            session.add(_row(action, changes))
            session.flush()

    return record


def _nothing() -> None:
    """Record nothing."""


def _row(action: Action, changes: _Changes) -> AuditRow:
    return AuditRow(
        id=new_id("audit"),
        workspace_id=action.workspace_id or changes.made_workspace,
        who=action.who,
        member_id=action.member_id,
        key_id=action.key_id,
        request_id=action.request_id,
        operation=action.operation,
        objects=dict(action.objects),
        changes=changes.described(),
        counts={table: dict(kinds) for table, kinds in sorted(changes.counts.items())},
    )


class _Changes:
    """What the flushes and statements of one unit of work changed."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.made_workspace: str | None = None
        self._rows: dict[str, tuple[JsonObject | None, JsonObject | None]] = {}

    def note_flush(self, session: Session, _context: UOWTransaction, _instances: Any) -> None:
        """Note the rows that a flush is about to write."""
        for kind, rows in (("added", session.new), ("changed", session.dirty), ("deleted", session.deleted)):
            for row in rows:
                if kind != "changed" or session.is_modified(row):
                    self._note(kind, row)

    def note_statement(self, state: ORMExecuteState) -> Any:
        """Run a statement that changes rows without loading them, describe and count these."""
        mapper = state.bind_mapper
        if not (state.is_insert or state.is_update or state.is_delete) or mapper is None:
            return None
        given = state.parameters if state.is_insert and isinstance(state.parameters, list) else []
        self._note_values(mapper, given)
        before = _audited_rows(state.session, mapper, _criteria(state, mapper))
        result = state.invoke_statement()
        after = _audited_rows(state.session, mapper, [_is_one_of(mapper, before)]) if state.is_update else {}
        for key, values in before.items():
            self._describe(str(mapper.local_table.description), key, values, after.get(key))
        if rows := len(given) or getattr(result, "rowcount", UNKNOWN):
            kind = "added" if state.is_insert else "changed" if state.is_update else "deleted"
            self._count(str(mapper.local_table.description), kind, max(rows, 1))
        return result

    def _note(self, kind: str, row: Base) -> None:
        if isinstance(row, AuditRow):
            return
        self._count(row.__tablename__, kind)
        if kind == "added" and isinstance(row, Workspace):
            self.made_workspace = row.id
        if _is_described(type(row)):
            before = None if kind == "added" else _shown(type(row), lambda name: _before(row, name))
            after = None if kind == "deleted" else _shown(type(row), lambda name: getattr(row, name))
            self._describe(row.__tablename__, inspect(type(row)).primary_key_from_instance(row), before, after)

    def _note_values(self, mapper: Mapper[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Describe rows that are inserted by one statement from a list of their values."""
        for values in rows[:MOST_CHANGES] if _is_described(mapper.class_) else ():
            key = [values[mapper.get_property_by_column(column).key] for column in mapper.primary_key]
            after = _shown(mapper.class_, values.get)
            self._describe(str(mapper.local_table.description), key, None, after)

    def _describe(self, table: str, key: Iterable[Any], before: JsonObject | None, after: JsonObject | None) -> None:
        name = "/".join([table, *map(str, key)])
        known = self._rows.get(name)
        if known is not None or len(self._rows) < MOST_CHANGES:
            self._rows[name] = (before if known is None else known[0], after)

    def described(self) -> list[JsonObject]:
        """Return each described row with those of its audited values that changed, before and after."""
        rows = []
        for key, (before, after) in self._rows.items():
            names = [name for name in before or after or {} if not before or not after or before[name] != after[name]]
            if names:
                rows.append({"row": key, "before": _only(before, names), "after": _only(after, names)})
        return rows

    def _count(self, table: str, kind: str, rows: int = 1) -> None:
        self.counts.setdefault(table, Counter())[kind] += rows


def _criteria(state: ORMExecuteState, mapper: Mapper[Any]) -> list[ColumnElement[bool]] | None:
    """Return what the rows meet that an update or a deletion concerns; None for a statement that adds rows."""
    if not isinstance(state.statement, Update | Delete):
        return None
    if isinstance(state.parameters, list):  # each of its rows by primary key
        names = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
        return [_is_one_of(mapper, [tuple(row[name] for name in names) for row in state.parameters[:MOST_CHANGES]])]
    return [] if state.statement.whereclause is None else [state.statement.whereclause]


def _is_one_of(mapper: Mapper[Any], keys: Iterable[tuple[Any, ...]]) -> ColumnElement[bool]:
    named = (and_(*(column == one for column, one in zip(mapper.primary_key, key, strict=True))) for key in keys)
    return or_(false(), *named)


def _audited_rows(
    session: Session, mapper: Mapper[Any], criteria: list[ColumnElement[bool]] | None
) -> dict[tuple[Any, ...], JsonObject]:
    """Return the audited values of at most `MOST_CHANGES` rows by primary key, as they are in the database now."""
    if criteria is None or not _is_described(mapper.class_):
        return {}
    session.flush()
    with Session(session.connection(), autoflush=False) as apart:  # loads nothing into the unit of work itself
        rows = apart.scalars(select(mapper).where(*criteria).order_by(*mapper.primary_key).limit(MOST_CHANGES))
        return {
            tuple(mapper.primary_key_from_instance(row)): _shown(mapper.class_, partial(getattr, row)) for row in rows
        }


def _only(values: JsonObject | None, names: list[str]) -> JsonObject | None:
    return None if values is None else {name: values[name] for name in names}


def _is_described(table: type) -> bool:
    return hasattr(table, "audited") or hasattr(table, "hashed")


def _shown(table: type, value_of: Callable[[str], Any]) -> JsonObject:
    """Return what the log shows of a row: audited values, and of hashed ones enough to see that they changed."""
    audited: tuple[str, ...] = getattr(table, "audited", ())
    hashed: Mapping[str, str] = getattr(table, "hashed", {})
    return {
        **{name: _plain(value_of(name)) for name in audited},
        **{name: f"hash:{fingerprint_of(value_of(attribute))}" for name, attribute in hashed.items()},
    }


def _before(row: Base, name: str) -> Any:
    attributes = inspect(row).attrs
    history = attributes[name].history if name in attributes else None  # a property follows from what is kept
    return history.deleted[0] if history is not None and history.deleted else getattr(row, name)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
