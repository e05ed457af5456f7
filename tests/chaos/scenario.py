"""Chaos: kill -9 what runs, while messages flow."""

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

    from tests.chaos.poster import Poster

SERVICES = (
    "beanstalkd",
    "gunicorn worker",
    "gunicorn master",
    "live processor",
    "archive processor",
    "api-query",
    "wsserver",
    "nginx",
    "supervisord",
)
DATABASE = "database"
EVERYTHING = "everything"


@dataclass
class Chaos:
    """Kills parts of a stack while messages flow."""

    stack: Stack
    poster: Poster
    server: Postgres | None = None
    """The database's own server, where it has one."""

    @property
    def victims(self) -> tuple[str, ...]:
        """What can be struck, one at a time."""
        return (*SERVICES, DATABASE) if self.server else SERVICES

    def strike(self, victim: str) -> None:
        """Kill a part, then wait until the stack has mended itself and messages are accepted again."""
        if victim == EVERYTHING:
            self._kill_everything()
        elif victim == DATABASE:
            self._kill_database()
        elif victim == "supervisord":
            self.stack.kill(self.stack.supervisord_pid())
            self.stack.up()
        else:
            self.stack.kill(self._pid_of(victim))
        self.recover()

    def recover(self) -> None:
        """Wait until every part is back and some more messages were accepted."""
        self.stack.wait_ready()
        self._wait_accepted()

    def _wait_accepted(self) -> None:
        before = len(self.poster.accepted)
        wait_until(lambda: len(self.poster.accepted) >= before + 20, "messages are accepted again")

    def _kill_database(self) -> None:
        """Kill the database's server; without it, messages are accepted all the same."""
        assert self.server
        self.server.kill()
        self._wait_accepted()
        self.server.start()

    def _kill_everything(self) -> None:
        """Kill every process at once, supervisord first, and start them again."""
        for process in [psutil.Process(self.stack.supervisord_pid()), *self.stack.processes()]:
            if process.is_running():
                process.kill()
        if self.server:
            self.server.kill()
            self.server.start()
        self.stack.up()

    def _pid_of(self, victim: str) -> int:
        find: dict[str, Callable[[], int]] = {
            "gunicorn master": lambda: self.stack.pid("api-ingest"),
            "gunicorn worker": lambda: psutil.Process(self.stack.pid("api-ingest")).children()[0].pid,
            "live processor": lambda: self.stack.pid("processors:live-1"),
            "archive processor": lambda: self.stack.pid("processors:archive"),
        }
        return find.get(victim, lambda: self.stack.pid(victim))()


@contextmanager
def battlefield(home: Path, store: str) -> Iterator[tuple[Stack, Postgres | None]]:
    """Run a stack whose store is `sqlite` or `postgresql`, and that database's server."""
    if store == "sqlite":
        with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as running:
            yield running, None
    else:
        with (
            postgres(home) as server,
            stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off", STORE_URL=server.create_database()) as running,
        ):
            yield running, server
