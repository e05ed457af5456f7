"""Publishes messages, and waits until RabbitMQ has confirmed each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import amqp
from amqp import spec

from tradewire.queue.rabbit import faults, stamp
from tradewire.queue.rabbit.link import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tradewire.queue.rabbit.link import Link

_WINDOW_BYTES: Final = 4 * 2**20
_WINDOW_PUTS: Final = 4000
"""How much to send before waiting for the confirms."""
_BLOCKED_SECONDS: Final = 0.3
"""A message that was under way when RabbitMQ blocked the link may still be confirmed within this time."""
_PERSISTENT: Final = 2


class Publisher:
    """Publishes to queues by their names.

    Args:
        link: A link of its own: RabbitMQ reads nothing at all from a link that it has blocked.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._channel = link.channel()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._confirm)
        self._channel.events["basic_nack"].add(self._refuse)
        self._channel.events["basic_return"].add(self._return)
        self._sequence = 0
        self._unconfirmed: dict[int, None] = {}
        """The sequence numbers of messages that wait for their confirms, in order."""
        self._fault = ""

    def publish(self, puts: Sequence[tuple[str, bytes]]) -> None:
        """Publish bodies, each to its queue. Return once a majority of each queue's members has them on disk.

        Args:
            puts: Pairs of a queue's name and a body. Each queue gets its bodies in this order.

        Raises:
            RefusedError: Nothing is promised, but some messages may be in their queues.
        """
        self.link.catch_up()
        if self.link.is_blocked:
            raise RefusedError(faults.BLOCKED)
        for window in _windows(puts):
            with self.link.together():
                for queue, body in window:
                    self._send(queue, body)
            self._wait(time.monotonic() + self.link.answer_seconds)

    def _send(self, queue: str, body: bytes) -> None:
        self._sequence += 1
        self._unconfirmed[self._sequence] = None
        message = amqp.Message(body, delivery_mode=_PERSISTENT, message_id=stamp.make())
        mandatory, immediate = True, False  # without its queue, a message comes back instead of being lost
        self._channel.send_method(spec.Basic.Publish, "Bssbb", (0, "", queue, mandatory, immediate), message)

    def _wait(self, until: float) -> None:
        while self._unconfirmed:
            if self.link.is_blocked:
                until = min(until, time.monotonic() + _BLOCKED_SECONDS)
            try:
                self.link.read(until - time.monotonic())
            except TimeoutError:
                if time.monotonic() < until:
                    continue
                raise RefusedError(faults.BLOCKED if self.link.is_blocked else faults.NO_MAJORITY) from None
        if self._fault:
            raise RefusedError(self._fault)

    def _confirm(self, number: int, multiple: bool) -> None:  # noqa: FBT001 - amqp calls it so
        if not multiple:
            self._unconfirmed.pop(number, None)
            return
        for earlier in [earlier for earlier in self._unconfirmed if earlier <= number]:
            del self._unconfirmed[earlier]

    def _refuse(self, number: int, multiple: bool) -> None:  # noqa: FBT001 - amqp calls it so
        self._fault = self._fault or faults.NO_MAJORITY
        self._confirm(number, multiple)

    def _return(self, _error: Exception, _exchange: str, queue: str, _message: Any) -> None:
        self._fault = f"{faults.MISSING}: {queue}; deploy/broker declare makes it"


def _windows(puts: Sequence[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    window: list[tuple[str, bytes]] = []
    size = 0
    for put in puts:
        if window and (size + len(put[1]) > _WINDOW_BYTES or len(window) == _WINDOW_PUTS):
            yield window
            window, size = [], 0
        window.append(put)
        size += len(put[1])
    if window:
        yield window
