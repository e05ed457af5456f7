"""The ledger: what was accepted, held against what became of it, tube by tube.

The two sides share no counter. What was accepted is counted by the API in files of its own, what arrived is counted
by the store in the transaction that saved it, and what waits is counted by the queue.
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
    """What became of one tube's copies, in messages, and how that differs from what was accepted."""

    duplicates: int
    """Retries under an Idempotency-Key: accepted again, and the same message."""
    dead_letters: int
    discarded: int
    waiting: int
    """The queue counts jobs. Where batches wait, it is what is not yet accounted for, if so many jobs can hold that."""
    unanswered: int
    """In the tube although their posters got no 201: the API was killed, or could not tell."""
    unexplained: int
    """In the tube although nobody posted them: put there by hand, or counts were lost in a power cut."""
    missing: int
    """Accepted, and nowhere to be found: lost. Anything but 0 is an alarm."""


class ArchiveAccount(Account, frozen=True, kw_only=True, rename="camel"):
    """The archive's copies. While it is settling, receipts wait among them and are counted, too."""

    archived: int


class LiveAccount(Account, frozen=True, kw_only=True, rename="camel"):
    """The live copies."""

    shown: int
    expired: int


class Accounts(msgspec.Struct, frozen=True):
    """One account a tube."""

    archive: ArchiveAccount
    live: LiveAccount


class Ledger(msgspec.Struct, frozen=True):
    """The whole account of this stack, since it was first started."""

    status: Literal["balanced", "settling", "loss"]
    """settling: messages are on their way between the counts, so the differences say nothing yet."""
    accepted: int
    begun: int
    """Posts that were checked and about to be put; those that are not accepted were told so, or nothing."""
    tubes: Accounts


class _Counts(NamedTuple):
    """What can change while the store is asked."""

    accepted: Totals
    live: TubeCounts
    archive: TubeCounts

    @property
    def at_rest(self) -> bool:
        return self.accepted.in_flight_since is None and self.archive.ready == self.archive.reserved == 0


def reconcile(folder: Path, queue: Queue, store: StoreReader) -> Ledger:
    """Draw up the ledger. Raises Unavailable where one of those who count can't be asked."""
    before = _count(folder, queue)
    saved = store.counters(counters.stack_id(folder))
    after = _count(folder, queue)
    tubes = Accounts(_archive(before, saved), _live(before, saved))
    resting = before.at_rest and _same(before, after)
    lost = tubes.archive.missing or tubes.live.missing
    return Ledger(
        status="settling" if not resting else "loss" if lost else "balanced",
        accepted=before.accepted.accepted,
        begun=before.accepted.begun,
        tubes=tubes,
    )


def _count(folder: Path, queue: Queue) -> _Counts:
    # First what was accepted: what is accepted meanwhile then shows as too much, never as missing.
    return _Counts(counters.read_totals(folder), queue.counts(LIVE), queue.counts(ARCHIVE))


def _same(before: _Counts, after: _Counts) -> bool:
    """Tell whether nothing moved; a job that gets older has not."""
    return before.accepted == after.accepted and all(
        one._replace(oldest_job_age_seconds=0, consumers=0) == other._replace(oldest_job_age_seconds=0, consumers=0)
        for one, other in ((before.live, after.live), (before.archive, after.archive))
    )


def _archive(counts: _Counts, saved: dict[str, int]) -> ArchiveAccount:
    outcome_counts = {"archived": saved.get("archived", 0)}
    return ArchiveAccount(**outcome_counts, **_account(ARCHIVE, counts.archive, counts.accepted, saved, outcome_counts))


def _live(counts: _Counts, saved: dict[str, int]) -> LiveAccount:
    outcome_counts = {"shown": saved.get("live_shown", 0), "expired": saved.get("live_expired", 0)}
    return LiveAccount(**outcome_counts, **_account(LIVE, counts.live, counts.accepted, saved, outcome_counts))


def _account(
    tube: str, counts: TubeCounts, accepted: Totals, saved: dict[str, int], outcome_counts: dict[str, int]
) -> dict[str, int]:
    """Give what every account has, and the differences; `outcome_counts` are the tube's own ways to be done with a message."""
    common = {
        "duplicates": saved.get("duplicates", 0),
        "dead_letters": counts.dead_letters,
        "discarded": saved.get(f"{tube}_discarded", 0),
    }
    done = sum(outcome_counts.values()) + sum(common.values())
    waiting = _messages(counts.ready + counts.reserved, accepted, accepted.accepted - done)
    surplus = max(0, done + waiting - accepted.accepted)
    unanswered = min(surplus, accepted.begun - accepted.accepted)
    differences = {
        "unanswered": unanswered,
        "unexplained": surplus - unanswered,
        "missing": max(0, accepted.accepted - done - waiting),
    }
    return common | {"waiting": waiting} | differences


def _messages(jobs: int, accepted: Totals, expected: int) -> int:
    """Give how many messages wait in so many jobs: as many as are expected, where they can hold them.

    That is exact where none or only messages that were posted alone wait, since a stack knows how many of its
    messages were in company. Where batches wait, a loss may hide behind them, until they are shown.
    """
    in_company = accepted.accepted - accepted.jobs
    most = min(jobs * MAX_BATCH_MESSAGES, jobs + in_company)
    return min(max(expected, jobs), most)


def add_routes(app: Flask, settings: Settings, pool: QueuePool, store: StoreReader) -> None:
    """Add the route."""

    @app.get("/api/ledger")
    def ledger() -> Response:
        """Give the account of every message that was ever accepted."""
        with pool.lend() as queue:
            return json_response(200, reconcile(settings.counters, queue, store))
