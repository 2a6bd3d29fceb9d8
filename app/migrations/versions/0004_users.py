"""users of a workspace: groups, preferences, facts, memories, suggestions, turns, feedback, defaults

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def json_type() -> sa.JSON:
    """Return the type of a JSON column."""
    jsonb = postgresql.JSONB(none_as_null=True, astext_type=Text())
    return sa.JSON(none_as_null=True).with_variant(jsonb, "postgresql")


def upgrade() -> None:
    op.create_table(
        "user_groups",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "name"),
    )
    with op.batch_alter_table("user_groups", schema=None) as batch_op:
        batch_op.create_index("user_groups_listing", ["workspace_id", "created_at", "name"], unique=False)
    op.create_table(
        "users",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index("users_listing", ["workspace_id", "created_at", "id"], unique=False)
    op.create_table(
        "workspace_personalisation",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("workspace_instructions", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("preferences", json_type(), nullable=False),
        sa.Column("unknown_users", sa.String(length=16), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_table(
        "user_facts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("valid_from", sa.DateTime(), nullable=False),
        sa.Column("valid_to", sa.DateTime(), nullable=True),
        sa.Column("supersedes", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(), nullable=True),
        sa.Column("hidden_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("user_facts", schema=None) as batch_op:
        batch_op.create_index("user_facts_user", ["workspace_id", "user_id", "key"], unique=False)
    op.create_table(
        "user_feedback",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("signal", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("context_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("hidden_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("user_feedback", schema=None) as batch_op:
        batch_op.create_index("user_feedback_document", ["document_id"], unique=False)
        batch_op.create_index("user_feedback_user", ["workspace_id", "user_id", "created_at", "id"], unique=False)
    op.create_table(
        "user_group_members",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=64), nullable=False),
        sa.Column("joined_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "group_name"], ["user_groups.workspace_id", "user_groups.name"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", "group_name"),
    )
    with op.batch_alter_table("user_group_members", schema=None) as batch_op:
        batch_op.create_index("user_group_members_group", ["workspace_id", "group_name"], unique=False)
    op.create_table(
        "user_memories",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("importance", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(), nullable=False),
        sa.Column("valid_to", sa.DateTime(), nullable=True),
        sa.Column("supersedes", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("hidden_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("user_memories", schema=None) as batch_op:
        batch_op.create_index("user_memories_user", ["workspace_id", "user_id", "recorded_at", "id"], unique=False)
    op.create_table(
        "user_preferences",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("preferences", json_type(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("user_preferences", schema=None) as batch_op:
        batch_op.create_index("user_preferences_user", ["workspace_id", "user_id", "recorded_at"], unique=False)
    op.create_table(
        "user_suggestions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("turn_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("result_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("user_suggestions", schema=None) as batch_op:
        batch_op.create_index("user_suggestions_user", ["workspace_id", "user_id", "created_at", "id"], unique=False)
    op.create_table(
        "user_turns",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("hidden_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("user_turns", schema=None) as batch_op:
        batch_op.create_index("user_turns_user", ["workspace_id", "user_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("user_turns", schema=None) as batch_op:
        batch_op.drop_index("user_turns_user")
    op.drop_table("user_turns")
    with op.batch_alter_table("user_suggestions", schema=None) as batch_op:
        batch_op.drop_index("user_suggestions_user")
    op.drop_table("user_suggestions")
    with op.batch_alter_table("user_preferences", schema=None) as batch_op:
        batch_op.drop_index("user_preferences_user")
    op.drop_table("user_preferences")
    with op.batch_alter_table("user_memories", schema=None) as batch_op:
        batch_op.drop_index("user_memories_user")
    op.drop_table("user_memories")
    with op.batch_alter_table("user_group_members", schema=None) as batch_op:
        batch_op.drop_index("user_group_members_group")
    op.drop_table("user_group_members")
    with op.batch_alter_table("user_feedback", schema=None) as batch_op:
        batch_op.drop_index("user_feedback_user")
        batch_op.drop_index("user_feedback_document")
    op.drop_table("user_feedback")
    with op.batch_alter_table("user_facts", schema=None) as batch_op:
        batch_op.drop_index("user_facts_user")
    op.drop_table("user_facts")
    op.drop_table("workspace_personalisation")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("users_listing")
    op.drop_table("users")
    with op.batch_alter_table("user_groups", schema=None) as batch_op:
        batch_op.drop_index("user_groups_listing")
    op.drop_table("user_groups")
