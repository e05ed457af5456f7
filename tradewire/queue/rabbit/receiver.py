"""Takes messages from queues, and settles them.

RabbitMQ pushes messages to a consumer as long as it has credit. But jobs may be held only between `reserve` and their
settlement (see `processor.turns`). So each call consumes with credit for no more messages than are ready. It ends when
the credit is used up, or else cancels the consumer; then nothing comes unasked.

A consumer whose credit is used up stays until the first of its messages is settled, which would give it new credit.
For when a node dies, RabbitMQ 4.0 gives back what its consumers hold, but not what cancelled ones do: that stays away
until the node is up again and the queue has another leader.
"""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amqp import spec

from tradewire.queue.rabbit import stamp
from tradewire.queue.rabbit.link import ANSWER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.queue.rabbit.link import Link

_FIRST_CHUNK: Final = 4
_LARGEST_CHUNK: Final = 256
SHORT_SECONDS: Final = 0.25
"""How long to wait for messages that are ready, if another consumer may get them."""
_LATE_SECONDS: Final = 0.02
"""How long after a cancel messages may still come: the node's own member of the queue may be behind its leader."""
_SHOWN_SECONDS: Final = 0.2
"""How long to wait until the queue shows messages that went back. Others may take them at once."""


class Delivery(NamedTuple):
    """A message that was taken from a queue."""

    tag: int
    """RabbitMQ's number for it, valid on this receiver."""
    consumer: str
    """The consumer that got it. Empty if it was asked for alone."""
    message_id: str
    body: bytes


