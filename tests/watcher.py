"""A WebSocket client that follows the browser protocol as the page does and records the events it receives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

if TYPE_CHECKING:
    from types import TracebackType


class Watcher:
    """Connects, resumes and reconnects in a thread of its own until the end of the block."""

    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/ws"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.ids: list[str] = []
        """Every received id in order, duplicates included."""
        self.seen: set[str] = set()
        """The same ids, to look one up."""
        self.hellos: list[dict[str, Any]] = []
        self.gaps = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def told_of_gap(self) -> bool:
        """Whether the server announced, after the first hello, that events may be missing."""
        return self.gaps > 0 or any(not hello["resumed"] for hello in self.hellos[1:])

    def _run(self) -> None:
        epoch, offset = "", -1
        while not self._stop.is_set():
            try:
                query = f"?epoch={epoch}&offset={offset}" if epoch else ""
                with connect(self._url + query, compression=None, max_size=None, open_timeout=5) as socket:
                    while not self._stop.is_set():
                        try:
                            frame = msgspec.json.decode(socket.recv(0.1))
                        except TimeoutError:
                            continue
                        if hello := frame.get("hello"):
                            self.hellos.append(hello)
                            epoch, offset = hello["epoch"], hello["offset"]
                            continue
                        self.gaps += frame.get("gap", False)
                        ids = [event["id"] for event in frame.get("events", ())]
                        self.ids += ids
                        self.seen.update(ids)
                        offset = frame["offset"]
            except (OSError, WebSocketException):
                self._stop.wait(0.05)
