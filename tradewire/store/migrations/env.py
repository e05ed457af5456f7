"""What Alembic runs: it brings the database behind the connection that it is handed up to date."""

from __future__ import annotations

from alembic import context

from tradewire.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # All steps are one transaction, which whoever hands over the connection has begun, under the lock.
    transactional_ddl=True,
)
context.run_migrations()
