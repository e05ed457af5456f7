"""The way in: one trade message, or a batch of them, becomes one job in every tube."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from api.http.responses import FaultItem, fault_items, json_response
from api.ingest import batch
from api.ingest.group_commit import GroupCommit
from api.ingest.request_body import body, idempotency_key, refuse_foreign
from tradewire import event, metrics, trade
from tradewire.counters import CrashSafeCounter
from tradewire.errors import Fault
from tradewire.event import Id
from tradewire.limits import MAX_BATCH_BYTES, MAX_MESSAGE_BYTES
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from flask import Flask, Response

    from api.http.queue_pool import QueuePool
    from tradewire.settings import Settings


PATHS: Final = ("/api/message", "/api/messages")
"""Where messages are posted."""

_Ignored = Annotated[
    list[str],
    msgspec.Meta(description="Names of unknown fields, where there are any: the first hundred, cut to 64 characters."),
]


class Accepted(msgspec.Struct, omit_defaults=True):
    """A message that is kept."""

    status: Literal["OK"]
    userId: str  # noqa: N815 - as it is written
    id: Id
    ignored: _Ignored = []


class Refused(msgspec.Struct):
    """One message of a batch that can't be taken; `index` is its place, from 0."""

    index: int
    errors: list[FaultItem]


class BatchAccepted(msgspec.Struct, omit_defaults=True):
    """A batch of which all or some messages are kept; `ids` has null in the place of each one refused."""

    status: Literal["OK", "PARTIAL"]
    accepted: int
    ids: list[Id | None]
    refused: list[Refused] = []
    ignored: _Ignored = []


class BatchFailure(msgspec.Struct, omit_defaults=True):
    """A batch of which nothing is kept; without `refused`, it is none."""

    status: Literal["FAILED"]
    errors: list[FaultItem]
    refused: list[Refused] = []


def add_routes(app: Flask, settings: Settings, pool: QueuePool) -> None:
    """Add the routes."""
    ingest = _Ingest(settings, GroupCommit(pool))

    @app.post("/api/message")
    def message() -> Response:
        refuse_foreign()
        key = idempotency_key()
        with ingest.in_flight() as now:
            placed, ignored = trade.decode(body(MAX_MESSAGE_BYTES), now)
            message_id = event.keyed_id(key, 0, placed) if key else event.new_id()
            ingest.put([event.encode(placed, message_id, now)])
        kept = Accepted("OK", placed.user_id, message_id, ignored)
        return json_response(201, kept, {"Location": f"/api/message/{message_id}"})

    @app.post("/api/messages")
    def message_batch() -> Response:
        refuse_foreign()
        key = idempotency_key()
        with ingest.in_flight() as now:
            checked = batch.check(body(MAX_BATCH_BYTES), key, now)
            if checked.events:
                ingest.put(checked.events)
        for faults in checked.refused.values():
            metrics.refused(faults[0].code)
        return _answer(checked)


class _Ingest:
    """Puts events where they are kept, and counts them."""

    def __init__(self, settings: Settings, group_commit: GroupCommit) -> None:
        # Created by the first request, so that each worker process has a counter of its own.
        self._counter = cache(lambda: CrashSafeCounter(settings.counters))
        self._group_commit = group_commit

    @contextmanager
    def in_flight(self) -> Iterator[datetime]:
        """Give the moment at which a request is received; it is in hand while the block lasts. Raises Unavailable."""
        counter = self._counter()
        received_at = counter.start_request()
        try:
            yield event.from_microseconds(received_at)
        finally:
            counter.end_request(received_at)

    def put(self, events: Sequence[bytes]) -> None:
        """Put events into every tube, as one job. Raises Unavailable; then they are not promised."""
        counter = self._counter()
        counter.count_begun(len(events))
        self._group_commit.put(b"\n".join(events))
        counter.count_accepted(len(events))
        metrics.put(TUBES)
        metrics.accepted(len(events))


def _answer(checked: batch.Checked) -> Response:
    """Say what became of a batch: 201 where all are taken, 207 where some are, 400 where none is."""
    refused = [Refused(place, fault_items(faults)) for place, faults in checked.refused.items()]
    if not checked.events:
        none = Fault(None, "all-refused", "No message of the batch can be taken; `refused` says why.")
        return json_response(400, BatchFailure("FAILED", fault_items([none]), refused))
    status: Literal["OK", "PARTIAL"] = "PARTIAL" if refused else "OK"
    kept = BatchAccepted(status, len(checked.events), checked.ids, refused, checked.ignored)
    return json_response(207 if refused else 201, kept)
