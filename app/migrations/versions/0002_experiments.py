"""experiments and their cells

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def json_type() -> sa.JSON:
    """Return the type of a JSON column."""
    jsonb = postgresql.JSONB(none_as_null=True, astext_type=Text())
    return sa.JSON(none_as_null=True).with_variant(jsonb, "postgresql")


def upgrade() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("question_set", sa.String(length=64), nullable=False),
        sa.Column("question_set_hash", sa.String(length=20), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.Column("specification", json_type(), nullable=False),
        sa.Column("contestants", json_type(), nullable=False),
        sa.Column("plan", json_type(), nullable=False),
        sa.Column("questions", json_type(), nullable=False),
        sa.Column("pins", json_type(), nullable=False),
        sa.Column("findings", json_type(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_experiments_workspace_id"), ["workspace_id"], unique=False)
    op.create_table(
        "experiment_cells",
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("strategy_number", sa.Integer(), nullable=False),
        sa.Column("question_number", sa.Integer(), nullable=False),
        sa.Column("scores", json_type(), nullable=False),
        sa.Column("ranked", json_type(), nullable=False),
        sa.Column("sent", json_type(), nullable=False),
        sa.Column("request_tokens", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("error", json_type(), nullable=True),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiments.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("experiment_id", "strategy_number", "question_number"),
    )


def downgrade() -> None:
    op.drop_table("experiment_cells")
    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_experiments_workspace_id"))
    op.drop_table("experiments")
