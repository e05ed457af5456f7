"""Add the column producer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column producer."""
    op.add_column("events", sa.Column("producer", sa.Text(), nullable=True))
    op.create_index(
        "events_by_producer",
        "events",
        ["producer", "received_at", "id"],
        unique=False,
        sqlite_where=sa.text("producer IS NOT NULL"),
        postgresql_where=sa.text("producer IS NOT NULL"),
    )
