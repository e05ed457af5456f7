"""The links of one queue: one to publish, one to take jobs. Each is opened when it is first used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import amqp

from tradewire.queue.rabbit.link import Dialer
from tradewire.queue.rabbit.publisher import Publisher
from tradewire.queue.rabbit.receiver import Receiver

if TYPE_CHECKING:
    from tradewire.queue.rabbit.address import Address


class Links:
    """The links of one queue.

    `publisher` and `receiver` raise OSError, amqp.exceptions.AMQPError or RefusedError if no node can be reached.

    Args:
        address: The parts of the URL.
    """

    def __init__(self, address: Address) -> None:
        self._dialer = Dialer(address)
        self._publisher: Publisher | None = None
        self._receiver: Receiver | None = None

    @property
    def is_publishing(self) -> bool:
        """Whether there is a link to publish already."""
        return self._publisher is not None

    @property
    def is_receiving(self) -> bool:
        """Whether there is a link to take jobs already."""
        return self._receiver is not None

    @property
    def hosts(self) -> str:
        """Where the links lead to, for a message. Empty if there are none."""
        parts = (self._publisher, self._receiver)
        return " and ".join(sorted({part.link.host for part in parts if part}))

    def publisher(self) -> Publisher:
        """Return the link to publish. Open it first if it is missing, or was not used for long."""
        if self._publisher and not self._works(self._publisher):
            self._publisher = None
        if self._publisher is None:
            self._publisher = Publisher(self._dialer.open())
        return self._publisher

    def receiver(self, *, may_renew: bool) -> Receiver:
        """Return the link to take jobs. Open it first if it is missing.

        Args:
            may_renew: Whether to open another one if it broke, or was not used for long. It must hold no jobs then.
        """
        if may_renew and self._receiver and not self._works(self._receiver):
            self._receiver = None
        if self._receiver is None:
            self._receiver = Receiver(self._dialer.open())
        if self._publisher and not self._works(self._publisher):  # used or not, it stays open while jobs are taken
            self._publisher = None
        return self._receiver

    def avoid(self) -> None:
        """Try other nodes first from now on."""
        for part in (self._publisher, self._receiver):
            if part:
                self._dialer.avoid(part.link.host)

    def close(self) -> bool:
        """Close the links in good order. Return whether RabbitMQ has confirmed that for the jobs."""
        publisher, receiver = self._publisher, self._receiver
        self._publisher = self._receiver = None
        if publisher:
            self._close(publisher)
        return self._close(receiver) if receiver else True

    def drop(self) -> None:
        """Close the links without waiting for RabbitMQ, and try other nodes first from now on."""
        self.avoid()
        for part in (self._publisher, self._receiver):
            if part:
                part.link.drop()
        self._publisher = self._receiver = None

    def _works(self, part: Publisher | Receiver) -> bool:
        """Return whether a link is open and in use. Close it otherwise."""
        try:
            if not part.link.is_idle:
                part.link.catch_up()
                return True
        except (OSError, amqp.exceptions.AMQPError):
            self._dialer.avoid(part.link.host)
        self._close(part)
        return False

    def _close(self, part: Publisher | Receiver) -> bool:
        with suppress(OSError, amqp.exceptions.AMQPError):
            part.link.close()
            return True
        return False
