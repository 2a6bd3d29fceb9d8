"""what assembling a context needs to know of each chunk's text

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text_tokens", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("text_simhash", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.drop_column("text_simhash")
        batch_op.drop_column("text_tokens")
