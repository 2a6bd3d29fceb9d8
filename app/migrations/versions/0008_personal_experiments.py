"""who asks an experiment's questions, and what other profiles than the asker's would have given

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def json_type() -> sa.JSON:
    """Return the type of a JSON column."""
    jsonb = postgresql.JSONB(none_as_null=True, astext_type=Text())
    return sa.JSON(none_as_null=True).with_variant(jsonb, "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("users", json_type(), nullable=True))
    with op.batch_alter_table("experiment_cells", schema=None) as batch_op:
        batch_op.add_column(sa.Column("personal", json_type(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("experiment_cells", schema=None) as batch_op:
        batch_op.drop_column("personal")
    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.drop_column("users")
