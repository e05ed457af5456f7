"""Records what readiness says and what users find, for the judge, as long as a chaos run lasts."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from deploy import supervisord
from tests.chaos.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from tests.stack import Stack
    from tests.support import Response
    from tests.watcher import Watcher

_PAUSE_SECONDS = 0.25
"""nginx lets one address ask 20 times a second."""
_ANSWER_SECONDS = 3.0
"""How long a user waits for an answer. Readiness takes up to two seconds."""
_SETTLED_SECONDS = 3.0
"""The age at which a message must be archived and shown."""
_FINE = {"RUNNING", "STOPPED"}
"""States of programs. Operators start the stopped ones by hand."""


class Recorder:
    """Asks a stack all the time, as its users do: for its readiness, for a message, and for its programs.

    The producer reports its posts to `posted`. A message that was accepted some seconds ago must be archived, and one
    of the browsers must have shown it.

    Args:
        stack: The stack.
        browsers: Browsers that stay connected.
    """

    def __init__(self, stack: Stack, browsers: Sequence[Watcher]) -> None:
        self._stack = stack
        self._browsers = browsers
        self._accepted: deque[tuple[float, str]] = deque()
        self._settled_id = ""
        """The newest message that must be archived and shown by now."""
        self._judge = Judge()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(step,))
            for step in (self._ask_readiness, self._ask_message, self._ask_programs)
        ]
        self._last: dict[str, object] = {}
        self.changes: list[str] = []
        """What has changed and when: faults, what readiness said, and what failed."""
        self.losses: list[str] = []
        """What readiness said whenever it said that the ledger has a loss."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def wrong(self) -> list[str]:
        """The times at which readiness was wrong for too long."""
        with self._lock:
            return self._judge.wrong

    def take_longest(self) -> float:
        """Return how many seconds readiness was wrong at most since the last call."""
        with self._lock:
            return self._judge.take_longest()

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Tell that a fault is at work within the block."""
        for fault in (name, None):
            with self._lock:
                self._note("fault", fault)
                self._judge.fault(time.monotonic(), at_work=fault is not None)
            if fault:
                yield

    def posted(self, began: float, ids: Sequence[str]) -> None:
        """Take note of a post. It succeeded if it has ids."""
        now = time.monotonic()
        self._accepted.extend((now, id_) for id_ in ids)
        self._tried("post", began, works=bool(ids))

    def _tried(self, what: str, began: float, *, works: bool) -> None:
        with self._lock:
            self._note(what, works)
            self._judge.tried(what, began, time.monotonic(), works=works)

    def _note(self, what: str, value: object) -> None:
        if self._last.get(what) != value:
            self._last[what] = value
            self.changes.append(f"{datetime.now(UTC).time().isoformat('milliseconds')} {what}: {value}")

    def _repeat(self, step: Callable[[], None]) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            step()

    def _ask_readiness(self) -> None:
        response = self._get("/readyz")
        body: dict[str, Any] = response.json if response and response.body.startswith(b"{") else {}
        components = body.get("components", {})
        if components.get("ledger", {}).get("status") == "loss":
            self.losses.append(f"the ledger has a loss: {components['ledger']}")
        status = body["status"] if components else None
        faults = {name: component["detail"] for name, component in components.items() if component["status"] != "ok"}
        with self._lock:
            self._note("readiness", (status, faults))
            self._judge.said(status, time.monotonic())

    def _ask_message(self) -> None:
        began = time.monotonic()
        while self._accepted and self._accepted[0][0] < began - _SETTLED_SECONDS:
            self._settled_id = self._accepted.popleft()[1]
        if not self._settled_id:
            return
        response = self._get(f"/api/message/{self._settled_id}")
        status = response.status if response else None
        self._tried("query", began, works=status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND})
        self._tried("archive", began, works=status == HTTPStatus.OK)
        self._tried("show", began, works=any(self._settled_id in browser.seen for browser in self._browsers))

    def _ask_programs(self) -> None:
        began = time.monotonic()
        states = supervisord.states(self._stack.home)
        self._tried("programs", began, works=bool(states) and set(states.values()) <= _FINE)

    def _get(self, path: str) -> Response | None:
        """Return the answer to a question, or None. Repeat it if nginx refuses it as one too many."""
        while not self._stop.is_set():
            try:
                response = self._stack.get(path, timeout_seconds=_ANSWER_SECONDS)
            except (OSError, http.client.HTTPException):
                return None
            if response.status != HTTPStatus.TOO_MANY_REQUESTS:
                return response
            self._stop.wait(_PAUSE_SECONDS)
        return None
