"""The reconciler: follows each accepted request through every tube, and names losses.

Run it with `python -m processor.reconciler`. docs/decisions says why its scheme is right.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from processor import program
from processor.mark_puts import MarkPuts
from processor.repeat import repeat
from processor.turns import Turns
from tradewire import event
from tradewire.event import format_time, to_microseconds
from tradewire.ledger import losses
from tradewire.ledger.backlog import Backlog
from tradewire.ledger.counters import stack_id
from tradewire.ledger.losses import Loss
from tradewire.queue import ARCHIVE
from tradewire.store import ledger
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.stdlib import BoundLogger

    from tradewire.ledger.backlog import Pending
    from tradewire.queue import Queue
    from tradewire.settings import Settings
    from tradewire.stop import Stop

CHECK_SECONDS: Final = 0.5
_SUSPECT_SECONDS: Final = 2.0
"""A message is named as lost if it was nowhere to be found for so long, at every look. An operator may just have moved
it from the dead letters to the tube."""
_NEVER: Final = float("-inf")
_DEAD_LETTERS_MAX: Final = 10_000
"""If the archive has more, no message of it is named as lost: it may be a dead letter that was not looked at."""


class _Missing(NamedTuple):
    """The messages of one request that could not be found."""

    messages: int
    ids: list[str]
    """The ids of some of them, if they are known."""


class Reconciler:
    """Reconciles the requests that ingest has recorded with what became of them.

    Args:
        queue: A connection of its own.
        store: The archive.
        settings: They name the enabled consumers, and the folder of the ledger.
        stop: Ends `run`.
        log: Gets a line for each loss and each outage.
    """

    def __init__(self, queue: Queue, store: StoreReader, settings: Settings, stop: Stop, log: BoundLogger) -> None:
        self._queue = queue
        self._store = store
        self._folder = settings.counters
        self._stop = stop
        self._log = log
        self._backlog = Backlog(settings.counters, settings.tubes)
        turns = {tube: Turns(settings.counters, tube) for tube in settings.tubes}
        self._puts = MarkPuts(queue, turns)
        self._strays_seen = _NEVER
        """When the archive's tube had strays for the last time, in seconds of the monotonic clock."""

    def run(self) -> None:
        """Repeat `step` until a stop is requested."""
        repeat(self.step, self._queue, self._stop, self._log)
        self._store.close()

    def step(self) -> None:
        """Take over final slots, put marks behind them, and reconcile the slots that marks have passed. Then wait.

        Raises:
            Unavailable: The queue, the store or the ledger's folder can't be used.
        """
        if self._queue.has_strays(ARCHIVE):  # before anything that can fail: an outage must not hide them
            self._strays_seen = time.monotonic()
        self._backlog.collect()
        if self._backlog.pending:
            values = self._store.counters(stack_id(self._folder))
            passed = {tube: ledger.passed(values, tube) for tube in self._puts.tubes}
            self._puts.step(self._backlog.final, passed)
            self._reconcile(passed)
            self._backlog.finish()
        else:
            self._store.close()  # if a file of it was removed, the archive's processor waits until all have closed it
        self._stop.wait(CHECK_SECONDS)

    def _reconcile(self, passed: Mapping[str, dict[int, int]]) -> None:
        """Reconcile each slot that a mark has passed, first with the archive, then with the other tubes."""
        for tube in sorted(passed, key=lambda name: name != ARCHIVE):
            due = [pending for pending in self._backlog.pending if pending.is_due(tube, passed[tube])]
            if not due:
                continue
            accepted: dict[int, int] = {}
            for pending in due:
                accepted |= pending.slot.accepted()
            missing = self._missing_from_archive(accepted) if tube == ARCHIVE else self._missing_from(tube, accepted)
            for pending in due:
                self._settle(tube, pending, missing)

    def _settle(self, tube: str, pending: Pending, missing: Mapping[int, _Missing]) -> None:
        """Close a slot in a tube, unless messages are missing for the first time. Name those that stay missing."""
        requests = pending.slot.requests() if missing else ()
        found = [(request, missing[request.received_at]) for request in requests if request.received_at in missing]
        now = time.monotonic()
        if found and not self._may_name(tube, now - pending.suspect_since.setdefault(tube, now)):
            return
        if found:
            named_at = format_time(datetime.now(UTC))
            lost = [
                Loss(tube, request.received_at, count, request.messages, request.first_id, ids, named_at)
                for request, (count, ids) in found
            ]
            losses.name(self._folder, lost)
            for loss in lost:
                self._log.error("lost", tube=tube, messages=loss.messages, of=loss.of, first_id=loss.first_id)
        pending.tubes.discard(tube)

    def _may_name(self, tube: str, suspect_seconds: float) -> bool:
        """Return whether messages that are missing for so long are lost, and not just moved by an operator."""
        if tube != ARCHIVE and self._strays_seen == _NEVER:  # a dead letter of another tube has left a receipt
            return suspect_seconds >= _SUSPECT_SECONDS
        counts = self._queue.counts(ARCHIVE)
        # Whatever was moved from the dead letters into the tube by then has left it. So has a receipt that was a stray:
        # it is saved after the receipt of the mark that was put behind it.
        seconds = min(suspect_seconds, time.monotonic() - self._strays_seen)
        has_left = seconds - counts.oldest_job_age_seconds >= _SUSPECT_SECONDS
        return has_left and (tube != ARCHIVE or counts.dead_letters <= _DEAD_LETTERS_MAX)

    def _missing_from_archive(self, accepted: Mapping[int, int]) -> dict[int, _Missing]:
        """Return which requests, by time, have messages that are neither archived nor among the dead letters.

        Of a time whose messages are deleted, the archive can't tell any more, so nothing of it is missing.
        """
        kept_since = self._store.kept().since
        accepted = {time: count for time, count in accepted.items() if time >= kept_since}
        found = self._store.archived([*accepted])
        missing = {time: count - found[time] for time, count in accepted.items() if count > found[time]}
        if missing:
            dead = self._dead_letters()
            missing = {time: count - dead[time] for time, count in missing.items() if count > dead[time]}
        return {time: _Missing(count, []) for time, count in missing.items()}

    def _missing_from(self, tube: str, accepted: Mapping[int, int]) -> dict[int, _Missing]:
        """Return which requests, by time, have messages that are archived, and have no outcome in another tube."""
        unsettled = self._store.unsettled([*accepted], tube)
        return {time: _Missing(len(ids), ids[: losses.IDS_MAX]) for time, ids in unsettled.items()}

    def _dead_letters(self) -> Counter[int]:
        """Count the archive's dead letters by their time of receipt."""
        headers = [event.peek(letter.event) for letter in self._queue.dead_letters(ARCHIVE, _DEAD_LETTERS_MAX)]
        return Counter(to_microseconds(header.received_at) for header in headers if header and header.received_at)


def main() -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 0, or 2 if settings are invalid."""
    settings, queue, stop, log = program.start("reconciler", os.environ)
    Reconciler(queue, StoreReader(settings.store), settings, stop, log).run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
