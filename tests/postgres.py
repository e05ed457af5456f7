"""A PostgreSQL of the tests' own: the distribution's programs, data and unix socket in a home, no TCP port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import psycopg
import pytest

from tests.support import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",  # processes are killed here, machines are not
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_line_prefix": "%m [%p] %d ",
}


class Postgres:
    """A server that can be stopped, killed, frozen and started again; its data stay."""

    def __init__(self, home: Path) -> None:
        self._data = home / "postgresql"
        self._socket = home / "postgresql.sock"
        self._log = home / "postgresql.log"
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root; whoever connects is trusted, as only this machine can.
        self._as_nobody: dict[str, Any] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        )
        for folder in (self._data, self._socket):
            folder.mkdir()
            if self._as_nobody:
                shutil.chown(folder, "nobody", "nogroup")
        self._run(
            "initdb", "-D", self._data, "-U", "tradewire", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale"
        )

    def start(self) -> None:
        """Start the server, and wait until it takes connections."""
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [str(_program("postgres")), "-D", str(self._data), "-k", str(self._socket), *settings]
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, cwd=self._data, stdout=log, stderr=log, **self._as_nobody)
        self._process = process
        wait_until(self._connects, "PostgreSQL takes connections")

    def stop(self) -> None:
        """Stop the server in order, its connections with it."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9 the server and each process of a connection at once, as a crash of its machine would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let every process of the server stand still: it takes connections, and answers nothing."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Let them go on."""
        for process in self._processes():
            process.resume()

    def database(self) -> str:
        """Make an empty database; give its URL, for any user of this machine."""
        name = f"test{next(self._numbers)}"
        with self._connected() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._url(name)

    def _processes(self) -> list[psutil.Process]:
        assert self._process
        server = psutil.Process(self._process.pid)
        return [server, *server.children()]

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        victims = self._processes() if number is signal.SIGKILL else self._processes()[:1]
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        self._process.wait(PATIENCE_SECONDS)
        psutil.wait_procs(victims, PATIENCE_SECONDS)
        self._process = None

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=5)

    def _connects(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self._log.read_text()
        try:
            self._connected().close()
        except psycopg.OperationalError:
            return False
        return True

    def _url(self, database: str) -> str:
        return f"postgresql://tradewire@/{database}?host={self._socket}"

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [_program(program), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self._as_nobody)
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def postgres(home: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL in this home."""
    server = Postgres(home)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _program(name: str) -> Path:
    """Find a program of the newest PostgreSQL that is installed; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed")
    return found[-1]
