"""Alembic's entry: one history for SQLite and PostgreSQL."""

from __future__ import annotations

import importlib
from typing import Any, Literal

from alembic import context

from app.migrations.postgresql import order_by_code_point
from indexes.database.engine import Base, Database, UtcDateTime

for owner in (
    "indexes.database.tables",
    "indexes.database.audit",
    "indexes.database.alerts",
    "indexes.database.counters",
    "ingest.canaries",
    "app.context.saved_strategies",
    "app.context.saved_contexts",
    "app.context.aliases.records",
    "app.context.erasure.records",
    "app.context.erasure.retention",
    "app.context.users.tables",
    "app.accounts.tables",
    "app.accounts.quotas",
    "app.evaluation.question_sets",
    "app.evaluation.experiments.records",
    "app.api.idempotency_claims",
):
    importlib.import_module(owner)


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    return "sa.DateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


database = Database(context.config.attributes["url"])
with database.engine.connect() as connection:
    connection = connection.execution_options(unit_of_work="write")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "postgresql":
            order_by_code_point(connection)
    connection.commit()
database.close()
