"""supervisord: how it is started, and the states that it sees its programs in."""

from __future__ import annotations

import os
import socket
import subprocess
import xmlrpc.client
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from deploy.checkout import PYTHON, ROOT, supervise_command
from deploy.stack import SUPERVISORD_RECORD
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GUARDED = "SUPERVISORD_IS_GUARDED"
"""The environment variable that tells deploy/guard.py to start supervisord again. It is not set in the foreground:
there, the process that started deploy/up does so."""
_CONTROL_SECONDS = 2.0
"""How long supervisord may take to answer."""


def start(home: Path, environ: Mapping[str, str], *, foreground: bool) -> subprocess.Popen[bytes]:
    """Start supervisord. Of this process's environment it gets PATH and the settings, no other variable.

    In the foreground it writes to this process's output, and ends with this process.
    """
    lasting = [] if foreground else ["setpriv", "--pdeathsig", "clear", "--"]
    program = [str(PYTHON), "-I", str(ROOT / "deploy/steady_supervisord.py")]
    quiet = [] if foreground else ["--silent"]  # it has a log of its own
    options = ["--nodaemon", "-c", str(home / "conf/supervisord.conf"), *quiet]
    settings = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    guarded = {} if foreground else {GUARDED: "1"}
    output = None if foreground else _open_output(home)
    try:
        return subprocess.Popen(
            [*supervise_command(), SUPERVISORD_RECORD, *lasting, *program, *options],
            cwd=home,
            env={"PATH": environ["PATH"], "LANG": "C.UTF-8", **settings, **guarded},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        if output is not None:
            os.close(output)


def _open_output(home: Path) -> int:
    """Open the file for what supervisord prints: why it can't start, or why it ended."""
    try:
        return os.open(home / "log/supervisord.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:  # a full or read-only disk must not keep supervisord from starting
        return os.open(os.devnull, os.O_WRONLY)


def states(home: Path) -> dict[str, str]:
    """Return the state of each program by its name in supervisorctl. Empty if supervisord does not answer."""
    with xmlrpc.client.ServerProxy("http://supervisord/RPC2", _Transport(home / "run/control.sock")) as server:
        try:
            programs: Any = server.supervisor.getAllProcessInfo()
        except (OSError, HTTPException, xmlrpc.client.Error):
            return {}
    return {_name(program["group"], program["name"]): program["statename"] for program in programs}


def _name(group: str, name: str) -> str:
    return name if group == name else f"{group}:{name}"


class _Transport(xmlrpc.client.Transport):
    """Sends calls to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:
        """Return a connection to the socket. The host is ignored."""
        connection = _UnixConnection(self._path)
        self._connection = (host, connection)  # for close()
        return connection


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("supervisord", timeout=_CONTROL_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
