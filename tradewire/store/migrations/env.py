"""Alembic runs this to migrate the database to the newest schema, over the connection in its configuration."""

from __future__ import annotations

from alembic import context

from tradewire.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # All steps run in the transaction that StoreWriter.migrate has begun and holds the lock in.
    transactional_ddl=True,
)
context.run_migrations()
