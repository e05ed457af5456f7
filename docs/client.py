"""Print every trade live, one JSON object a line.

Usage: python docs/client.py ws://127.0.0.1:8080/ws
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENCE_SECONDS = 45  # heartbeats come every 20 s: two of them are missing
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 1, 10
SEEN_MAX = 100_000


def frames(url: str, position: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Connect and yield each frame until the connection is lost."""
    # The heartbeats show that the connection is alive, so the library need not ping.
    with connect(f"{url}?{urlencode(position)}", ping_interval=None) as connection:
        while True:
            yield json.loads(connection.recv(SILENCE_SECONDS))


def trades(url: str) -> Iterator[dict[str, Any]]:
    """Yield each trade once, forever. After a lost connection, resume at the last offset."""
    position: dict[str, Any] = {}  # epoch and offset, from the first hello on
    seen: dict[str, None] = {}
    pause = PAUSE_SECONDS
    while True:
        at_least = 0.0
        try:
            for frame in frames(url, position):
                hello = frame.get("hello")
                if "gap" in frame or (hello and position and not hello["resumed"]):
                    print("gap: trades may be missing; GET /api/messages has them", file=sys.stderr)
                if hello:
                    position, pause = {"epoch": hello["epoch"]}, PAUSE_SECONDS
                for event in frame.get("events", []):
                    if event["id"] not in seen:
                        seen[event["id"]] = None
                        yield event
                while len(seen) > SEEN_MAX:
                    del seen[next(iter(seen))]
                position["offset"] = (hello or frame)["offset"]
        except (OSError, ConnectionClosed, InvalidHandshake) as error:
            print(f"disconnected: {error}", file=sys.stderr)
            if isinstance(error, InvalidStatus):
                at_least = float(error.response.headers.get("Retry-After", 0))
        time.sleep(at_least + random.uniform(0, pause))  # jitter: clients must not all come at once
        pause = min(2 * pause, PAUSE_SECONDS_MAX)


if __name__ == "__main__":
    for trade in trades(sys.argv[1]):
        print(json.dumps(trade), flush=True)
