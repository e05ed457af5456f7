"""The ledger: what became of the accepted messages, in each tube, and which are lost.

The parts share no counter. Ingest records each request in files of its own. The store counts the messages that it
saves, in the transaction that saves them. The reconciler compares both, request by request, and names losses.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.http.responses import json_response
from api.http.timestamps import Timestamp, timestamp_from_microseconds
from api.operations.ledger_losses import LossItem, SpanItem, loss_item, span_item
from tradewire.access.key import Role
from tradewire.event import format_time, to_microseconds
from tradewire.ledger import counters, losses, slots, tube_history
from tradewire.ledger.counters import translate_errors
from tradewire.ledger.watermark import reconciled_up_to
from tradewire.queue import ARCHIVE
from tradewire.store import ledger
from tradewire.store.ledger import count_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Flask, Response
    from structlog.stdlib import BoundLogger

    from api.http.audit import RequestTrail
    from api.http.queue_pool import QueuePool
    from tradewire.consumer import Consumer
    from tradewire.ledger.counters import Totals
    from tradewire.ledger.losses import Loss, Losses, Span
    from tradewire.queue import Queue, TubeCounts
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader

_BEHIND_MICROSECONDS: Final = 10_000_000
"""The age of the watermark from which the ledger is settling."""
_LOSSES_MAX: Final = 100


class Account(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The outcomes of one tube's messages."""

    accepted: int
    """Messages accepted while the consumer was enabled."""
    archived: Annotated[int | UnsetType, Meta(description="The archive's tube only: saved in the store.")] = UNSET
    shown: Annotated[int | UnsetType, Meta(description="The live tube only: sent to browsers.")] = UNSET
    delivered: Annotated[int | UnsetType, Meta(description="Tubes of other consumers: delivered.")] = UNSET
    outdated: Annotated[
        int | UnsetType, Meta(description="The archive's tube only: refused, since those of its time are deleted.")
    ] = UNSET
    expired: int
    """Given up before they were delivered."""
    duplicates: int
    """Retries under an Idempotency-Key: accepted again, but the same message."""
    dead_letters: int
    discarded: int
    waiting: int
    """Accepted, and on their way: in the queue, or in the hands of a processor."""
    unanswered: int
    """Put into the tube, but not answered 201: the API was killed, or the queue did not confirm."""
    unexplained: int
    """Put into the tube, but never posted: put there by hand, or received within a span, or a power cut lost counts."""
    missing: int
    """Accepted but lost, and not settled by an operator. Anything but 0 is an alarm."""
    settled: int
    """Lost, and settled by an operator."""


class OutcomeLabel(msgspec.Struct, frozen=True):
    """The words for one count of an account. `name` is the count's key."""

    name: str
    label: str
    meaning: str


class ConsumerLabels(msgspec.Struct, frozen=True):
    """The words for a consumer and for its own outcomes."""

    title: str
    outcomes: list[OutcomeLabel]


class Ledger(msgspec.Struct, frozen=True, rename="camel"):
    """All messages of this stack since its first start."""

    status: Literal["balanced", "settling", "loss"]
    """balanced: all that was received before the watermark is accounted for, and the watermark is less than 10 s old.
    settling: it is older, so later losses may still be unknown. loss: messages are lost, or those of a span may be."""
    archived_up_to: Timestamp
    """The watermark: every message accepted before this time is archived, or is named as lost within two seconds."""
    last_balanced_at: Timestamp
    """The last time at which no message was known to be lost."""
    pending_slots: int
    """Parts of the account that some tube has not been reconciled with. A loss in them may be unknown."""
    kept_since: Annotated[
        Timestamp | None,
        Meta(description="The archive keeps messages received since this time. Null if it deletes none."),
    ]
    deleted: int
    """Archived messages that retention has deleted. They still count as archived."""
    accepted: int
    begun: int
    """Messages that passed the check and were sent to the queue. It confirmed the accepted ones."""
    tubes: dict[str, Account]
    """The account of each consumer's tube."""
    losses: list[LossItem]
    """The oldest losses that no operator has settled, 100 at most."""
    settled_losses: list[LossItem]
    """The losses that an operator has settled, newest first, 100 at most."""
    spans: list[SpanItem]
    """The times whose messages may be lost, since the stack was restored from a backup. Oldest first."""
    consumers: dict[str, ConsumerLabels]
    """The words of each consumer, by its tube."""


class LossesSettled(msgspec.Struct):
    """Confirms that losses are settled."""

    status: Literal["OK"]
    settled: int
    """The number of messages."""


class _Snapshot(NamedTuple):
    """The counts that may change while the store is read."""

    accepted: Totals
    tubes: Mapping[str, TubeCounts]
    slots: int

    def is_idle(self, tube: str) -> bool:
        """Return whether nothing is on its way through a tube."""
        counts = [self.tubes[name] for name in (tube, ARCHIVE)]
        return not self.slots and not any(count.ready or count.reserved for count in counts)


