"""The ledger: for each tube, reconciles the accepted messages with their outcomes.

The two sides share no counter. The API counts accepted messages in files of its own. The store counts the messages it
saves, in the transaction that saves them. The queue counts the jobs that wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.http.responses import json_response
from tradewire import counters, tube_history
from tradewire.limits import MAX_BATCH_MESSAGES
from tradewire.queue import ARCHIVE
from tradewire.store.ledger import count_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response

    from api.http.queue_pool import QueuePool
    from tradewire.consumer import Consumer
    from tradewire.counters import Totals
    from tradewire.queue import Queue, TubeCounts
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader


class Account(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The outcomes of one tube's messages, and how their sum differs from the accepted messages.

    While the ledger is settling, the archive's waiting receipts count as messages.
    """

    accepted: int
    """Messages accepted while the consumer was enabled."""
    archived: Annotated[int | UnsetType, Meta(description="The archive's tube only: saved in the store.")] = UNSET
    shown: Annotated[int | UnsetType, Meta(description="The live tube only: sent to browsers.")] = UNSET
    delivered: Annotated[int | UnsetType, Meta(description="Tubes of other consumers: delivered.")] = UNSET
    expired: int
    """Given up before they were delivered."""
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


class OutcomeLabel(msgspec.Struct, frozen=True):
    """The words for one count of an account. `name` is the count's key."""

    name: str
    label: str
    meaning: str


class ConsumerLabels(msgspec.Struct, frozen=True):
    """The words for a consumer and for its own outcomes."""

    title: str
    outcomes: list[OutcomeLabel]


class Ledger(msgspec.Struct, frozen=True):
    """All messages of this stack since its first start."""

    status: Literal["balanced", "settling", "loss"]
    """settling: messages are still on their way to the archive, so the differences mean nothing yet."""
    accepted: int
    begun: int
    """Messages that passed the check and were sent to the queue. It confirmed the accepted ones."""
    tubes: dict[str, Account]
    """The account of each consumer's tube."""
    consumers: dict[str, ConsumerLabels]
    """The words of each consumer, by its tube."""


class _Snapshot(NamedTuple):
    """The counts that may change while the store is read."""

    accepted: Totals
    tubes: Mapping[str, TubeCounts]

    @property
    def is_idle(self) -> bool:
        archive = self.tubes[ARCHIVE]
        return self.accepted.in_flight_since is None and archive.ready == archive.reserved == 0


def reconcile(settings: Settings, queue: Queue, store: StoreReader) -> Ledger:
    """Reconcile the counts of the API, the queue and the store.

    Args:
        settings: They name the consumers and the folder of the API's counters.
        queue: A connection to the queue.
        store: The archive.

    Returns:
        The ledger. Its differences mean something only if it is not settling.

    Raises:
        Unavailable: One of the three can't be read.
    """
    before = _snapshot(settings, queue)
    saved = store.counters(counters.stack_id(settings.counters))
    after = _snapshot(settings, queue)
    tubes = {}
    for consumer in settings.consumers:
        accepted = tube_history.expected(settings.counters, consumer.name, before.accepted)
        tubes[consumer.name] = _account(consumer, accepted, before.tubes[consumer.name], saved)
    is_settled = before.is_idle and _is_unchanged(before, after)
    is_loss = any(account.missing for account in tubes.values())
    return Ledger(
        status="settling" if not is_settled else "loss" if is_loss else "balanced",
        accepted=before.accepted.accepted,
        begun=before.accepted.begun,
        tubes=tubes,
        consumers={consumer.name: _labels(consumer) for consumer in settings.consumers},
    )


def _labels(consumer: Consumer) -> ConsumerLabels:
    return ConsumerLabels(consumer.title, [OutcomeLabel(*outcome) for outcome in consumer.outcomes])


def _snapshot(settings: Settings, queue: Queue) -> _Snapshot:
    # The accepted messages first: a message accepted meanwhile then shows as a surplus, never as missing.
    accepted = counters.read_totals(settings.counters)
    # The archive's tube last: a message that leaves another tube meanwhile then shows as a waiting receipt.
    tubes = sorted(settings.tubes, key=lambda tube: tube == ARCHIVE)
    return _Snapshot(accepted, {tube: queue.counts(tube) for tube in tubes})


def _is_unchanged(before: _Snapshot, after: _Snapshot) -> bool:
    """Return True if no message moved."""
    return before.accepted == after.accepted and all(
        (old.ready, old.reserved, old.dead_letters) == (new.ready, new.reserved, new.dead_letters)
        for old, new in zip(before.tubes.values(), after.tubes.values(), strict=True)
    )


def _account(consumer: Consumer, accepted: Totals, counts: TubeCounts, saved: dict[str, int]) -> Account:
    """Make the account of a tube.

    For a consumer that was not enabled from the first message on, the surplus may include earlier duplicates: the store
    does not count them by tube.
    """
    kinds = [*(outcome.kind for outcome in consumer.outcomes), "expired", "discarded"]
    outcomes = {kind: saved.get(count_name(consumer.name, kind), 0) for kind in kinds}
    outcomes |= {"duplicates": saved.get("duplicates", 0), "dead_letters": counts.dead_letters}
    done = sum(outcomes.values())
    waiting = _waiting_messages(counts.ready + counts.reserved, accepted, accepted.accepted - done)
    surplus = max(0, done + waiting - accepted.accepted)
    unanswered = min(surplus, accepted.begun - accepted.accepted)
    return Account(
        accepted=accepted.accepted,
        **outcomes,
        waiting=waiting,
        unanswered=unanswered,
        unexplained=surplus - unanswered,
        missing=max(0, accepted.accepted - done - waiting),
    )


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
            return json_response(200, reconcile(settings, queue, store))
