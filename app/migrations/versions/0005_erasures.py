"""erasures, retention, and the mark of cells that rested on what was erased

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def json_type() -> sa.JSON:
    """Return the type of a JSON column."""
    jsonb = postgresql.JSONB(none_as_null=True, astext_type=Text())
    return sa.JSON(none_as_null=True).with_variant(jsonb, "postgresql")


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target_sha256", sa.String(length=64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("scope", json_type(), nullable=False),
        sa.Column("counts", json_type(), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("marked_at", sa.DateTime(), nullable=True),
        sa.Column("settled_at", sa.DateTime(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("erasures", schema=None) as batch_op:
        batch_op.create_index("erasures_listing", ["workspace_id", "requested_at", "id"], unique=False)
        batch_op.create_index("erasures_target", ["target_sha256"], unique=False)
    op.create_table(
        "workspace_retention",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("history_days", sa.Integer(), nullable=True),
        sa.Column("contexts_days", sa.Integer(), nullable=True),
        sa.Column("feedback_days", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    with op.batch_alter_table("experiment_cells", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("experiment_cells", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
    op.drop_table("workspace_retention")
    with op.batch_alter_table("erasures", schema=None) as batch_op:
        batch_op.drop_index("erasures_target")
        batch_op.drop_index("erasures_listing")
    op.drop_table("erasures")
