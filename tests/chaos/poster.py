"""A producer that never rests, and knows what it was promised."""

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


class Poster:
    """Posts without end, in a thread of its own: a message, one under a key, a batch under a key, and so on.

    Each message is of a user of its own. What has an Idempotency-Key is posted again until it is answered 201.
    """

    def __init__(self, port: int, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._port = port
        self._pause = pause_seconds
        self._name = secrets.token_hex(4)  # posters may share a stack, and are not to repeat each other's messages
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        """The ids that were answered 201."""
        self.unanswered: set[str] = set()
        """Users whose post got no 201; the message may have arrived all the same."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Post no more, and wait for the answer to the last one. Harmless when stopped."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        number = 0
        while not self._stop.is_set():
            users = [f"{self._name}-{number}-{place}" for place in range(BATCH if number % 3 == 2 else 1)]
            key = users[0] if number % 3 else None
            ids = self._post(connection, users, key)
            if ids:
                self.unanswered.difference_update(users)
                self.accepted += ids
            else:
                self.unanswered.update(users)
            if ids or not key:
                number += 1
            self._stop.wait(self._pause)
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, users: list[str], key: str | None) -> list[str]:
        """Post a message for each user, several as a batch; give their ids, where they were answered 201."""
        path = "/api/messages" if len(users) > 1 else "/api/message"
        body = b"\n".join(example(userId=user) for user in users)
        try:
            connection.request("POST", path, body, {"Idempotency-Key": key} if key else {})
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return []
        if response.status != 201:
            return []
        answer = msgspec.json.decode(said)
        return answer["ids"] if len(users) > 1 else [answer["id"]]
