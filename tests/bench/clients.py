"""Controls a pool of simulated browsers, which runs in a process of its own (`tests.bench.client_pool`)."""

from __future__ import annotations

import subprocess
import sys
import time
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any, Self

from tests.support import ROOT

if TYPE_CHECKING:
    from array import array
    from types import TracebackType

    from tests.bench.client_counts import ClientCounts

STALL_TIMEOUT_SECONDS = 30
"""A wait for events fails after this time without a new one."""


class Clients:
    """A group of WebSocket clients that connect, stop reading and disconnect together.

    Use it in a `with` block: at its end the clients disconnect and their process ends.

    Args:
        port: The port of the server.
        count: How many clients connect.
        is_greeted: Whether the server sends a hello to each client.
        token: Of the key to connect with; empty if the server asks for none.
    """

    def __init__(self, port: int, count: int, *, is_greeted: bool = True, token: str = "") -> None:
        self._pipe, child_end = Pipe()
        command = [sys.executable, "-m", "tests.bench.client_pool", str(port), str(child_end.fileno())]
        command += [token] if token else []
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[child_end.fileno()])
        child_end.close()
        self.pid = self._process.pid
        self.count = count
        try:
            self.initial_counts: ClientCounts = self._call("connect", count, is_greeted=is_greeted)
            """The counts as soon as all clients were connected."""
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def counts(self) -> ClientCounts:
        """Return the current counts."""
        counts: ClientCounts = self._call("counts")
        return counts

    def wait_received(self, count: int) -> ClientCounts:
        """Wait until every client has received at least `count` events; fail when no more arrive."""
        last_progress = time.monotonic()
        counts = self.counts()
        while counts.min_events < count:
            time.sleep(0.02)
            previous, counts = counts, self.counts()
            if counts.last_event_ns != previous.last_event_ns:
                last_progress = time.monotonic()
            stalled_seconds = time.monotonic() - last_progress
            assert stalled_seconds < STALL_TIMEOUT_SECONDS, f"{counts.min_events} of {count} were received: {counts}"
        return counts

    def check_received(self, count: int) -> ClientCounts:
        """Wait until every client has received `count` events; fail on a duplicate or a dropped client."""
        counts = self.wait_received(count)
        assert counts.max_events == count, f"a client received {counts.max_events} events, not {count}: duplicates"
        assert not counts.dropped, f"the server dropped {counts.dropped} of {self.count} clients"
        return counts

    def start_over(self) -> None:
        """Forget all events that the clients have received."""
        self._call("start_over")

    def record_arrivals(self) -> None:
        """From now on, record when each marked event reaches each client."""
        self._call("record_arrivals")

    def arrivals(self) -> dict[bytes, array[int]]:
        """Return the arrival times of each marked event, one for each client (ns of the monotonic clock).

        A mark is a `userId` in the form of a UUID, as `tests.bench.producer` posts it.
        """
        arrivals: dict[bytes, array[int]] = self._call("arrivals")
        return arrivals

    def stop_reading(self) -> None:
        """Keep the connections open, but read nothing from them."""
        self._call("stop_reading")

    def disconnect(self) -> list[tuple[str, int]]:
        """Close all connections; return the epoch and offset of each client's hello."""
        positions: list[tuple[str, int]] = self._call("disconnect")
        return positions

    def reconnect(self, positions: list[tuple[str, int]]) -> ClientCounts:
        """Reconnect all clients at once, each with its position; counting starts over."""
        counts: ClientCounts = self._call("connect", len(positions), positions)
        resumed = self._call("resumed")
        assert resumed == len(positions), f"{resumed} of {len(positions)} clients were resumed"
        return counts

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the pool."""
        self._pipe.send((name, arguments, options))
        result = self._pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result

    def _close(self) -> None:
        self._pipe.close()
        self._process.wait()
