"""which vectors are of before a changed model was accepted, canaries as queries, and a demo's alert that is not sent

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = (("vectors", "renewal"), ("segments", "renewal"), ("embedder_canaries", "renewals"))


def upgrade() -> None:
    for table, column in COLUMNS:
        op.add_column(table, sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("embedder_canaries", sa.Column("query_vectors", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE alerts SET next_attempt_at = NULL WHERE id = 'demo-alert'")


def downgrade() -> None:
    op.drop_column("embedder_canaries", "query_vectors")
    for table, column in COLUMNS:
        op.drop_column(table, column)
