"""The migrations of a database, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import alembic.command
import alembic.config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection


def take(connection: Connection, report: Callable[[str], None]) -> None:
    """Bring a database to this code's schema.

    Args:
        connection: In a transaction that keeps other writers out. All steps are part of it.
        report: Called with each step, before it is taken.

    Raises:
        CommandError: The database has a schema that this code does not know.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", "tradewire.store:migrations")
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(config)
    scripts.get_revisions(before or "base")  # unlike the next call, this one has a CommandError for an unknown schema
    steps = [*scripts.iterate_revisions("head", before or "base")]
    for number, step in enumerate(reversed(steps), start=1):
        report(f"step {number} of {len(steps)}: {step.doc}")
        alembic.command.upgrade(config, step.revision)
