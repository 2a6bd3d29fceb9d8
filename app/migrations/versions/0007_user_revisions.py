"""marks that change with everything known of a user, so that it may be remembered between requests

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = (
    ("users", "profile_revision"),
    ("users", "memories_revision"),
    ("users", "uses_revision"),
    ("users", "turns_revision"),
    ("users", "feedback_revision"),
    ("workspace_personalisation", "revision"),
)


def upgrade() -> None:
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, sa.String(length=24), nullable=False, server_default=""))


def downgrade() -> None:
    for table, name in reversed(COLUMNS):
        op.drop_column(table, name)