class Receiver:
    """Takes messages from queues by their names.

    Args:
        link: A link on which nothing is published, so that RabbitMQ never blocks it.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._looks = link.channel()
        self._takes: Any = link.channel()
        self._numbers = count(1)
        self._consumers: set[str] = set()
        """Those that are not cancelled. They have no credit left."""
        self._unsettled = 0
        self.may_lose = False
        """Whether RabbitMQ may have given messages to the link that no call has returned."""

    def ready(self, queue: str) -> int:
        """Return how many messages of a queue are ready. 0 may also mean that the queue has no leader now.

        Raises:
            amqp.exceptions.NotFound: There is no such queue.
        """
        return int(self._looks.queue_declare(queue, passive=True).message_count)

    def ready_for_certain(self, queue: str) -> int:
        """Return how many messages of a queue are ready, as its leader knows. This costs a write to the disk."""
        self.may_lose = True
        message = self._takes.basic_get(queue)
        if message:
            self._unsettled += 1
            self.give_back(queue, [Delivery(message.delivery_info["delivery_tag"], "", "", b"")])
        self.may_lose = False
        return max(1, self.ready(queue)) if message else 0

    def take(
        self, queue: str, limit: int, wait_seconds: float, bytes_max: float, ready_seconds: float = SHORT_SECONDS
    ) -> list[Delivery]:
        """Take the oldest messages of a queue.

        Args:
            queue: Its name.
            limit: Most messages to take.
            wait_seconds: How long to wait for the first one. The call does not wait for more.
            bytes_max: Take no more once their bodies add up to this.
            ready_seconds: How long to wait for messages that are ready already. On a busy machine, fewer may come.
        """
        self.link.catch_up()
        taken: list[Delivery] = []
        ready = self.ready(queue)
        if not ready and wait_seconds:
            taken = self._consume(queue, 1, wait_seconds)
            ready = self.ready(queue) if taken else 0
        size = sum(len(delivery.body) for delivery in taken)
        chunk = _FIRST_CHUNK
        while ready and len(taken) < limit and size < bytes_max:
            wanted = min(chunk, ready, limit - len(taken), 1 + _fitting(bytes_max - size, taken))
            new = self._consume(queue, wanted, ready_seconds)
            taken += new
            size += sum(len(delivery.body) for delivery in new)
            ready -= wanted
            chunk = min(2 * chunk, _LARGEST_CHUNK)
            if len(new) < wanted:
                break
        taken.sort(key=lambda delivery: stamp.nanoseconds(delivery.message_id))
        kept = _enough(taken, bytes_max)
        self.give_back(queue, taken[kept:])
        self.may_lose = False
        return taken[:kept]

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Remove messages from their queue for good. If the link breaks now, some may come back."""
        self.link.catch_up()
        with self.link.together():
            self._cancel(deliveries)
            for delivery in deliveries:
                self._takes.send_method(spec.Basic.Ack, "Lb", (delivery.tag, False))
        self._unsettled -= len(deliveries)

    def give_back(self, queue: str, deliveries: Sequence[Delivery]) -> None:
        """Return messages to their queue, before all that were never taken. Wait until it shows them.

        Args:
            queue: Its name.
            deliveries: The messages, oldest first.
        """
        if not deliveries:
            return
        self.link.catch_up()
        expected = self._shown(queue) + len(deliveries)
        with self.link.together():
            self._cancel(deliveries)
            for delivery in deliveries:
                self._takes.send_method(spec.Basic.Nack, "Lbb", (delivery.tag, False, True))
        self._unsettled -= len(deliveries)
        end = time.monotonic() + _SHOWN_SECONDS
        while self._shown(queue) < expected and time.monotonic() < end:
            time.sleep(0.002)

    def _cancel(self, deliveries: Sequence[Delivery]) -> None:
        """Cancel the consumers of messages that are about to be settled."""
        for consumer in self._consumers.intersection(delivery.consumer for delivery in deliveries):
            self._takes.basic_cancel(consumer, nowait=True)
            self._consumers.remove(consumer)

    def _shown(self, queue: str) -> int:
        """Return how many messages are ready. The queue's leader has got all earlier commands of `_takes` by then."""
        return int(self._takes.queue_declare(queue, passive=True).message_count)

    def _consume(self, queue: str, credit: int, wait_seconds: float) -> list[Delivery]:
        """Take as many messages as there is credit for, or those that come within a time."""
        taken: list[Delivery] = []
        tag = str(next(self._numbers))

        def take(message: Any) -> None:
            info = message.delivery_info
            message_id = message.properties.get("message_id", "")
            taken.append(Delivery(info["delivery_tag"], tag, message_id, message.body or b""))

        channel = self._takes
        self.may_lose = True
        channel.callbacks[tag] = take
        with self.link.together():
            channel.send_method(spec.Basic.Qos, "lBb", (0, credit, False))
            channel.send_method(spec.Basic.Consume, "BssbbbbF", (0, queue, tag, False, False, False, True, None))
        self._read_until(lambda: len(taken) == credit, time.monotonic() + wait_seconds)
        if len(taken) == credit:
            self._consumers.add(tag)
        else:
            channel.basic_cancel(tag)
            channel.callbacks[tag] = take
            self._read_until(lambda: len(taken) == credit, time.monotonic() + _LATE_SECONDS)
        channel.callbacks.pop(tag, None)  # amqp gives back what comes for a consumer without a callback
        self._unsettled += len(taken)
        if not self._unsettled:
            channel.close()  # whatever is still under way goes back
            self._takes = self.link.channel()
        return taken

    def _read_until(self, is_done: Any, until: float) -> None:
        while not is_done() and (left := until - time.monotonic()) > 0:
            with suppress(TimeoutError):
                self.link.read(min(left, ANSWER_SECONDS))


def _fitting(size: float, taken: Sequence[Delivery]) -> int:
    """Return how many messages of the same average size fit into some bytes."""
    average = sum(len(delivery.body) for delivery in taken) / len(taken) if taken else 0
    return int(size / average) if average else _LARGEST_CHUNK


def _enough(taken: Sequence[Delivery], bytes_max: float) -> int:
    """Return how many messages add up to some bytes; all if they are smaller."""
    sizes = accumulate(len(delivery.body) for delivery in taken)
    return next((number for number, size in enumerate(sizes, 1) if size >= bytes_max), len(taken))
