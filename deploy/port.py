"""Tell whether nginx will be able to listen where the settings say, and if not, who or what is in the way."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from tradewire.settings import Settings

_LISTENING = "0A"
"""TCP_LISTEN, as /proc/net/tcp writes it."""


def main() -> int:
    """Try to listen, as nginx will."""
    listen = Settings.from_env(os.environ).listen
    host, _, port = listen.rpartition(":")
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family is socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind(address)
                listener.listen()
    except OSError as error:
        holders = _holders(int(port))
        sys.stderr.write(
            f"nginx can't listen on {listen}: {error.strerror}"
            + (f"; the port is held by {', '.join(holders)}" if holders else "")
            + "\n"
        )
        return 1
    return 0


def _holders(port: int) -> list[str]:
    """Name the processes that listen on this port, as far as this user may see them."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for row in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = row.split()
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{rest[5]}]")
    return sorted(
        f"{(process / 'comm').read_text().strip()} (process {process.name})"
        for process in Path("/proc").glob("[0-9]*")
        if sockets & _open_files(process)
    )


def _open_files(process: Path) -> set[str]:
    try:
        return {str(link.readlink()) for link in (process / "fd").iterdir()}
    except OSError:  # another user's, or gone meanwhile
        return set()


if __name__ == "__main__":
    sys.exit(main())
