"""The queues in RabbitMQ. They are declared once, while the whole cluster runs.

A queue that is declared while one node runs alone is a single copy for good: it confirms messages, and is lost with its
node. So no program declares a queue when it merely finds one missing.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import amqp

from tradewire.queue import DEAD_SUFFIX
from tradewire.queue.rabbit.link import Link, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.queue.rabbit.address import Address

PROBE: Final = "probe"
"""The queue that tells whether messages are confirmed. It keeps only the last one."""
_NO_LIMIT: Final = 10**9
"""By default, RabbitMQ 4 drops a message when it is returned for the 21st time."""


def declare(address: Address, tubes: Sequence[str]) -> list[str]:
    """Declare the queues of tubes, of their dead letters, and the probe, unless they exist.

    Args:
        address: The parts of the URL. Its hosts are all nodes of the cluster.
        tubes: The names of the tubes.

    Returns:
        The names of the queues that were made.

    Raises:
        RefusedError: The nodes are no cluster.
        OSError, amqp.exceptions.AMQPError: A node can't be reached, so nothing was made.
    """
    links = [Link(host, address) for host in address.hosts]
    try:
        _check_cluster(links)
        names = [PROBE, *(name for tube in tubes for name in (tube, tube + DEAD_SUFFIX))]
        return [name for name in names if _declare(links[0], name, members=len(links))]
    finally:
        for link in links:
            link.drop()


def _check_cluster(links: Sequence[Link]) -> None:
    """Check that the nodes know each other's exchanges. Raise RefusedError if they don't."""
    first, *others = (link.channel() for link in links)
    name = f"check-{secrets.token_hex(8)}"
    first.exchange_declare(name, "fanout", auto_delete=False)
    try:
        for channel in others:
            channel.exchange_declare(name, "fanout", passive=True)
    except amqp.exceptions.NotFound:
        raise RefusedError("the nodes are not of one cluster: join them first") from None
    finally:
        first.exchange_delete(name)


def _declare(link: Link, name: str, members: int) -> bool:
    """Declare a queue unless it exists. Return whether it was made."""
    channel = link.channel()
    try:
        channel.queue_declare(name, passive=True)
    except amqp.exceptions.NotFound:
        arguments = {
            "x-queue-type": "quorum",
            "x-quorum-initial-group-size": members,
            "x-queue-leader-locator": "balanced",
            "x-delivery-limit": _NO_LIMIT,
            **({"x-max-length": 1} if name == PROBE else {}),
        }
        link.channel().queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        return True
    return False
