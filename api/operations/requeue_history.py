"""Which dead letters were requeued, and why they were dead letters before.

A requeued event is put into its tube as it was, so the event itself can't say that it was a dead letter before. The
history is kept in a file of JSON lines, in memory only while the disk is full.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from tradewire.event import peek

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from structlog.stdlib import BoundLogger

    from tradewire.queue import DeadLetter

ENTRIES_MAX: Final = 10_000
"""The events requeued most recently. Older ones are forgotten."""


class Requeued(msgspec.Struct, frozen=True):
    """An event that was requeued."""

    key: str
    """Names the tube and the event."""
    times: int
    """How often it was requeued."""
    reason: str
    """Why it was a dead letter, the last time before."""
    at: str
    """When it was requeued last, ISO 8601."""
    tube: str = ""
    id: str = ""
    """The event's id. Empty if it has none."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Requeued)


class RequeueHistory:
    """Remembers requeued events. Use it from one thread at a time.

    Args:
        path: The file. It need not exist.
        log: Gets a line when the file can't be read or written.
    """

    def __init__(self, path: Path, log: BoundLogger) -> None:
        self._path = path
        self._log = log
        self._entries: dict[str, Requeued] | None = None
        self._lines = 0

    def add(self, letter: DeadLetter) -> None:
        """Remember a dead letter. Call this before it is requeued."""
        before = self.of(letter)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")  # as in a dead letter
        header = peek(letter.event)
        times = before.times + 1 if before else 1
        entry = Requeued(_key(letter), times, letter.reason, now, letter.tube, header.id if header else "")
        self._keep(entry)
        self._write(entry)

    def of(self, letter: DeadLetter) -> Requeued | None:
        """Return the history of a dead letter that came back after it was requeued. None for any other."""
        entry = self._load().get(_key(letter))
        return entry if entry and letter.dead_lettered_at >= entry.at else None

    def of_event(self, event_id: str) -> list[Requeued]:
        """Return the history of an event in each tube where it was requeued."""
        return [entry for entry in self._load().values() if entry.id == event_id]

    def _load(self) -> dict[str, Requeued]:
        if self._entries is None:
            self._entries = {}
            try:
                lines = self._path.read_bytes().splitlines() if self._path.exists() else []
            except OSError as error:
                self._warn(error)
                lines = []
            self._lines = len(lines)
            for line in lines:
                with suppress(msgspec.MsgspecError, UnicodeDecodeError):  # a line is torn if the disk was full
                    self._keep(_decoder.decode(line))
        return self._entries

    def _keep(self, entry: Requeued) -> None:
        entries = self._load()
        entries.pop(entry.key, None)  # the newest comes last
        entries[entry.key] = entry
        while len(entries) > ENTRIES_MAX:
            del entries[next(iter(entries))]

    def _write(self, entry: Requeued) -> None:
        """Append an entry. Write the file anew when most of its lines are out of date."""
        try:
            if self._lines < 2 * ENTRIES_MAX:
                self._append(self._path, [entry])
                self._lines += 1
            else:
                new = self._path.with_suffix(".new")
                new.unlink(missing_ok=True)
                self._append(new, self._load().values())
                new.replace(self._path)
                self._lines = len(self._load())
        except OSError as error:
            self._warn(error)

    def _append(self, path: Path, entries: Iterable[Requeued]) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(file, "wb") as lines:
            for entry in entries:
                lines.write(b"\n" + _encoder.encode(entry))  # the line end comes first, and ends a torn line

    def _warn(self, error: OSError) -> None:
        self._log.warning("the history of requeued dead letters is kept in memory only", reason=str(error))


def _key(letter: DeadLetter) -> str:
    return sha256(letter.tube.encode() + b"\n" + letter.event).hexdigest()
