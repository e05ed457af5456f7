"""Add an index of retries by their time of receipt, by which the ledger looks for them."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the index."""
    op.create_index("duplicates_by_time", "duplicates", ["received_at"])
