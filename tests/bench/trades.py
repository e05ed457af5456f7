"""The messages that the benchmarks post: plausible trades of several thousand users."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, islice
from typing import Final

from deploy import demo

_SEEDS: Final = 20
"""Demo streams to interleave; each has 200 users of its own."""


def trades(count: int) -> list[bytes]:
    """Return `count` messages, placed just now; apart from that time they are the same on every call."""
    now = datetime.now(UTC)
    interleaved = chain.from_iterable(zip(*(demo.trades(seed) for seed in range(_SEEDS)), strict=True))
    return [trade.body(now) for trade in islice(interleaved, count)]
