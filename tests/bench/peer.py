"""Other stacks for the same job, which a benchmark measures beside Tradewire.

They are no part of this project. A folder has one subfolder for each, with a program `run.sh start|stop PORT`. Such a
stack must take messages at `/api/message` and batches at `/api/messages`, answer 201, and hand each message on to its
WebSocket clients at `/ws`, as JSON with its `userId` and without compression.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import time
import uuid
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from tests.bench.clients import Clients
from tests.bench.trades import marked, trades
from tests.support import ROOT, get, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER_VARIABLE: Final = "BENCH_PEERS"
"""The environment variable that names the folder of peers."""
DEFAULT_FOLDER: Final = ROOT.parent / "shared/peers"
DEFAULT_PEER: Final = "fastapi"
INSTALL_TIMEOUT_SECONDS: Final = 900
"""The first start installs the peer's packages."""
_STATE: Final = Path("/tmp/peers")  # noqa: S108 - the peers' programs have chosen it
"""Where a peer keeps its files, in the subfolder NAME/PORT: process ids, and perhaps its archive."""
_PORTS: Final = 3
_PROBE_SECONDS: Final = 0.5
_QUIET_SECONDS: Final = 1.0
"""Without a message for so long, a peer has shown all: it has no ledger to ask."""


def folder() -> Path:
    """Return the folder of peers. It may not exist."""
    return Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))


def absence(name: str) -> str:
    """Return why a peer can't be started; empty if it is there."""
    program = folder() / name / "run.sh"
    if program.is_file():
        return ""
    return f"there is no peer {name}: {program} is missing. Set {FOLDER_VARIABLE} to the folder of peers."


@dataclass(frozen=True)
class Peer:
    """A running peer as a target."""

    name: str
    home: Path
    port: int
    state: Path
    """Its own folder, with a file for each process id, and perhaps its archive."""
    token: str = ""
    may_refuse: bool = True
    """With many connections, one peer runs out of those to its queue, and answers 500."""

    @property
    def url(self) -> str:
        """The address that paths are added to."""
        return f"http://127.0.0.1:{self.port}/"

    def programs(self) -> Iterator[tuple[str, psutil.Process]]:
        """Yield every process, with the name of its program."""
        for file in sorted(self.state.glob("*.pid")):
            leader = psutil.Process(int(file.read_text()))
            yield from ((file.stem, process) for process in (leader, *leader.children(recursive=True)))

    @contextmanager
    def connect(self, browsers: int) -> Iterator[Clients]:
        """Connect browsers, and post messages until each of them has received one: a peer sends no hello."""
        with Clients(self.port, browsers, is_greeted=False) as clients:
            clients.record_arrivals()
            wait_until(lambda: self._probe(clients), f"{self.name} shows a message to {browsers} browsers")
            _wait_quiet(clients)
            clients.start_over()
            yield clients

    def reconciliation(self, clients: Clients) -> PeerReconciliation:
        """Reconcile the answers with the events that the clients received."""
        return PeerReconciliation(clients)

    @contextmanager
    def archive(self) -> Iterator[Callable[[], int] | None]:
        """Open the archive's SQLite file, if there is one. No row is ever deleted, so the last row's id counts them."""
        file = self.state / "trades.db"
        if not file.exists():
            yield None
            return
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as connection:
            yield lambda: int(connection.execute("SELECT coalesce(max(rowid), 0) FROM trades").fetchone()[0])

    def _probe(self, clients: Clients) -> bool:
        """Post a message; return whether it reaches all clients soon."""
        mark = str(uuid.uuid4())
        status = get(
            self.port, "/api/message", method="POST", body=marked(trades(1)[0], mark), Content_Type="application/json"
        ).status
        assert 200 <= status < 300, f"{self.name} answers {status}"
        end = time.monotonic() + _PROBE_SECONDS
        while time.monotonic() < end:
            if len(clients.arrivals().get(mark.encode(), ())) == clients.count:
                return True
            time.sleep(0.02)
        return False


class PeerReconciliation:
    """Reconciles the messages that a peer answered 201 with those that its clients received."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.received = clients.counts().min_events
        """Events that each client had received at the last reconciliation."""

    def reconcile(self, answered: int) -> int:
        """Wait until all is shown; fail if a message was lost, or reached a client twice.

        Args:
            answered: How many messages were answered 201 since the last reconciliation.

        Returns:
            How many messages were shown since the last reconciliation.
        """
        self._clients.wait_received(self.received + answered)
        _wait_quiet(self._clients)
        received = self._clients.counts().min_events
        self._clients.check_received(received)
        shown = received - self.received
        self.received = received
        return shown


def _wait_quiet(clients: Clients) -> None:
    """Wait until no event has arrived for a while."""

    def is_quiet() -> bool:
        time.sleep(_QUIET_SECONDS / 10)
        return time.monotonic_ns() - clients.counts().last_event_ns > _QUIET_SECONDS * 1e9

    wait_until(is_quiet, "no more events arrive")


@contextmanager
def peer(name: str, home: Path, *, archive: bool = False) -> Iterator[Peer]:
    """Run a peer.

    Args:
        name: Its subfolder in the folder of peers.
        home: A folder for the files of the load.
        archive: Whether it archives into SQLite.
    """
    port = _free_ports()
    with ExitStack() as contexts:
        contexts.callback(_run, name, "stop", port)
        _run(name, "start", port, ARCHIVE="1" if archive else "")
        running = Peer(f"{name} with archive" if archive else name, home, port, _STATE / name / str(port))
        yield running


def _run(name: str, command: str, port: int, **environ: str) -> None:
    """Run a peer's program. Its processes inherit no pipe, which would stay open."""
    process = subprocess.run(
        [folder() / name / "run.sh", command, str(port)],
        env=os.environ | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_SECONDS,
        check=False,
    )
    assert process.returncode == 0, f"the peer {name} did not {command}:\n{process.stdout}{process.stderr}"


def _free_ports() -> int:
    """Return the first of the consecutive ports that a peer takes, all free.

    A peer that was never stopped, because its benchmark was killed, leaves its files. It would not start on them.
    """
    for first in range(21_000, 29_000, _PORTS):
        if any(_STATE.glob(f"*/{first}")):
            continue
        with ExitStack() as sockets:
            try:
                for port in range(first, first + _PORTS):
                    sockets.enter_context(closing(socket.create_server(("127.0.0.1", port))))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")
