"""The sink: writes `FOLDER/<user>/<id>.json` for users that have a folder there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.sinks import PartialDelivery, Verdict
from tradewire import event
from tradewire.errors import InvalidEvent, Unavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue
    from tradewire.settings import Settings


class UserFilesSink:
    """Writes a file for each event. It never returns WAIT: a missing folder is Unavailable."""

    jobs_max = 100
    bytes_max = MAX_JOB_BYTES

    def __init__(self, consumer: Consumer, settings: Settings, queue: Queue) -> None:
        del settings, queue
        self._folder: Path = consumer.values["FOLDER"]

    def connect(self) -> None:
        """Check that the folder is there."""
        if not self._folder.is_dir():
            raise Unavailable(f"there is no folder {self._folder}")

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        """Write the files. Events of users without a folder fail for now."""
        failed: list[bytes] = []
        rejected: list[Rejected] = []
        for line in events:
            try:
                path = self._path(line)
            except InvalidEvent as error:
                rejected.append(Rejected(line, str(error)))
                continue
            try:
                path.write_bytes(line)
            except FileNotFoundError:
                failed.append(line)
            except OSError as error:
                raise Unavailable(f"{path} can't be written: {error.strerror}") from error
        if failed or rejected:
            raise PartialDelivery(failed, rejected)
        return Verdict.OK

    def _path(self, line: bytes) -> Path:
        trade_event = event.decode(line)
        user = trade_event.user_id
        if "/" in user or user.startswith("."):
            raise InvalidEvent(f"no folder can be named {user!r}")
        return self._folder / user / f"{trade_event.id}.json"

    def hold_off(self, timeout_seconds: float) -> bool:
        """Raise NotImplementedError: this sink never returns WAIT."""
        raise NotImplementedError

    def close(self) -> None:
        """Do nothing: no connection is open."""
