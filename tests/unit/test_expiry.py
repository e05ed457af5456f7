"""Expiry drops jobs that are too old, or that wait in a half-full queue, and writes a receipt for them."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from processor import expiry
from processor.expiry import Expiry
from tradewire import receipt
from tradewire.consumers import live
from tradewire.event import format_time
from tradewire.queue import ARCHIVE, LIVE
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from tradewire.consumer import Consumer

MAX_AGE_SECONDS = live.CONSUMER.max_age_seconds or 0


class Scene:
    """An expiry, its queue and its log."""

    def __init__(self, max_bytes: int = 10**9, consumer: Consumer = live.CONSUMER) -> None:
        self.broker = Broker(max_bytes=max_bytes)
        self.queue = MemoryQueue(self.broker)
        self.capture = LogCapture()
        log = structlog.wrap_logger(logging.getLogger(__name__), processors=[self.capture], wrapper_class=BoundLogger)
        self.expiry = Expiry(MemoryQueue(self.broker), consumer, log)

    def put(self, *ages_seconds: float) -> list[str]:
        """Put one job for each age and return the ids of their events."""
        ids = []
        for age in ages_seconds:
            ids.append(str(uuid.uuid4()))
            received_at = format_time(datetime.now(UTC) - timedelta(seconds=age))
            self.queue.put(msgspec.json.encode({"id": ids[-1], "receivedAt": received_at}), [LIVE])
        return ids

    def waiting(self) -> list[str]:
        """Return the event ids of the ready jobs, in order."""
        ready = self.broker.ready[LIVE]
        return [msgspec.json.decode(ready[number].body)["id"] for number in sorted(ready)]

    def receipts(self) -> list[receipt.Receipt]:
        """Take all receipts out of the archive's tube."""
        return [receipt.decode(job.body) for job in self.queue.reserve(ARCHIVE, 1000, 0)]


def test_jobs_over_the_maximum_age_expire_with_a_receipt_and_younger_ones_stay() -> None:
    scene = Scene()
    old = scene.put(2 * MAX_AGE_SECONDS, MAX_AGE_SECONDS + 1)
    young = scene.put(MAX_AGE_SECONDS - 60, 0)
    scene.expiry.step()
    assert scene.waiting() == young
    [expired] = scene.receipts()
    assert (expired.receipt, expired.tube, expired.ids, expired.reason) == ("expired", LIVE, old, "age")
    assert [(entry["event"], entry["messages"]) for entry in scene.capture.entries] == [("expired", 2)]


def test_a_backlog_of_any_length_expires_in_batches() -> None:
    scene = Scene()
    old = scene.put(*[2 * MAX_AGE_SECONDS] * (2 * expiry.BATCH_JOBS + 1))
    young = scene.put(0)
    assert [scene.expiry.step() for _ in range(4)] == [True, True, False, False]
    assert scene.waiting() == young
    assert [id_ for expired in scene.receipts() for id_ in expired.ids] == old


@pytest.mark.parametrize("ages", [(), (0,), (MAX_AGE_SECONDS - 60, 0)])
def test_no_job_expires_before_the_maximum_age(ages: tuple[float, ...]) -> None:
    scene = Scene()
    ids = scene.put(*ages)
    scene.expiry.step()
    assert scene.waiting() == ids
    assert scene.receipts() == []
    assert not scene.broker.reserved


def test_a_half_full_queue_evicts_the_oldest_waiting_jobs() -> None:
    scene = Scene(max_bytes=3000)
    waiting = scene.put(*[60] * 20)
    new = scene.put(0)
    assert scene.queue.fill() > expiry.FILL_MAX
    scene.expiry.step()
    assert scene.waiting() == new
    [expired] = scene.receipts()
    assert (expired.ids, expired.reason) == (waiting, "evicted")


def test_a_full_queue_does_not_evict_jobs_that_have_just_arrived() -> None:
    scene = Scene(max_bytes=3000)
    flowing = scene.put(*[1] * 20)
    scene.expiry.step()
    assert scene.waiting() == flowing


def test_without_a_maximum_age_jobs_wait_unless_the_queue_fills_up() -> None:
    patient = replace(live.CONSUMER, max_age_seconds=None)
    scene = Scene(consumer=patient)
    old = scene.put(10**8)
    assert not scene.expiry.step()
    assert scene.waiting() == old
    full = Scene(max_bytes=1, consumer=patient)
    full.put(10**8)
    full.expiry.step()
    assert full.waiting() == []


def test_a_check_does_not_count_as_a_consumer() -> None:
    scene = Scene()
    scene.put(2 * MAX_AGE_SECONDS, 0)
    scene.expiry.step()
    assert scene.queue.counts(LIVE).consumers == 0


def test_a_job_of_unknown_age_is_left_to_its_consumer() -> None:
    readable = msgspec.json.encode({"id": str(uuid.uuid4()), "receivedAt": "2015-01-24T10:27:44Z"})
    for job in (b"no event", b"no event\n" + readable):
        scene = Scene()
        scene.queue.put(job, [LIVE])
        scene.expiry.step()
        assert scene.queue.counts(LIVE).ready == 1
        assert scene.receipts() == []


def test_expired_messages_are_split_over_several_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt, "IDS_MAX", 3)
    scene = Scene()
    old = scene.put(*[2 * MAX_AGE_SECONDS] * 7)
    scene.expiry.step()
    receipts = scene.receipts()
    assert [len(expired.ids) for expired in receipts] == [3, 3, 1]
    assert [id_ for expired in receipts for id_ in expired.ids] == old
