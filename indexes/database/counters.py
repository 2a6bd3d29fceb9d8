"""What jobs add up as they go, per workspace: seconds of their stages, and what the vector cache spared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Executable, Float, String, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from indexes.database.engine import Base
from indexes.database.tables import Identifier

STAGE_SECONDS = "stage_seconds"
STAGES = "stages"
VECTORS = "vectors"


class CounterRow(Base):
    """One sum; the label of STAGE_SECONDS and STAGES is `kind/stage`, that of VECTORS `cached` or `encoded`."""

    __tablename__ = "job_counters"

    workspace_id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    label: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[float] = mapped_column(Float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One sum as it is shown; jobs of no workspace count under ""."""

    workspace_id: str
    name: str
    label: str
    value: float


def count(session: Session, workspace_id: str | None, name: str, label: str, amount: float) -> None:
    """Add `amount` in the caller's unit of work, so that what is not committed is not counted."""
    values = {"workspace_id": workspace_id or "", "name": name, "label": label, "value": float(amount)}
    session.execute(_adding(session.get_bind().dialect.name), values)


@cache
def _adding(dialect: str) -> Executable:
    """Return the statement that adds; it is made once, as every step of a job counts."""
    table = Base.metadata.tables[CounterRow.__tablename__]
    statement = insert_postgresql(table) if dialect == "postgresql" else insert_sqlite(table)
    return statement.on_conflict_do_update(
        index_elements=["workspace_id", "name", "label"],
        set_={"value": table.c.value + statement.excluded.value},
    )


def load_counters(session: Session) -> tuple[Counted, ...]:
    """Return every sum, by workspace, name and label."""
    order = CounterRow.workspace_id, CounterRow.name, CounterRow.label
    return tuple(
        Counted(workspace_id=row.workspace_id, name=row.name, label=row.label, value=row.value)
        for row in session.scalars(select(CounterRow).order_by(*order))
    )
