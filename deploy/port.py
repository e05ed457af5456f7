"""Where nginx listens, whether it can, and which process holds the port if not."""

from __future__ import annotations

import os
import re
import socket
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.console import Failure
from tradewire import setting_checks
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTENING = "0A"
"""TCP_LISTEN, as /proc/net/tcp writes it."""
_LOOPBACKS = ("127.0.0.1", "[::1]")
_LOOPBACK = re.compile(r"127\.[\d.]+|\[::1\]")
_WILDCARDS = {4: "0.0.0.0", 6: "[::]"}  # noqa: S104 - compared, not bound
"""By version of the Internet Protocol."""
_LOOPBACK_OF = dict(zip(_WILDCARDS.values(), _LOOPBACKS, strict=True))
"""By wildcard: the loopback address that it includes."""


def addresses(listen: Iterable[str]) -> list[str]:
    """Return the addresses for nginx, each once.

    `localhost` becomes the loopback addresses that this machine has. A browser may take any of them for that name, but
    nginx would take only those in /etc/hosts.

    Args:
        listen: Each `ADDRESS:PORT`, from the settings.
    """
    found = []
    for address in listen:
        host, port = _split(address)
        hosts = [name for name in _LOOPBACKS if _exists(name)] if host == "localhost" else [host]
        found += [f"{name}:{port}" for name in hosts]
    return [*dict.fromkeys(found)]


def nginx_programs(listen: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses of each nginx, by its program's name.

    If other machines reach the stack, its loopback addresses have an nginx of their own. So this machine and its probes
    get answers even if clients of the network keep every connection of theirs busy.

    Args:
        listen: Each `ADDRESS:PORT`, from the settings.
    """
    found = addresses(listen)
    loopback = [address for address in found if _LOOPBACK.fullmatch(_split(address)[0])]
    network = [address for address in _widest(found) if address not in loopback]
    if not network:
        return {"nginx": loopback}
    for host, port in map(_split, network):
        own = _LOOPBACK_OF.get(host)
        if own and f"{own}:{port}" not in loopback and _exists(own):
            loopback.append(f"{own}:{port}")
    return {"nginx": network} | ({"nginx-loopback": loopback} if loopback else {})


def check(listen: Iterable[str]) -> None:
    """Check that nginx can listen on every address now.

    Args:
        listen: Each `ADDRESS:PORT`, from the settings.

    Raises:
        Failure: An address can't be used.
    """
    with ExitStack() as stack:
        own: list[socket.socket] = []  # all at once, as one address may include another
        for address in _widest(addresses(listen)):
            host, port = _split(address)
            try:
                own += map(stack.enter_context, _listeners(host.strip("[]"), int(port)))
            except OSError as error:
                raise Failure(
                    f"nginx can't listen on {address}: {error.strerror}{_reason(int(port), own)}",
                    "Nothing was started. Stop what holds the port, or choose another address or port in "
                    f"{PREFIX}LISTEN.",
                ) from error


def _widest(found: Iterable[str]) -> list[str]:
    """Return the addresses that no wildcard of the list includes. A name may lead anywhere, so it is kept."""
    listed = list(found)
    return [address for address in listed if _wildcard(address) == address or _wildcard(address) not in listed]


def _wildcard(address: str) -> str:
    """Return the wildcard that includes an address, with its port. Empty if the host is a name."""
    host, port = _split(address)
    try:
        version = ip_address(host.strip("[]")).version
    except ValueError:
        return ""
    return f"{_WILDCARDS[version]}:{port}"


def _split(address: str) -> tuple[str, str]:
    """Return the host, as browsers write it, and the port."""
    host, _, port = address.rpartition(":")
    return setting_checks.host(host), port


def _exists(host: str) -> bool:
    """Return True if this machine has the loopback address."""
    try:
        for listener in _listeners(host.strip("[]"), 0):
            listener.close()
    except OSError:
        return False
    return True


def _listeners(host: str, port: int) -> Iterator[socket.socket]:
    """Listen, as nginx will. Close what this yields."""
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
        yield listener


def _reason(port: int, own: list[socket.socket]) -> str:
    if holders := _holders(port, own):
        return f"; the port is held by {', '.join(holders)}"
    if any(listener.getsockname()[1] == port for listener in own):
        return "; another address of the list includes it"
    return ""


def _holders(port: int, own: list[socket.socket]) -> list[str]:
    """Name the processes that listen on this port, as far as this user may see them, by other sockets than these."""
    sockets = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for row in table.read_text().splitlines()[1:] if table.exists() else ():
            _, local, _, state, *rest = row.split()
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{rest[5]}]")
    sockets -= {f"socket:[{os.fstat(listener.fileno()).st_ino}]" for listener in own}
    return sorted(
        f"{(process / 'comm').read_text().strip()} (process {process.name})"
        for process in Path("/proc").glob("[0-9]*")
        if any(_target(link) in sockets for link in _open_files(process))
    )


def _open_files(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:  # another user's process, or it has ended since
        return []


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed since
        return ""
