"""Add the table of outdated summaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table of outdated summaries."""
    op.create_table(
        "outdated_summaries",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("user_group", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("level", "user_group", "number", "user_id"),
    )
