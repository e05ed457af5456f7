"""Create the tables for events, receipts, statistics and counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of the first version."""
    id_ = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=False), "postgresql")
    amount = sa.Text().with_variant(sa.Numeric(), "postgresql")
    op.create_table(
        "events",
        sa.Column("id", id_, primary_key=True),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("archived_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("currency_from", sa.String(3), nullable=False),
        sa.Column("currency_to", sa.String(3), nullable=False),
        sa.Column("amount_sell", amount, nullable=False),
        sa.Column("amount_buy", amount, nullable=False),
        sa.Column("rate", amount, nullable=False),
        sa.Column("time_placed", sa.Text, nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("flags", sa.Text, nullable=False),
        sa.Column("user_group", sa.SmallInteger, nullable=False),
    )
    op.create_index("events_by_time", "events", ["received_at", "id"])
    op.create_index("events_by_user_group", "events", ["user_group", "received_at", "id", "user_id"])
    op.create_index("events_by_from", "events", ["currency_from", "received_at", "id"])
    op.create_index("events_by_to", "events", ["currency_to", "received_at", "id"])
    op.create_index("events_by_country", "events", ["country", "received_at", "id"])
    flagged = sa.text("flags != ''")
    op.create_index("events_flagged", "events", ["received_at", "id"], sqlite_where=flagged, postgresql_where=flagged)
    op.create_table(
        "duplicates",
        sa.Column("id", id_, primary_key=True),
        sa.Column("received_at", sa.BigInteger, primary_key=True),
    )
    op.create_table(
        "receipts",
        sa.Column("id", id_, primary_key=True),
        sa.Column("tube", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("browsers", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stats",
        sa.Column("kind", sa.String(7), primary_key=True),
        sa.Column("width", sa.Integer, primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("currency_from", sa.String(3), primary_key=True),
        sa.Column("currency_to", sa.String(3), primary_key=True),
        sa.Column("country", sa.String(2), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("flagged", sa.BigInteger, nullable=False),
        sa.Column("sold", amount),
        sa.Column("bought", amount),
        sa.Column("open", amount),
        sa.Column("open_at", sa.BigInteger),
        sa.Column("open_id", id_),
        sa.Column("high", amount),
        sa.Column("low", amount),
        sa.Column("close", amount),
        sa.Column("close_at", sa.BigInteger),
        sa.Column("close_id", id_),
        sqlite_with_rowid=False,
    )
    of_both = sa.text("country != '' AND currency_from != ''")
    op.create_index(
        "stats_by_country", "stats", ["country", "width", "start"], sqlite_where=of_both, postgresql_where=of_both
    )
    op.create_table(
        "counters",
        sa.Column("stack", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
