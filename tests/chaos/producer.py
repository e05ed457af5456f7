"""A producer that posts continuously and records which messages were accepted."""

from __future__ import annotations

import http.client
import secrets
import threading
from typing import TYPE_CHECKING, Self

import msgspec

from tests.support import example

if TYPE_CHECKING:
    from types import TracebackType

PAUSE_SECONDS = 0.01
BATCH = 5
"""Messages in a batch."""


class Producer:
    """Posts in a thread until stopped: a message without a key, one with a key, a batch with a key, and so on.

    Each message has a user of its own. A request with an Idempotency-Key is repeated until it is answered 201.
    """

    def __init__(self, port: int, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._port = port
        self._pause_seconds = pause_seconds
        self._name = secrets.token_hex(4)  # other producers of the same stack must not post the same messages
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        """Ids of the messages answered 201."""
        self.unanswered: set[str] = set()
        """Users whose messages were not answered 201; they may have been accepted all the same."""

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

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        number = 0
        while not self._stop.is_set():
            users = [f"{self._name}-{number}-{index}" for index in range(BATCH if number % 3 == 2 else 1)]
            key = users[0] if number % 3 else None
            ids = self._post(connection, users, key)
            if ids:
                self.unanswered.difference_update(users)
                self.accepted += ids
            else:
                self.unanswered.update(users)
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
