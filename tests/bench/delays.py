"""From the moment before a POST to the moment a browser has read it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.load import Poster

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.browsers import Browsers
    from tests.stack import Stack


class Delays(NamedTuple):
    """Milliseconds, over all messages and browsers."""

    median: float
    p99: float
    deliveries: int
    generator_seconds: float
    """CPU of whom posted."""


def measure(stack: Stack, crowd: Browsers, rate: float, count: int) -> Delays:
    """Post so many, at an even rate, with the crowd there. Fails where one is missing anywhere, or comes twice."""
    seen = crowd.counts().least
    crowd.note()
    poster = Poster(stack, rate, count)
    sent = poster.result()
    crowd.check(seen + count)
    return between(sent, crowd, poster.cpu_seconds)


def between(sent: Iterable[tuple[bytes, int]], crowd: Browsers, generator_seconds: float = 0) -> Delays:
    """Give the time from each POST to its arrival at each browser of a crowd that notes."""
    arrivals = crowd.arrivals()
    found: list[float] = []
    for event_id, at in sent:
        came = arrivals[event_id]
        assert len(came) == crowd.count, f"{event_id.decode()} came {len(came)} times to {crowd.count} browsers"
        found += [(moment - at) / 1e6 for moment in came]
    found.sort()
    return Delays(statistics.median(found), found[len(found) * 99 // 100], len(found), generator_seconds)
