"""Chaos: post without pause, watch with browsers, kill -9 what runs, and account for every message."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import msgspec
import psutil

from tests.support import example, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.stack import Stack

PAUSE_SECONDS = 0.01
VICTIMS = (
    "beanstalkd",
    "gunicorn worker",
    "gunicorn master",
    "processor",
    "wsserver",
    "nginx",
    "supervisord",
)


class Poster:
    """Posts one message after the other, in a thread of its own, and keeps the ids that were answered 201."""

    def __init__(self, port: int, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._port = port
        self._pause = pause_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        self.unanswered = 0
        """Posts that got no 201; the message may have arrived all the same."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/api/message", example(userId=len(self.accepted)))
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.unanswered += 1
            else:
                if response.status == 201:
                    self.accepted.append(msgspec.json.decode(body)["id"])
                else:
                    self.unanswered += 1
            self._stop.wait(self._pause)
        connection.close()


@dataclass
class Chaos:
    """Kills parts of a stack while messages flow."""

    stack: Stack
    poster: Poster
    killed: list[str] = field(default_factory=list)

    def strike(self, victim: str) -> None:
        """Kill one part, then wait until the stack has mended itself and messages are accepted again."""
        if victim == "supervisord":
            self._kill_supervisord()
        else:
            self.stack.kill(self._pid_of(victim))
        self.killed.append(victim)
        self.recover()

    def strike_all(self) -> None:
        """Kill every process of the stack at once, supervisord first, and start it again."""
        for process in [psutil.Process(self.stack.supervisord_pid()), *self.stack.processes()]:
            if process.is_running():
                process.kill()
        self.killed.append("everything")
        self.stack.up()
        self.recover()

    def recover(self) -> None:
        """Wait until every part is back and some more messages were accepted."""
        self.stack.wait_ready()
        before = len(self.poster.accepted)
        wait_until(lambda: len(self.poster.accepted) >= before + 20, "messages are accepted again")

    def _kill_supervisord(self) -> None:
        self.stack.kill(self.stack.supervisord_pid())
        self.stack.up()

    def _pid_of(self, victim: str) -> int:
        find: dict[str, Callable[[], int]] = {
            "gunicorn master": lambda: self.stack.pid("api"),
            "gunicorn worker": lambda: psutil.Process(self.stack.pid("api")).children()[0].pid,
            "processor": lambda: self.stack.pid("processors:live-1"),
        }
        return find.get(victim, lambda: self.stack.pid(victim))()


def settle(stack: Stack) -> None:
    """Wait until the live tube is empty."""

    def empty() -> bool:
        live = stack.live()
        return live["ready"] == live["reserved"] == 0

    wait_until(empty, "the live tube is empty")
