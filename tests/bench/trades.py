"""The messages that the benchmarks post: plausible trades of several thousand users."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Final

from deploy import demo

_SEEDS: Final = 20
"""Demo streams to interleave; each has 200 users of its own."""
_USER: Final = re.compile(rb'"userId": *"[^"]*"')


def trades(count: int) -> list[bytes]:
    """Return `count` messages, placed just now; apart from that time they are the same on every call."""
    now = datetime.now(UTC)
    # Without the space, as most stacks write it: so the clients also recognise it if a stack hands on the posted body.
    interleaved = chain.from_iterable(zip(*(demo.trades(seed) for seed in range(_SEEDS)), strict=True))
    return [trade.body(now).replace(b'"userId": ', b'"userId":') for trade in islice(interleaved, count)]


def marked(body: bytes, mark: str) -> bytes:
    """Return the message with a user of its own, by which a client recognises it.

    Args:
        body: The message.
        mark: A UUID.
    """
    return _USER.sub(b'"userId":"%b"' % mark.encode(), body, count=1)
