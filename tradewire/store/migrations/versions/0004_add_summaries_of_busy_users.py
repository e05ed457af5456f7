"""Add summaries of busy users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add summaries of busy users."""
    op.create_table(
        "summarized",
        sa.Column("user_group", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_group"),
    )
    op.create_table(
        "user_summaries",
        sa.Column("user_group", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("user_group", "level", "number", "user_id"),
    )
    op.create_index("user_summaries_by_user", "user_summaries", ["user_id", "since", "until"], unique=False)
