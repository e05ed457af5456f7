"""Chaos: kill -9 parts of a running stack while messages flow."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from tests.postgres import Postgres, postgres
from tests.stack import Stack, stack
from tests.support import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.chaos.producer import Producer

PROCESSES = (
    "beanstalkd",
    "gunicorn worker",
    "gunicorn master",
    "live processor",
    "archive processor",
    "api-query",
    "wsserver",
    "nginx",
    "supervisord",
    "guard",
)
DATABASE = "database"
EVERYTHING = "everything"


@dataclass
class Chaos:
    """Kills targets of a stack while a producer posts messages."""

    stack: Stack
    producer: Producer
    server: Postgres | None = None
    """The database server, unless the store is SQLite."""

    @property
    def targets(self) -> tuple[str, ...]:
        """All single targets of this stack; EVERYTHING is one more."""
        return (*PROCESSES, DATABASE) if self.server else PROCESSES

    def kill(self, target: str) -> None:
        """Kill a target, then wait until the stack has recovered."""
        if target == EVERYTHING:
            self._kill_everything()
        elif target == DATABASE:
            self._kill_database()
        elif target == "supervisord":
            self.stack.kill(self.stack.supervisord_pid())  # the guard starts it again
        else:
            self.stack.kill(self._pid(target))
        self.recover()

    def recover(self) -> None:
        """Wait until the stack is ready and accepts messages again."""
        self.stack.wait_ready()
        self._wait_accepted()

    def _wait_accepted(self) -> None:
        before = len(self.producer.accepted)
        wait_until(lambda: len(self.producer.accepted) >= before + 20, "messages are accepted again")

    def _kill_database(self) -> None:
        """Kill the database server, check that messages are still accepted, and start it again."""
        assert self.server
        self.server.kill()
        self._wait_accepted()
        self.server.start()

    def _kill_everything(self) -> None:
        """Kill every process, the guard and supervisord first, and start the stack again."""
        first = [self.stack.pid("guard"), self.stack.supervisord_pid()]
        for process in [*map(psutil.Process, first), *self.stack.processes()]:
            if process.is_running():
                process.kill()
        if self.server:
            self.server.kill()
            self.server.start()
        self.stack.up()

    def _pid(self, target: str) -> int:
        finders: dict[str, Callable[[], int]] = {
            "gunicorn master": lambda: self.stack.pid("api-ingest"),
            "gunicorn worker": lambda: psutil.Process(self.stack.pid("api-ingest")).children()[0].pid,
            "live processor": lambda: self.stack.pid("processors:live-1"),
            "archive processor": lambda: self.stack.pid("processors:archive"),
        }
        return finders.get(target, lambda: self.stack.pid(target))()


@contextmanager
def chaos_stack(home: Path, store: str) -> Iterator[tuple[Stack, Postgres | None]]:
    """Run a stack without rate limits, and the server of its database.

    Args:
        home: The stack's home.
        store: Its database: `sqlite` or `postgresql`.
    """
    if store == "sqlite":
        with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as running:
            yield running, None
    else:
        with (
            postgres(home) as server,
            stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off", STORE_URL=server.create_database()) as running,
        ):
            yield running, server
