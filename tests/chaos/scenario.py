"""Chaos: kill -9 parts of a running stack while messages flow."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import psutil

from tests.chaos import faults
from tests.chaos.reconcile import wait_settled
from tests.disks import Disk, small_disk
from tests.postgres import Postgres, postgres
from tests.stack import Stack, stack
from tests.support import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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
DISKS = ("log", "queue", "store", "metrics", "ledger")
DATABASE = "database"
EVERYTHING = "everything"
TEAR = "tear queue log"


@dataclass
class Chaos:
    """Kills targets of a stack while a producer posts messages."""

    stack: Stack
    producer: Producer
    server: Postgres | None = None
    """The database server, unless the store is SQLite."""

    disks: Mapping[str, Disk] = field(default_factory=dict)
    """The small disks that folders of the home are, by their names."""

    def faults(self, seconds: float = faults.FAULT_SECONDS) -> dict[str, Callable[[], None]]:
        """Return all faults besides kills, by their names. Those that lose messages must be named by the ledger.

        Args:
            seconds: How long those last that do not end by themselves.
        """
        programs = ("beanstalkd", "api-ingest", "api-query", "wsserver", "keeper", "processors:live-1", "nginx")
        found: dict[str, Callable[[], None]] = {
            f"freeze {program}": partial(faults.freeze, self.stack, program, seconds) for program in programs
        }
        for names in [*((name,) for name in self.disks), *([tuple(self.disks)] if self.disks else [])]:
            for fault in ("full", "without_inodes", "read_only"):
                label = " ".join(names) if len(names) == 1 else "all disks"
                found[f"{label} {fault}"] = partial(faults.spoil, self.disks, names, fault, seconds)
        if not self.server:
            for how, suffixes in faults.STORE_LOG:
                label = f"vanished store files: {how} {' '.join(suffixes)}"
                found[label] = partial(faults.vanish, self.stack, how, suffixes)
        found["delete queue log"] = partial(faults.delete_queue_log, self.stack)
        found[TEAR] = partial(faults.tear_queue_log, self.stack)
        return found

    def suffer(self, name: str) -> None:
        """Let a fault happen, then wait until the stack has recovered by itself."""
        self.faults()[name]()
        self.recover()

    def kills(self) -> dict[str, Callable[[], None]]:
        """Return all kills by their names."""
        return {f"kill {target}": partial(self._kill, target) for target in (*self.targets, EVERYTHING)}

    @property
    def targets(self) -> tuple[str, ...]:
        """All single targets of this stack; EVERYTHING is one more."""
        return (*PROCESSES, DATABASE) if self.server else PROCESSES

    def kill(self, target: str) -> None:
        """Kill a target, then wait until the stack has recovered."""
        self._kill(target)
        self.recover()

    def _kill(self, target: str) -> None:
        if target == EVERYTHING:
            self._kill_everything()
        elif target == DATABASE:
            self._kill_database()
        elif target == "supervisord":
            killed = self.stack.supervisord_pid()
            self.stack.kill(killed)
            # The programs go on for a moment. The guard starts supervisord again.
            record = self.stack.home / "run/supervisord.pid"
            wait_until(lambda: record.read_text().strip() not in {"", str(killed)}, "supervisord is started again")
        else:
            self.stack.kill(self._pid(target))

    def recover(self) -> None:
        """Wait until the stack is ready and accepts messages again."""
        self.stack.wait_ready()
        self.wait_accepted()

    def wait_accepted(self) -> None:
        """Wait until messages are accepted again."""
        before = len(self.producer.accepted)
        wait_until(lambda: len(self.producer.accepted) >= before + 20, "messages are accepted again")

    @contextmanager
    def settled(self) -> Iterator[dict[str, Any]]:
        """Let no message be in flight within the block. Yield the ledger."""
        with self.producer.paused():
            yield wait_settled(self.stack)

    def tear_settled(self) -> None:
        """Tear the queue's log when no record in it is needed any more, so that no message is lost."""
        with self.settled():
            self.stack.supervisorctl("stop", "beanstalkd")
        faults.tear_queue_log(self.stack)

    def discard_dead_letters(self) -> None:
        """Discard all dead letters, as an operator would: a torn log brings back jobs that were done already."""
        with self.settled():
            token = {"Authorization": f"Bearer {(self.stack.home / 'operator-token').read_text().strip()}"}
            for letter in self.stack.get("/api/dead-letters", **token).json["deadLetters"]:
                path = f"/api/dead-letters/{letter['tube']}/{letter['id']}"
                response = self.stack.get(path, method="DELETE", **token)
                assert response.status == HTTPStatus.OK, response

    def _kill_database(self) -> None:
        """Kill the database server, check that messages are still accepted, and start it again."""
        assert self.server
        self.server.kill()
        self.wait_accepted()
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


@contextmanager
def small_disks(running: Stack) -> Iterator[Mapping[str, Disk]]:
    """Put each folder of a running stack on a small disk of its own. Without root's rights there are none."""
    if os.geteuid() != 0:
        yield {}
        return
    assert running.deploy("down").returncode == 0  # the folders have their owners and modes now
    with ExitStack() as mounts:
        sizes = {"store": "2g", "queue": "400m"}
        disks = {
            name: mounts.enter_context(small_disk(running.home / name, f"size={sizes.get(name, '64m')},nr_inodes=2000"))
            for name in DISKS
        }
        running.up()
        try:
            yield disks
        finally:
            running.deploy("down")
