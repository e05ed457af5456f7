"""The queue's engines, as the tests of its contract start and stop them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.integration.conftest import queue_url
from tests.relay import relay
from tests.support import beanstalkd
from tradewire.queue.factory import open_queue
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest

    from tests.rabbitmq import Cluster
    from tradewire.queue import Queue

MAX_BYTES = 10**9


class Running(NamedTuple):
    """An engine that runs."""

    connect: Callable[[], Queue]
    stop: Callable[[], None]
    """Makes the queue unavailable for good."""


@contextmanager
def memory(_home: Path, _request: pytest.FixtureRequest) -> Iterator[Running]:
    broker = Broker(max_bytes=MAX_BYTES)

    def stop() -> None:
        broker.fault = "stopped"

    yield Running(lambda: MemoryQueue(broker), stop)


@contextmanager
def beanstalk(home: Path, _request: pytest.FixtureRequest) -> Iterator[Running]:
    with beanstalkd(home) as process:

        def stop() -> None:
            process.kill()
            process.wait()

        yield Running(lambda: open_queue(queue_url(home), MAX_BYTES, home / "ledger"), stop)


@contextmanager
def amqp(home: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    cluster: Cluster = request.getfixturevalue("rabbitmq_node")
    cluster.prepare()
    with relay(cluster.nodes[0].port) as way:
        url = cluster.url(way.port)
        yield Running(lambda: open_queue(url, MAX_BYTES, home / "ledger"), way.cut)


ENGINES: Mapping[str, Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Running]]] = {
    "memory": memory,
    "beanstalk": beanstalk,
    "amqp": amqp,
}
"""Every engine by its URL's scheme: each runs in a home directory of its own."""
