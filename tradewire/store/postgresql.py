"""Connections to PostgreSQL that don't wait for ever, and the lock of its writers.

The server's own time limit ends a slow statement, but not the wait for a server that is stopped or cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from sqlalchemy import func, select

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Connection

_WRITERS_LOCK: Final = 0x7472_6164_6577_6972
"""Key of the advisory lock that a writer holds. SQLite itself allows only one writer at a time."""

_ANSWER_SECONDS: Final = 35
"""Time to wait for any answer: longer than the server's limit of a statement."""

_T = TypeVar("_T")


class PatientConnection(psycopg.Connection):
    """A connection that is closed if the server does not answer in time."""

    def wait(self, gen: Generator[Any, Any, _T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """Wait for an answer.

        Raises:
            OperationalError: There was none in time.
        """
        try:
            return super().wait(gen, interval, timeout or _ANSWER_SECONDS)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - it has no public name
            self.close()
            raise psycopg.OperationalError(f"no answer within {_ANSWER_SECONDS} s") from None


def lock_writers(connection: Connection) -> None:
    """Keep other writers out until the transaction ends. Wait for the writer before."""
    connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
