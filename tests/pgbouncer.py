"""A PgBouncer in transaction mode in front of a PostgreSQL server for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import make_url

from tests.support import TIMEOUT_SECONDS, require_program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PORT: Final = 6432
"""Part of the socket's name. No TCP port is opened."""


@contextmanager
def pgbouncer(home: Path, url: str, sessions: int) -> Iterator[str]:
    """Run a PgBouncer. Any session of the server may run the next transaction of any client.

    Args:
        home: An empty folder for its files.
        url: A database on a unix socket.
        sessions: Number of sessions that all clients share.

    Yields:
        The URL of the database through PgBouncer.
    """
    program = require_program("pgbouncer")
    database = make_url(url)
    folder = home / "pgbouncer"
    folder.mkdir()
    (folder / "users").write_text('"tradewire" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"""
[databases]
{database.database} = host={database.query["host"]} user=tradewire
[pgbouncer]
listen_addr =
listen_port = {_PORT}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {sessions}
server_round_robin = 1
logfile = {folder}/log
"""
    )
    command = [program, "-q", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # PgBouncer refuses to run as root
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody", "nogroup")
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            wait_until((folder / f".s.PGSQL.{_PORT}").exists, "PgBouncer listens")
            yield f"postgresql://tradewire@/{database.database}?host={folder}&port={_PORT}"
        finally:
            process.kill()
            process.wait(TIMEOUT_SECONDS)
