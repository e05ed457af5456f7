"""Add statistics of four weeks, and the index of statistics by the currency bought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewire.store.statistics import Statistics

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add statistics of four weeks, and the index of statistics by the currency bought."""
    rows = sa.text("currency_to != '' AND (country = '' OR width > 60)")
    columns = ["currency_to", "kind", "width", "start"]
    op.create_index("stats_by_currency_to", "stats", columns, sqlite_where=rows, postgresql_where=rows)
    connection = op.get_bind()
    Statistics(connection.engine).add_four_weeks(connection)
