"""Takes messages from queues, and settles them.

RabbitMQ pushes messages to a consumer as long as it has credit. But jobs may be held only between `reserve` and their
settlement (see `processor.turns`). So each call consumes with credit for no more messages than are ready. It ends when
the credit is used up, or else cancels the consumer; then nothing comes unasked.

A consumer whose credit is used up stays until the first of its messages is settled, which would give it new credit.
For when a node dies, RabbitMQ 4.0 gives back what its consumers hold, but not what cancelled ones do: that stays away
until the node is up again and the queue has another leader.

`basic.get` is replicated like a put, in one order with all puts. So its answer counts every message that was confirmed
before it, or that went back. `queue.declare` only asks the leader, for 0.25 s, and answers 0 if that is too short.
"""

from __future__ import annotations

import time
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amqp import spec

from tradewire.queue.rabbit import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tradewire.queue.rabbit.link import Link

_ALL_BYTES: Final = 10**18
_FIRST_CHUNK: Final = 4
_LARGEST_CHUNK: Final = 256
_RIVAL_SECONDS: Final = 0.25
"""How often to look whether another connection may have got the messages that are waited for."""
_LEADER_SECONDS: Final = 0.24
"""RabbitMQ waits 0.25 s for a queue's leader before it counts 0 messages."""
_LATE_SECONDS: Final = 0.02
"""How long after a cancel messages may still come: the node's own member of the queue may be behind its leader."""


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
        """Return how many messages of a queue are ready. 0 may also mean that its leader is missing or slow.

        Raises:
            amqp.exceptions.NotFound: There is no such queue.
        """
        return int(self._looks.queue_declare(queue, passive=True).message_count)

    def ready_for_certain(self, queue: str) -> int:
        """Return how many messages of a queue are ready. This costs a write to the disk."""
        taken, others = self._get(queue)
        self.give_back(queue, taken, lambda: True)
        self.may_lose = False
        return len(taken) + others

    def take(
        self, queue: str, limit: int, wait_seconds: float, bytes_max: float, has_rivals: Callable[[], bool]
    ) -> list[Delivery]:
        """Take the oldest messages of a queue.

        Args:
            queue: Its name.
            limit: Most messages to take.
            wait_seconds: How long to wait for the first one. The call does not wait for more.
            bytes_max: Take no more once their bodies add up to this.
            has_rivals: Tells whether other connections may have taken messages meanwhile. Then fewer may come.
        """
        self.link.catch_up()
        taken, ready = list[Delivery](), self.ready(queue)
        if not ready:
            taken, ready = self._wait(queue, wait_seconds) if wait_seconds else self._get(queue)
        taken += self._take_ready(queue, taken, min(ready, limit - len(taken)), bytes_max, has_rivals)
        taken.sort(key=lambda delivery: stamp.nanoseconds(delivery.message_id))
        kept = _enough(taken, bytes_max)
        self.give_back(queue, taken[kept:], has_rivals)
        self.may_lose = False
        return taken[:kept]

    def take_counted(self, queue: str, limit: int) -> list[Delivery]:
        """Take the oldest messages of a queue that nobody else takes from, all that there are or as many as allowed.

        None is missing that was confirmed, or given back, before this call: `basic.get` takes the first one and tells
        how many others are ready. Exactly so many are then waited for.

        Args:
            queue: Its name.
            limit: Most messages to take.

        Raises:
            TimeoutError: One of them did not come. Somebody else may have taken it.
        """
        self.link.catch_up()
        taken, others = self._get(queue)
        wanted = min(others, limit - len(taken))
        taken += self._take_ready(queue, taken, wanted, _ALL_BYTES, lambda: False)
        if taken and len(taken) < 1 + wanted:
            raise TimeoutError
        taken.sort(key=lambda delivery: stamp.nanoseconds(delivery.message_id))
        self.may_lose = False
        return taken

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Remove messages from their queue for good. If the link breaks now, some may come back."""
        self.link.catch_up()
        with self.link.together():
            self._cancel(deliveries)
            for delivery in deliveries:
                self._takes.send_method(spec.Basic.Ack, "Lb", (delivery.tag, False))
        self._unsettled -= len(deliveries)

    def give_back(self, queue: str, deliveries: Sequence[Delivery], has_rivals: Callable[[], bool]) -> None:
        """Return messages to their queue, before all that were never taken. Wait until it shows them.

        Args:
            queue: Its name.
            deliveries: The messages, oldest first.
            has_rivals: Tells whether other connections may have taken them at once. Then it never shows all of them.
        """
        if not deliveries:
            return
        self.link.catch_up()
        until = time.monotonic() + self.link.answer_seconds
        expected = self._shown(queue, until) + len(deliveries)
        with self.link.together():
            self._cancel(deliveries)
            for delivery in deliveries:
                self._takes.send_method(spec.Basic.Nack, "Lbb", (delivery.tag, False, True))
        self._unsettled -= len(deliveries)
        look_at = time.monotonic() + _RIVAL_SECONDS
        while self._shown(queue, until) < expected and (now := time.monotonic()) < until:
            if now > look_at and has_rivals():
                break
            time.sleep(0.002)

    def _cancel(self, deliveries: Sequence[Delivery]) -> None:
        """Cancel the consumers of messages that are about to be settled."""
        for consumer in self._consumers.intersection(delivery.consumer for delivery in deliveries):
            self._takes.basic_cancel(consumer, nowait=True)
            self._consumers.remove(consumer)

    def _shown(self, queue: str, until: float) -> int:
        """Return how many messages are ready. If it is not 0, the leader has got all earlier commands of `_takes`.

        It asks again, until a time, as long as 0 may only mean that the leader is slow.
        """
        while True:
            asked_at = time.monotonic()
            shown = int(self._takes.queue_declare(queue, passive=True).message_count)
            now = time.monotonic()
            if shown or now - asked_at < _LEADER_SECONDS or now > until:
                return shown

    def _get(self, queue: str) -> tuple[list[Delivery], int]:
        """Take the next message, if there is one. Return it, and how many others are ready."""
        self.may_lose = True
        message = self._takes.basic_get(queue)
        if not message:
            return [], 0
        self._unsettled += 1
        return [_delivery(message, consumer="")], int(message.delivery_info["message_count"])

    def _wait(self, queue: str, seconds: float) -> tuple[list[Delivery], int]:
        """Wait for a message, and take it. Return it, and how many others are ready."""
        taken = self._consume(queue, 1, seconds, lambda: False)
        return taken, self._shown(queue, time.monotonic() + self.link.answer_seconds) if taken else 0

    def _take_ready(
        self,
        queue: str,
        taken: Sequence[Delivery],
        wanted: int,
        bytes_max: float,
        has_rivals: Callable[[], bool],
    ) -> list[Delivery]:
        """Take more messages that are ready, or fewer if others take some, or if one does not come in time.

        Args:
            queue: Its name.
            taken: Those that were taken already.
            wanted: How many others to take.
            bytes_max: Take no more once the bodies of all add up to this.
            has_rivals: Tells whether other connections may have taken some.
        """
        new: list[Delivery] = []
        size = sum(len(delivery.body) for delivery in taken)
        chunk = _FIRST_CHUNK
        while len(new) < wanted and size < bytes_max:
            credit = min(chunk, wanted - len(new), 1 + _fitting(bytes_max - size, [*taken, *new]))
            came = self._consume(queue, credit, self.link.answer_seconds, has_rivals)
            new += came
            size += sum(len(delivery.body) for delivery in came)
            chunk = min(2 * chunk, _LARGEST_CHUNK)
            if len(came) < credit:
                break
        return new

    def _consume(self, queue: str, credit: int, seconds: float, has_rivals: Callable[[], bool]) -> list[Delivery]:
        """Take as many messages as there is credit for, or fewer if none comes within some seconds after the last."""
        taken: list[Delivery] = []
        tag = f"c{next(self._numbers)}"  # a number could be that of a `basic.get`, which then finds nothing

        def take(message: Any) -> None:
            taken.append(_delivery(message, tag))

        channel = self._takes
        self.may_lose = True
        channel.callbacks[tag] = take
        with self.link.together():
            channel.send_method(spec.Basic.Qos, "lBb", (0, credit, False))
            channel.send_method(spec.Basic.Consume, "BssbbbbF", (0, queue, tag, False, False, False, True, None))
        self._read(taken, credit, seconds, has_rivals)
        if len(taken) == credit:
            self._consumers.add(tag)
        else:
            channel.basic_cancel(tag)
            channel.callbacks[tag] = take
            self._read(taken, credit, _LATE_SECONDS, has_rivals)
        channel.callbacks.pop(tag, None)  # amqp gives back what comes for a consumer without a callback
        self._unsettled += len(taken)
        if not self._unsettled:
            channel.close()  # whatever is still under way goes back
            self._takes = self.link.channel()
        return taken

    def _read(self, taken: Sequence[Delivery], credit: int, seconds: float, has_rivals: Callable[[], bool]) -> None:
        """Read until there are enough messages, or none came for some seconds, or others may have taken them."""
        known, until = len(taken), time.monotonic() + seconds
        while len(taken) < credit and (left := until - time.monotonic()) > 0:
            try:
                self.link.read(min(left, _RIVAL_SECONDS))
            except TimeoutError:
                if has_rivals():
                    return
            if len(taken) > known:
                known, until = len(taken), time.monotonic() + seconds


def _delivery(message: Any, consumer: str) -> Delivery:
    message_id = message.properties.get("message_id", "")
    return Delivery(message.delivery_info["delivery_tag"], consumer, message_id, message.body or b"")


def _fitting(size: float, taken: Sequence[Delivery]) -> int:
    """Return how many messages of the same average size fit into some bytes."""
    average = sum(len(delivery.body) for delivery in taken) / len(taken) if taken else 0
    return int(size / average) if average else _LARGEST_CHUNK


def _enough(taken: Sequence[Delivery], bytes_max: float) -> int:
    """Return how many messages add up to some bytes; all if they are smaller."""
    sizes = accumulate(len(delivery.body) for delivery in taken)
    return next((number for number, size in enumerate(sizes, 1) if size >= bytes_max), len(taken))
