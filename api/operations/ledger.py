"""The ledger: for each tube, reconciles the accepted messages with their outcomes.

The two sides share no counter. The API counts accepted messages in files of its own. The store counts the messages it
saves, in the transaction that saves them. The queue counts the jobs that wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from api.http.responses import json_response
from tradewire import counters
from tradewire.limits import MAX_BATCH_MESSAGES
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask, Response

    from api.http.queue_pool import QueuePool
    from tradewire.counters import Totals
    from tradewire.queue import Queue, TubeCounts
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader


class Account(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The outcomes of one tube's messages, and how their sum differs from the accepted messages."""

    duplicates: int
    """Retries under an Idempotency-Key: accepted again, but the same message."""
    dead_letters: int
    discarded: int
    waiting: int
    """Messages in ready and reserved jobs. The queue counts only jobs, so with batches this is an estimate."""
    unanswered: int
    """Put into the tube, but not answered 201: the API was killed, or the queue did not confirm."""
    unexplained: int
    """Put into the tube, but never posted: put there by hand, or a power cut lost counts."""
    missing: int
    """Accepted but lost. Anything but 0 is an alarm."""


class ArchiveAccount(Account, frozen=True, kw_only=True, rename="camel"):
    """The messages of the tube `archive`. While the ledger is settling, waiting receipts count as messages."""

    archived: int


class LiveAccount(Account, frozen=True, kw_only=True, rename="camel"):
    """The messages of the tube `live`."""

    shown: int
    expired: int


class Accounts(msgspec.Struct, frozen=True):
    """The account of each tube."""

    archive: ArchiveAccount
    live: LiveAccount


class Ledger(msgspec.Struct, frozen=True):
    """All messages of this stack since its first start."""

    status: Literal["balanced", "settling", "loss"]
    """settling: messages are still on their way to the archive, so the differences mean nothing yet."""
    accepted: int
    begun: int
    """Messages that passed the check and were sent to the queue. It confirmed the accepted ones."""
    tubes: Accounts


class _Snapshot(NamedTuple):
    """The counts that may change while the store is read."""

    accepted: Totals
    live: TubeCounts
    archive: TubeCounts

    @property
    def is_idle(self) -> bool:
        return self.accepted.in_flight_since is None and self.archive.ready == self.archive.reserved == 0


def reconcile(folder: Path, queue: Queue, store: StoreReader) -> Ledger:
    """Reconcile the counts of the API, the queue and the store.

    Args:
        folder: The folder of the API's counters.
        queue: A connection to the queue.
        store: The archive.

    Returns:
        The ledger. Its differences mean something only if it is not settling.

    Raises:
        Unavailable: One of the three can't be read.
    """
    before = _snapshot(folder, queue)
    saved = store.counters(counters.stack_id(folder))
    after = _snapshot(folder, queue)
    tubes = Accounts(_archive_account(before, saved), _live_account(before, saved))
    is_settled = before.is_idle and _is_unchanged(before, after)
    is_loss = tubes.archive.missing or tubes.live.missing
    return Ledger(
        status="settling" if not is_settled else "loss" if is_loss else "balanced",
        accepted=before.accepted.accepted,
        begun=before.accepted.begun,
        tubes=tubes,
    )


def _snapshot(folder: Path, queue: Queue) -> _Snapshot:
    # The accepted messages first: a message accepted meanwhile then shows as a surplus, never as missing.
    return _Snapshot(counters.read_totals(folder), queue.counts(LIVE), queue.counts(ARCHIVE))


def _is_unchanged(before: _Snapshot, after: _Snapshot) -> bool:
    """Return True if no message moved. Ages and consumers may differ."""
    return before.accepted == after.accepted and all(
        old._replace(oldest_job_age_seconds=0, consumers=0) == new._replace(oldest_job_age_seconds=0, consumers=0)
        for old, new in ((before.live, after.live), (before.archive, after.archive))
    )


def _archive_account(counts: _Snapshot, saved: dict[str, int]) -> ArchiveAccount:
    outcomes = {"archived": saved.get("archived", 0)}
    return ArchiveAccount(**outcomes, **_common_fields(ARCHIVE, counts.archive, counts.accepted, saved, outcomes))


def _live_account(counts: _Snapshot, saved: dict[str, int]) -> LiveAccount:
    outcomes = {"shown": saved.get("live_shown", 0), "expired": saved.get("live_expired", 0)}
    return LiveAccount(**outcomes, **_common_fields(LIVE, counts.live, counts.accepted, saved, outcomes))


def _common_fields(
    tube: str, counts: TubeCounts, accepted: Totals, saved: dict[str, int], outcomes: dict[str, int]
) -> dict[str, int]:
    """Compute the fields that all accounts have; `outcomes` are the fields of this tube alone."""
    common_outcomes = {
        "duplicates": saved.get("duplicates", 0),
        "dead_letters": counts.dead_letters,
        "discarded": saved.get(f"{tube}_discarded", 0),
    }
    done = sum(outcomes.values()) + sum(common_outcomes.values())
    waiting = _waiting_messages(counts.ready + counts.reserved, accepted, accepted.accepted - done)
    surplus = max(0, done + waiting - accepted.accepted)
    unanswered = min(surplus, accepted.begun - accepted.accepted)
    differences = {
        "unanswered": unanswered,
        "unexplained": surplus - unanswered,
        "missing": max(0, accepted.accepted - done - waiting),
    }
    return common_outcomes | {"waiting": waiting} | differences


def _waiting_messages(jobs: int, accepted: Totals, expected: int) -> int:
    """Estimate how many messages wait in a number of jobs: the expected number, if so many jobs can hold it.

    This is exact if no job waits, or if this stack has never accepted a batch. Otherwise a loss may stay hidden until
    the jobs have left the tube.
    """
    batched = accepted.accepted - accepted.jobs
    most = min(jobs * MAX_BATCH_MESSAGES, jobs + batched)
    return min(max(expected, jobs), most)


def add_routes(app: Flask, settings: Settings, pool: QueuePool, store: StoreReader) -> None:
    """Add the route."""

    @app.get("/api/ledger")
    def ledger() -> Response:
        with pool.lend() as queue:
            return json_response(200, reconcile(settings.counters, queue, store))
