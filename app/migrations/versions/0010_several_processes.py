"""sizes beyond 2 GB, and JSON that comes back as it was written, on PostgreSQL

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SIZES = (("versions", "size_bytes"), ("segments", "size_bytes"))


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _change_json("jsonb", "json")
        for table, column in SIZES:
            op.alter_column(table, column, type_=sa.BigInteger())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _change_json("json", "jsonb")
        for table, column in SIZES:
            op.alter_column(table, column, type_=sa.Integer())


def _change_json(before: str, after: str) -> None:
    columns = op.get_bind().execute(
        sa.text(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND data_type = :type"
        ),
        {"type": before},
    )
    for table, column in columns.all():
        op.execute(sa.text(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE {after}'))
