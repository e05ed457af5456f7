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


class Poster:
    """Posts one message after the other, in a thread of its own, each for a user of its own.

    Every other one has an Idempotency-Key, and is posted again until it is answered 201.
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
            user = f"{self._name}-{number}"
            key = user if number % 2 else None
            message_id = self._post(connection, user, key)
            if message_id:
                self.unanswered.discard(user)
                self.accepted.append(message_id)
            else:
                self.unanswered.add(user)
            if message_id or not key:
                number += 1
            self._stop.wait(self._pause)
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, user: str, key: str | None) -> str | None:
        """Post a message; give its id, where it was answered 201."""
        try:
            connection.request("POST", "/api/message", example(userId=user), {"Idempotency-Key": key} if key else {})
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        return str(msgspec.json.decode(body)["id"]) if response.status == 201 else None
