"""A link: one open AMQP connection, whose commands can leave together, and whose answers are read within a time."""

from __future__ import annotations

import logging
import random
import re
import select
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import amqp

from tradewire.queue.rabbit import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewire.queue.rabbit.address import Address

_CLOSE_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 10
"""RabbitMQ closes a connection that was silent for two to three times as long, and gives its jobs back: within the TTR.
A delivery may take less than twice as long."""
_IDLE_SECONDS: Final = 15.0
"""A link that was not used for so long may be closed at the other end. It is made anew before its next use."""
_TICK_SECONDS: Final = 5.0
logging.getLogger("amqp").setLevel(logging.ERROR)  # it warns of each message that it gives back, which is expected here
_VERSION: Final = re.compile(r"(\d+)\.")
_OLDEST_VERSION: Final = 4


class RefusedError(Exception):
    """RabbitMQ or this engine refuses a call. The text says why; see `faults`."""


class _Connection(amqp.Connection):  # type: ignore[misc] # amqp has no types
    """A connection whose frames can be held back, so that they leave in one system call."""

    held_back: list[bytes] | None = None

    def Transport(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - amqp's name
        transport = super().Transport(*args, **kwargs)
        send = transport.write

        def write(frame: bytes | memoryview) -> None:
            if self.held_back is None:
                send(frame)
            else:
                self.held_back.append(bytes(frame))  # amqp uses its buffer again

        transport.write = write
        return transport


class Link:
    """One open connection to a node. Use it from one thread only.

    Every call raises OSError or amqp.exceptions.AMQPError if the link breaks. Close it then.

    Args:
        host: `HOST:PORT` of the node.
        address: The other parts of the URL.

    Raises:
        RefusedError: The node is too old.
    """

    def __init__(self, host: str, address: Address) -> None:
        self.host = host
        self.answer_seconds = address.answer_seconds
        self.is_blocked = False
        """Whether the node takes no messages from this link, since it has an alarm."""
        self._connection = _Connection(
            host,
            address.user,
            address.password,
            login_method="PLAIN",
            virtual_host=address.virtual_host,
            connect_timeout=self.answer_seconds,
            heartbeat=HEARTBEAT_SECONDS,
            on_blocked=lambda _: self._block(is_blocked=True),
            on_unblocked=lambda: self._block(is_blocked=False),
            socket_settings={socket.TCP_USER_TIMEOUT: self.answer_seconds * 1000},
        )
        try:
            self._connection.connect()
            self._connection.sock.settimeout(self.answer_seconds)
            check_version(self._connection.server_properties)
        except BaseException:
            self._connection.collect()
            raise
        self._sent_at = self._used_at = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """Whether the link was not used for so long that it may be closed at the other end."""
        return time.monotonic() - self._used_at > _IDLE_SECONDS

    def channel(self) -> Any:
        """Return a new channel."""
        return self._connection.channel()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send the commands of a block in one system call, at its end."""
        self._connection.held_back = []
        try:
            yield
            frames = self._connection.held_back
        finally:
            self._connection.held_back = None
        self._sent_at = time.monotonic()
        if frames:
            self._connection.transport.write(b"".join(frames))

    def read(self, seconds: float) -> None:
        """Read the next answer, and call those that wait for it. Raise TimeoutError if the time runs out."""
        if not self._connection.connected:
            raise ConnectionError("the connection is closed")
        self._beat()
        self._connection.drain_events(timeout=max(seconds, 0.001))

    def catch_up(self) -> None:
        """Read all answers that are there, without waiting. Raise an error if the node has closed the link."""
        self._used_at = time.monotonic()
        while self._has_unread():
            with suppress(TimeoutError):  # only a heartbeat
                self.read(0.001)
        self._beat()

    def close(self) -> None:
        """Close the link in good order. RabbitMQ then gives back all jobs that it gave to the link."""
        connection = self._connection
        try:
            if connection.connected:
                connection.sock.settimeout(_CLOSE_SECONDS)
                connection.close()
        finally:
            connection.collect()

    def drop(self) -> None:
        """Close the link without waiting for the node."""
        self._connection.collect()

    def _block(self, *, is_blocked: bool) -> None:
        self.is_blocked = is_blocked

    def _has_unread(self) -> bool:
        if not self._connection.connected:
            raise ConnectionError("the connection is closed")
        transport = self._connection.transport
        return bool(transport._read_buffer or select.select([transport.sock], [], [], 0)[0])  # noqa: SLF001 - unread bytes

    def _beat(self) -> None:
        if time.monotonic() - self._sent_at > _TICK_SECONDS:
            self._connection.send_heartbeat()
            self._sent_at = time.monotonic()


class Dialer:
    """Opens links to the nodes of a cluster: to any of them, but last to those that failed.

    Args:
        address: The parts of the URL.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._hosts = random.sample(address.hosts, len(address.hosts))  # so that the nodes share the connections

    def open(self) -> Link:
        """Return a link to the first node that answers.

        Raises:
            OSError, amqp.exceptions.AMQPError, RefusedError: No node does; the error of the last one.
        """
        errors: list[Exception] = []
        for host in tuple(self._hosts):
            try:
                return Link(host, self._address)
            except (OSError, amqp.exceptions.AMQPError, RefusedError) as error:
                self.avoid(host)
                errors.append(error)
        raise errors[-1]

    def avoid(self, host: str) -> None:
        """Try other nodes before this one."""
        self._hosts.remove(host)
        self._hosts.append(host)


def check_version(properties: dict[str, Any]) -> None:
    """Check the version of a node. Raise RefusedError if it is too old.

    Args:
        properties: What the node tells about itself.
    """
    version = str(properties.get("version", ""))
    match = _VERSION.match(version)
    if not match or int(match[1]) < _OLDEST_VERSION:
        raise RefusedError(f"{faults.TOO_OLD}: it has version {version}, which drops jobs that are returned often")
