"""Latency from just before a POST until a client has read the event."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.load import Producer, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.clients import Clients
    from tests.bench.target import Running


class Latency(NamedTuple):
    """Milliseconds, over all messages and clients."""

    median: float
    p90: float
    p99: float
    deliveries: int
    """Events received, by all clients together."""
    generator_seconds: float
    """CPU seconds of the producer."""


def measure(stack: Running, clients: Clients, rate: float, count: int) -> Latency:
    """Post `count` messages evenly, `rate` a second; fail if an event is lost or duplicated at any client."""
    received = clients.counts().min_events
    clients.record_arrivals()
    producer = Producer(stack, rate, count)
    sent = producer.result()
    clients.check_received(received + count)
    return from_arrivals(sent, clients, producer.cpu_seconds)


def answer_ms(stack: Running, rate: float, count: int) -> float:
    """Post `count` messages evenly, `rate` a second; return the median time until an answer, in milliseconds."""
    return statistics.median((sent.answered_ns - sent.sent_ns) / 1e6 for sent in Producer(stack, rate, count).result())


def from_arrivals(sent: Iterable[Sent], clients: Clients, generator_seconds: float = 0) -> Latency:
    """Calculate the latency of some messages from marks and POST times; the clients must have recorded arrivals."""
    arrivals = clients.arrivals()
    latencies: list[float] = []
    for mark, sent_ns, _ in sent:
        times = arrivals[mark]
        assert len(times) == clients.count, f"{mark.decode()} came {len(times)} times to {clients.count} clients"
        latencies += [(received_ns - sent_ns) / 1e6 for received_ns in times]
    latencies.sort()
    p90, p99 = (latencies[len(latencies) * percent // 100] for percent in (90, 99))
    return Latency(statistics.median(latencies), p90, p99, len(latencies), generator_seconds)
