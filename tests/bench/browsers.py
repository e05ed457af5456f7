"""Browsers for measuring: a crowd of them in a process of its own, and this end of the pipe to it."""

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

    from tests.bench.counts import Counts

STALLED_SECONDS = 30
"""Nothing came for so long: nothing will."""


class Browsers:
    """A crowd that all comes, stops reading and leaves together; they are counted from when they came.

    In `with`, it is there for as long as the block lasts.
    """

    def __init__(self, port: int, count: int) -> None:
        self._pipe, theirs = Pipe()
        command = [sys.executable, "-m", "tests.bench.crowd", str(port), str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()
        self.pid = self._process.pid
        self.count = count
        try:
            self.welcomed: Counts = self._ask("connect", count)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def counts(self) -> Counts:
        """Count what they were shown."""
        counts: Counts = self._ask("counts")
        return counts

    def await_shown(self, count: int) -> Counts:
        """Wait until each was shown at least so many; fail when nothing comes any more."""
        since = time.monotonic()
        counts = self.counts()
        while counts.least < count:
            time.sleep(0.02)
            before, counts = counts, self.counts()
            if counts.last_ns != before.last_ns:
                since = time.monotonic()
            assert time.monotonic() - since < STALLED_SECONDS, f"{counts.least} of {count} were shown: {counts}"
        return counts

    def check(self, count: int) -> Counts:
        """Wait until each was shown so many; fail where one was shown more, or was left by the server."""
        counts = self.await_shown(count)
        assert counts.most == count, f"a browser was shown {counts.most} of {count} messages: some twice"
        assert not counts.dropped, f"the server left {counts.dropped} of {self.count} browsers"
        return counts

    def note(self) -> None:
        """Note from here on when each event comes to each browser."""
        self._ask("note")

    def arrivals(self) -> dict[bytes, array[int]]:
        """Give the moments at which each id came, one for each browser (ns of the monotonic clock)."""
        arrivals: dict[bytes, array[int]] = self._ask("arrivals")
        return arrivals

    def stop_reading(self) -> None:
        """Let them stay connected, and read nothing."""
        self._ask("stop_reading")

    def go_on(self) -> None:
        """Let them read again."""
        self._ask("go_on")

    def leave(self) -> list[tuple[str, int]]:
        """Let them go; give the places at which they had come."""
        places: list[tuple[str, int]] = self._ask("leave")
        return places

    def come_back(self, places: list[tuple[str, int]]) -> Counts:
        """Connect again, all at once, each saying where it was; they are counted anew."""
        counts: Counts = self._ask("connect", len(places), places)
        resumed = self._ask("resumed")
        assert resumed == len(places), f"{resumed} of {len(places)} browsers were resumed"
        return counts

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._pipe.send((name, arguments))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _end(self) -> None:
        self._pipe.close()
        self._process.wait()
