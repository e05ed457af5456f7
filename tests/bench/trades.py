"""What is posted: plausible trades of several thousand users."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, islice
from typing import Final

from deploy import demo

_SEEDS: Final = 20
"""Streams of the demo that are mixed; each has 200 users of its own."""


def trades(count: int) -> list[bytes]:
    """Give plausible messages of several thousand users, placed just now; the same ones each time."""
    now = datetime.now(UTC)
    mixed = chain.from_iterable(zip(*(demo.trades(seed) for seed in range(_SEEDS)), strict=True))
    return [trade.body(now) for trade in islice(mixed, count)]