def reconcile(settings: Settings, queue: Queue, store: StoreReader) -> Ledger:
    """Read the ledger.

    Args:
        settings: They name the consumers and the folder of the ledger.
        queue: A connection to the queue.
        store: The archive.

    Raises:
        Unavailable: The files, the queue or the store can't be read.
    """
    now = to_microseconds(datetime.now(UTC))
    before = _snapshot(settings, queue)
    saved = store.counters(counters.stack_id(settings.counters))
    kept = store.kept()
    after = _snapshot(settings, queue)
    watermark = reconciled_up_to(settings.counters, ledger.passed(saved, ARCHIVE))
    named = losses.read(settings.counters)
    tubes = {}
    for consumer in settings.consumers:
        accepted = tube_history.expected(settings.counters, consumer.name, before.accepted)
        is_idle = before.is_idle(consumer.name) and before == after
        tubes[consumer.name] = _account(consumer, accepted, before.tubes[consumer.name], saved, named, is_idle=is_idle)
    unsettled_spans = [span for span in named.spans if not span.settled_at]
    is_loss = bool(unsettled_spans) or any(account.missing for account in tubes.values())
    is_behind = now - watermark > _BEHIND_MICROSECONDS
    is_balanced = not is_loss and not is_behind
    lost_since = [*(loss.received_at for loss in named.unsettled), *(span.since for span in unsettled_spans)]
    balanced_at = now if is_balanced else min([watermark, *lost_since])
    return Ledger(
        status="loss" if is_loss else "settling" if is_behind else "balanced",
        archived_up_to=timestamp_from_microseconds(watermark),
        last_balanced_at=timestamp_from_microseconds(balanced_at),
        pending_slots=after.slots,
        kept_since=timestamp_from_microseconds(kept.since) if kept.since else None,
        deleted=kept.deleted,
        accepted=before.accepted.accepted,
        begun=before.accepted.begun,
        tubes=tubes,
        losses=[loss_item(loss) for loss in named.unsettled[:_LOSSES_MAX]],
        settled_losses=[loss_item(loss) for loss in named.settled[: -_LOSSES_MAX - 1 : -1]],
        spans=[span_item(span) for span in named.spans],
        consumers={consumer.name: _labels(consumer) for consumer in settings.consumers},
    )


def _labels(consumer: Consumer) -> ConsumerLabels:
    return ConsumerLabels(consumer.title, [OutcomeLabel(*outcome) for outcome in consumer.outcomes])


def _snapshot(settings: Settings, queue: Queue) -> _Snapshot:
    # The accepted messages first: a message accepted meanwhile then shows as a surplus, never as missing.
    accepted = counters.read_totals(settings.counters)
    # The archive's tube last: a message that leaves another tube meanwhile then shows as a waiting receipt.
    tubes = sorted(settings.tubes, key=lambda tube: tube == ARCHIVE)
    counts = {tube: queue.counts(tube) for tube in tubes}
    with translate_errors(settings.counters):
        return _Snapshot(accepted, counts, len(slots.names(settings.counters)))


def _account(
    consumer: Consumer, accepted: Totals, counts: TubeCounts, saved: dict[str, int], named: Losses, *, is_idle: bool
) -> Account:
    """Make the account of a tube.

    For a consumer that was not enabled from the first message on, the surplus may include earlier duplicates: the store
    does not count them by tube.
    """
    kinds = [*(outcome.kind for outcome in consumer.outcomes), "expired", "discarded"]
    outcomes = {kind: saved.get(count_name(consumer.name, kind), 0) for kind in kinds}
    outcomes |= {"duplicates": saved.get(ledger.DUPLICATES, 0), "dead_letters": counts.dead_letters}
    if consumer.name == ARCHIVE:
        outcomes["outdated"] = saved.get(ledger.OUTDATED, 0)
    settled = sum(loss.messages for loss in named.settled if loss.tube == consumer.name)
    missing = sum(loss.messages for loss in named.unsettled if loss.tube == consumer.name)
    balance = accepted.accepted - sum(outcomes.values()) - settled
    if is_idle:  # nothing is on its way, so a deficit is a loss even if no request tells of it: the store was replaced
        missing = max(missing, balance)
    surplus = max(0, -balance)
    unanswered = min(surplus, accepted.begun - accepted.accepted)
    return Account(
        accepted=accepted.accepted,
        **outcomes,
        waiting=max(0, balance - missing),
        unanswered=unanswered,
        unexplained=surplus - unanswered,
        missing=missing,
        settled=settled,
    )


def add_routes(
    app: Flask, settings: Settings, pool: QueuePool, store: StoreReader, trail: RequestTrail, log: BoundLogger
) -> None:
    """Add the routes."""

    @app.get("/api/ledger")
    def read() -> Response:
        with pool.lend() as queue:
            return json_response(200, reconcile(settings, queue, store))

    @app.post("/api/ledger/settle")
    def settle() -> Response:
        now = format_time(datetime.now(UTC))
        named = losses.read(settings.counters)
        spans = [span for span in named.spans if not span.settled_at]
        with trail.recorded("losses-settled", Role.OPERATOR, _recorded(named.unsettled, spans)) as details:
            losses.settle(settings.counters, now)
            # Others may have been named meanwhile.
            found = [loss for loss in losses.read(settings.counters).settled if loss.settled_at == now]
            details.update(_recorded(found, spans))
        messages = sum(loss.messages for loss in found)
        log.warning("losses settled", messages=messages)
        return json_response(200, LossesSettled("OK", messages))


def _recorded(found: Sequence[Loss], spans: Sequence[Span]) -> dict[str, Any]:
    """Return what the audit trail tells of losses and spans."""
    oldest = [{"tube": loss.tube, "firstId": loss.first_id} for loss in found[:_LOSSES_MAX]]
    details = {"messages": sum(loss.messages for loss in found), "losses": oldest}
    return details | ({"spans": [span.backup for span in spans]} if spans else {})
