"""A producer that posts continuously and records which messages were accepted."""

from __future__ import annotations

import http.client
import secrets
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import msgspec

from tests.support import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

PAUSE_SECONDS = 0.01
TIMEOUT_SECONDS = 20
BATCH = 5
"""Messages in a batch."""


class Producer:
    """Posts in a thread until stopped: a message without a key, one with a key, a batch with a key, and so on.

    Each message has a user of its own. A request with an Idempotency-Key is repeated until it is answered 201.

    Args:
        port: The stack's port.
        pause_seconds: The pause between two requests.
        report: Called after each request with the time at which it began, of the monotonic clock, and the ids of the
            messages if it was answered 201.
    """

    def __init__(
        self,
        port: int,
        pause_seconds: float = PAUSE_SECONDS,
        report: Callable[[float, Sequence[str]], None] = lambda _began, _ids: None,
    ) -> None:
        self._port = port
        self._pause_seconds = pause_seconds
        self._report = report
        self._name = secrets.token_hex(4)  # other producers of the same stack must not post the same messages
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        """Ids of the messages answered 201."""
        self.unanswered: set[str] = set()
        """Users whose messages were not answered 201; they may have been accepted all the same."""
        self.doubtful = 0
        """How many messages were posted and not answered 201, counted at each attempt."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop posting, and wait for the last response. Stopping again does nothing."""
        self._stop.set()
        self._thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Post nothing within the block, which begins after the last response."""
        with self._turn:
            yield

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        number = 0
        while not self._stop.is_set():
            users = [f"{self._name}-{number}-{index}" for index in range(BATCH if number % 3 == 2 else 1)]
            key = users[0] if number % 3 else None
            with self._turn:
                began = time.monotonic()
                ids = self._post(connection, users, key)
                self._report(began, ids)
            if ids:
                self.unanswered.difference_update(users)
                self.accepted += ids
            else:
                self.unanswered.update(users)
                self.doubtful += len(users)
            if ids or not key:
                number += 1
            self._stop.wait(self._pause_seconds)
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, users: list[str], key: str | None) -> list[str]:
        """Post one message for each user, several as a batch; return their ids, or none unless answered 201."""
        path = "/api/messages" if len(users) > 1 else "/api/message"
        body = b"\n".join(example(userId=user) for user in users)
        try:
            connection.request("POST", path, body, {"Idempotency-Key": key} if key else {})
            response = connection.getresponse()
            response_body = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return []
        if response.status != 201:
            return []
        result = msgspec.json.decode(response_body)
        return result["ids"] if len(users) > 1 else [result["id"]]
