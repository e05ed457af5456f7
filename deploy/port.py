"""Whether nginx can listen at the address that the settings give, and which process holds the port if not."""

from __future__ import annotations

import socket
from pathlib import Path

from deploy.console import Failure
from tradewire.settings import PREFIX

_LISTENING = "0A"
"""TCP_LISTEN, as /proc/net/tcp writes it."""


def check(listen: str) -> None:
    """Raise Failure if nginx couldn't listen there now."""
    host, _, port = listen.rpartition(":")
    try:
        _listen(host.strip("[]"), port)
    except OSError as error:
        holders = ", ".join(_holders(int(port)))
        held = f"; the port is held by {holders}" if holders else ""
        raise Failure(
            f"nginx can't listen on {listen}: {error.strerror}{held}",
            f"Nothing was started. Stop what holds the port, or choose another address or port in {PREFIX}LISTEN.",
        ) from error


def _listen(host: str, port: str) -> None:
    """Listen for a moment, as nginx will."""
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen()


def _holders(port: int) -> list[str]:
    """Name the processes that listen on this port, as far as this user may see them."""
    sockets = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for row in table.read_text().splitlines()[1:] if table.exists() else ():
            _, local, _, state, *rest = row.split()
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{rest[5]}]")
    return sorted(
        f"{(process / 'comm').read_text().strip()} (process {process.name})"
        for process in Path("/proc").glob("[0-9]*")
        if any(_target(link) in sockets for link in _open_files(process))
    )


def _open_files(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:  # another user's process, or one that has ended since
        return []


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed since
        return ""
