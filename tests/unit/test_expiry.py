"""Expiry drops jobs that are too old, or that wait in a half-full queue, and writes a receipt for them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

import msgspec
import pytest

from processor import expiry
from processor.expiry import Expiry
from tests.unit.scenes import MAX_AGE_SECONDS, Scene, event_of_age
from tests.unit.sinks import UnsettlingQueue
from tradewire import receipt
from tradewire.consumers import live
from tradewire.errors import QueueUnavailable
from tradewire.event import format_time
from tradewire.queue import LIVE
from tradewire.queue.memory import MemoryQueue

if TYPE_CHECKING:
    from datetime import tzinfo

    from prometheus_client import CollectorRegistry


def test_jobs_over_the_maximum_age_expire_with_a_receipt_and_younger_ones_stay() -> None:
    scene = Scene()
    old = scene.put(2 * MAX_AGE_SECONDS, MAX_AGE_SECONDS + 1)
    young = scene.put(MAX_AGE_SECONDS - 60, 0)
    scene.expiry.step()
    assert scene.waiting() == young
    [expired] = scene.receipts()
    assert (expired.receipt, expired.tube, expired.ids, expired.reason) == ("expired", LIVE, old, "age")
    assert scene.capture.entries == [
        {
            "event": "expired",
            "log_level": "warning",
            "tube": LIVE,
            "messages": 2,
            "reason": "age",
            "first": old[0],
            "last": old[1],
        }
    ]


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


def test_a_job_is_as_old_as_its_last_event() -> None:
    scene = Scene()
    ids = [str(uuid.uuid4()) for _ in range(4)]
    old, young = 2 * MAX_AGE_SECONDS, 0
    scene.queue.put(event_of_age(young, ids[0]) + b"\n" + event_of_age(old, ids[1]), [LIVE])
    scene.queue.put(event_of_age(old, ids[2]) + b"\n" + event_of_age(young, ids[3]), [LIVE])
    scene.expiry.step()
    assert [expired.ids for expired in scene.receipts()] == [ids[:2]]
    assert scene.queue.counts(LIVE).ready == 1


def test_the_receipt_is_put_before_the_jobs_are_deleted() -> None:
    scene = Scene(queue=UnsettlingQueue)
    old = scene.put(2 * MAX_AGE_SECONDS)
    with pytest.raises(QueueUnavailable):
        scene.expiry.step()
    scene.broker.fault = None
    assert scene.waiting() == old
    assert [expired.ids for expired in scene.receipts()] == [old]


@pytest.mark.parametrize(("reason", "age", "max_bytes"), [("age", 2 * MAX_AGE_SECONDS, 10**9), ("evicted", 60, 100)])
def test_expired_messages_are_counted_by_reason(
    registry: CollectorRegistry, reason: str, age: float, max_bytes: int
) -> None:
    scene = Scene()
    scene.put(age, age, age)
    scene.broker.max_bytes = max_bytes
    scene.expiry.step()
    assert registry.get_sample_value("tradewire_messages_expired_total", {"tube": LIVE, "reason": reason}) == 3


@pytest.mark.usefixtures("far_time_zone")
def test_a_receipt_has_the_tube_and_the_time_in_utc() -> None:
    scene = Scene()
    scene.queue.put(event_of_age(2 * MAX_AGE_SECONDS, str(uuid.uuid4())), ["other"])
    Expiry(MemoryQueue(scene.broker), replace(live.CONSUMER, name="other"), scene.log).step()
    [expired] = scene.receipts()
    assert expired.tube == "other"
    assert abs(datetime.fromisoformat(expired.at) - datetime.now(UTC)) < timedelta(minutes=1)


class StoppedClock(datetime):
    """A time of day that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2024, 6, 1, tzinfo=tz)


@pytest.mark.parametrize(
    ("age", "max_bytes", "reason"),
    [
        pytest.param(timedelta(seconds=MAX_AGE_SECONDS), 10**9, "age", id="exactly the maximum age"),
        pytest.param(expiry.EVICTION_AGE, 1, "evicted", id="exactly the age for eviction"),
        pytest.param(expiry.EVICTION_AGE - timedelta(microseconds=1), 1, "", id="just below the age for eviction"),
        pytest.param(timedelta(seconds=60), 200, "", id="a queue that is exactly half full"),
        pytest.param(timedelta(seconds=60), 199, "evicted", id="a queue that is just over half full"),
    ],
)
def test_jobs_expire_from_the_exact_age_and_fill_on(
    monkeypatch: pytest.MonkeyPatch, age: timedelta, max_bytes: int, reason: str
) -> None:
    monkeypatch.setattr(expiry, "datetime", StoppedClock)
    scene = Scene()
    line = msgspec.json.encode({"id": str(uuid.uuid4()), "receivedAt": format_time(StoppedClock.now(UTC) - age)})
    scene.queue.put(line.ljust(100), [LIVE])
    scene.broker.max_bytes = max_bytes
    scene.expiry.step()
    assert [expired.reason for expired in scene.receipts()] == [reason] * bool(reason)
