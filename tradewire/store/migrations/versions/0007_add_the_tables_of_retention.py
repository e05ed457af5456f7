"""Add the tables of retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewire.store.ids import Id

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables of retention. Everything is kept so far."""
    op.create_table(
        "outdated",
        sa.Column("id", Id, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("was_archived", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", "received_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("outdated_by_time", "outdated", ["at"], unique=False)
    retention = op.create_table(
        "retention",
        sa.Column("only", sa.SmallInteger(), nullable=False),
        sa.Column("kept_since", sa.BigInteger(), nullable=False),
        sa.Column("figures_since", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("only"),
    )
    op.bulk_insert(retention, [{"only": 1, "kept_since": 0, "figures_since": 0, "deleted": 0, "checked_at": 0}])
