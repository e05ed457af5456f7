"""A network for tests, in a namespace of its own: with whole networks of addresses, and apart from this machine's."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support import TIMEOUT_SECONDS, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

NETWORKS: Final = ("10.0.0.0/8", "2001:db8::/32")
"""Every address of these networks belongs to the network of `own_network`."""
_CLONE_NEWNET: Final = 0x40000000
_IPV6_FREEBIND: Final = 78
"""Lets a socket have an address of a local network that no interface has. With IPv4, every socket may."""


@contextmanager
def own_network() -> Iterator[None]:
    """Move this thread, and each process that it starts, into a new network. Skip where that is impossible."""
    ip, libc = require_program("ip"), ctypes.CDLL(None)
    with Path("/proc/self/ns/net").open() as before:
        if os.geteuid() != 0 or libc.unshare(_CLONE_NEWNET):
            pytest.skip("this user may make no network")
        try:
            subprocess.run([ip, "link", "set", "lo", "up"], check=True)
            for network in NETWORKS:
                subprocess.run([ip, "route", "add", "local", network, "dev", "lo"], check=True)
            yield
        finally:
            assert libc.setns(before.fileno(), _CLONE_NEWNET) == 0


def connect(source: str, target: str, port: int) -> socket.socket:
    """Connect from one address of these networks to another."""
    sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
    sock.settimeout(TIMEOUT_SECONDS)
    if sock.family is socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    sock.bind((source, 0))
    sock.connect((target, port))
    return sock
