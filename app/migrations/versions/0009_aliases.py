"""aliases, their changes, and which alias answered a context

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def json_type() -> sa.JSON:
    """Return the type of a JSON column."""
    jsonb = postgresql.JSONB(none_as_null=True, astext_type=Text())
    return sa.JSON(none_as_null=True).with_variant(jsonb, "postgresql")


def upgrade() -> None:
    op.create_table(
        "aliases",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("limits", json_type(), nullable=False),
        sa.Column("active_strategy", sa.String(length=64), nullable=True),
        sa.Column("active_version", sa.Integer(), nullable=True),
        sa.Column("active_change", sa.Integer(), nullable=True),
        sa.Column("candidate_strategy", sa.String(length=64), nullable=True),
        sa.Column("candidate_version", sa.Integer(), nullable=True),
        sa.Column("canary_percent", sa.Integer(), nullable=False),
        sa.Column("last_change", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "name"),
    )
    op.create_table(
        "alias_changes",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("strategy", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("replaces", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", json_type(), nullable=False),
        sa.Column("evidence", json_type(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "alias"], ["aliases.workspace_id", "aliases.name"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "alias", "number"),
    )
    with op.batch_alter_table("contexts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("alias", sa.String(length=64), nullable=True))
        batch_op.create_index("contexts_alias", ["workspace_id", "alias", "created_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("contexts", schema=None) as batch_op:
        batch_op.drop_index("contexts_alias")
        batch_op.drop_column("alias")
    op.drop_table("alias_changes")
    op.drop_table("aliases")
