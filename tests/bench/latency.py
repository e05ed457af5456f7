"""Latency from just before a POST until a client has read the event."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.load import Producer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.clients import Clients
    from tests.stack import Stack


class Latency(NamedTuple):
    """Milliseconds, over all messages and clients."""

    median: float
    p99: float
    deliveries: int
    """Events received, by all clients together."""
    generator_seconds: float
    """CPU seconds of the producer."""


def measure(stack: Stack, clients: Clients, rate: float, count: int) -> Latency:
    """Post `count` messages evenly, `rate` a second; fail if an event is lost or duplicated at any client."""
    received = clients.counts().min_events
    clients.record_arrivals()
    producer = Producer(stack, rate, count)
    sent = producer.result()
    clients.check_received(received + count)
    return from_arrivals(sent, clients, producer.cpu_seconds)


def from_arrivals(sent: Iterable[tuple[bytes, int]], clients: Clients, generator_seconds: float = 0) -> Latency:
    """Calculate the latency of some messages from ids and POST times; the clients must have recorded arrivals."""
    arrivals = clients.arrivals()
    latencies: list[float] = []
    for event_id, sent_ns in sent:
        times = arrivals[event_id]
        assert len(times) == clients.count, f"{event_id.decode()} came {len(times)} times to {clients.count} clients"
        latencies += [(received_ns - sent_ns) / 1e6 for received_ns in times]
    latencies.sort()
    return Latency(
        statistics.median(latencies), latencies[len(latencies) * 99 // 100], len(latencies), generator_seconds
    )
