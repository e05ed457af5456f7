"""A PostgreSQL server for tests: installed programs, data and unix socket in the home directory, no TCP port."""

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

from tests.support import TIMEOUT_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",  # tests kill processes, but no machine
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_line_prefix": "%m [%p] %d ",
}


class Postgres:
    """A server that tests can stop, kill and start again. Its data survives."""

    def __init__(self, home: Path) -> None:
        self._data = home / "postgresql"
        self._socket = home / "postgresql.sock"
        self._log = home / "postgresql.log"
        self._database_numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen: list[psutil.Process] = []
        # PostgreSQL refuses to run as root. It trusts every client, since only local users can connect.
        self._as_nobody: dict[str, Any] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        )
        for folder in (self._data, self._socket):
            folder.mkdir()
            if self._as_nobody:
                shutil.chown(folder, "nobody", "nogroup")
        # A locale in which sorting and case differ from ASCII's, as most servers have one.
        locale = ("-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
        self._run("initdb", "-D", self._data, "-U", "tradewire", "-A", "trust", "--no-sync", *locale)

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [str(_program("postgres")), "-D", str(self._data), "-k", str(self._socket), *settings]
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, cwd=self._data, stdout=log, stderr=log, **self._as_nobody)
        self._process = process
        wait_until(self._accepts_connections, "PostgreSQL accepts connections")

    def stop(self) -> None:
        """Shut the server down and disconnect its clients."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server and all of its backend processes at once, as a crash of the machine would."""
        self._signal(signal.SIGKILL)

    def create_database(self) -> str:
        """Create an empty database. Return a URL with which any local user can connect."""
        name = f"test{next(self._database_numbers)}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._url(name)

    def execute(self, statement: str) -> None:
        """Execute a statement as the superuser."""
        with self._connect() as connection:
            connection.execute(statement)

    def freeze(self) -> None:
        """Stop all processes of the server until `thaw`. Their connections stay open."""
        self.freeze_listener()  # first, so that it starts no other process
        for process in self._processes()[1:]:
            with suppress(psutil.NoSuchProcess):  # it has just ended by itself
                process.suspend()
                self._frozen.append(process)

    def freeze_listener(self) -> None:
        """Stop only the process that takes new connections until `thaw`."""
        self._frozen = self._processes()[:1]
        self._frozen[0].suspend()

    def thaw(self) -> None:
        """Let the server go on."""
        while self._frozen:
            self._frozen.pop().resume()

    def _processes(self) -> list[psutil.Process]:
        assert self._process
        server = psutil.Process(self._process.pid)
        return [server, *server.children()]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        processes = self._processes() if number is signal.SIGKILL else self._processes()[:1]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        self._process.wait(TIMEOUT_SECONDS)
        psutil.wait_procs(processes, TIMEOUT_SECONDS)
        self._process = None

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=5)

    def _accepts_connections(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self._log.read_text()
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _url(self, database: str) -> str:
        return f"postgresql://tradewire@/{database}?host={self._socket}"

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [_program(program), *arguments]
        result = subprocess.run(command, cwd="/", capture_output=True, check=False, **self._as_nobody)
        assert result.returncode == 0, result.stderr.decode()


@contextmanager
def postgres(home: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL server in a home directory."""
    server = Postgres(home)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _program(name: str) -> Path:
    """Return the path of a program of the newest installed PostgreSQL. Debian does not put them in PATH."""
    paths = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not paths:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed")
    return paths[-1]
