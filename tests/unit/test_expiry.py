"""Expiry gives up events that are too old, or that are over their tube's share, and puts a receipt for each."""

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
from tests.unit.sinks import UnsettlingQueue, new_turns
from tradewire import event, receipt
from tradewire.consumers import live
from tradewire.errors import QueueUnavailable
from tradewire.event import format_time
from tradewire.queue import LIVE, Rejected
from tradewire.queue.memory import MemoryQueue

if TYPE_CHECKING:
    from datetime import tzinfo

    from prometheus_client import CollectorRegistry

EVENT_BYTES = len(event_of_age(0, str(uuid.uuid4())))


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


def test_a_tube_over_its_share_evicts_its_oldest_jobs_whatever_their_age() -> None:
    scene = Scene(share_bytes=10 * EVENT_BYTES)
    ids = scene.put(*[0] * 13)
    assert not scene.expiry.step()
    assert scene.waiting() == ids[3:]
    [expired] = scene.receipts()
    assert (expired.ids, expired.reason) == (ids[:3], "evicted")


def test_a_tube_that_is_one_byte_over_its_share_evicts_a_job() -> None:
    scene = Scene(share_bytes=3 * EVENT_BYTES - 1)
    ids = scene.put(*[0] * 3)
    scene.expiry.step()
    assert scene.waiting() == ids[1:]


def test_a_tube_within_its_share_keeps_all_jobs() -> None:
    scene = Scene(share_bytes=10 * EVENT_BYTES)
    ids = scene.put(*[60] * 10)
    assert not scene.expiry.step()
    assert scene.waiting() == ids


def test_reserved_jobs_count_towards_the_share_and_are_not_evicted() -> None:
    scene = Scene(share_bytes=3 * EVENT_BYTES)
    ids = scene.put(*[0] * 4)
    jobs = scene.queue.reserve(LIVE, 3, 0)
    assert not scene.expiry.step()
    assert scene.waiting() == []
    scene.queue.release(jobs)
    assert scene.waiting() == ids[:3]
    scene.queue.reserve(LIVE, 3, 0)
    assert not scene.expiry.step()


def test_a_large_excess_is_evicted_in_batches() -> None:
    scene = Scene(share_bytes=0)
    scene.put(*[0] * (2 * expiry.BATCH_JOBS + 1))
    assert [scene.expiry.step() for _ in range(4)] == [True, True, False, False]
    assert scene.waiting() == []


def test_dead_letters_over_half_of_the_share_are_evicted_with_a_receipt() -> None:
    scene = Scene()
    ids = scene.put(*[0] * 4)
    for job in scene.queue.reserve(LIVE, 4, 0):
        scene.queue.dead_letter(job, [Rejected(job.body, "bad")])
    size = scene.queue.counts(LIVE).dead_letter_bytes
    half = Expiry(scene.queue, new_turns(LIVE), None, size, scene.no_announcement, scene.log)
    while half.step():
        pass
    receipts = scene.receipts()
    assert {(discarded.receipt, discarded.reason) for discarded in receipts} == {("discarded", "evicted")}
    kept = [event.peek(letter.event) for letter in scene.queue.dead_letters(LIVE, 10)]
    assert [id_ for discarded in receipts for id_ in discarded.ids] + [header.id for header in kept if header] == ids
    assert 0 < scene.queue.counts(LIVE).dead_letter_bytes <= size / 2


def test_dead_letters_take_at_most_half_of_the_share_from_the_waiting_jobs() -> None:
    scene = Scene()
    scene.put(0)
    [job] = scene.queue.reserve(LIVE, 1, 0)
    scene.queue.dead_letter(job, [Rejected(job.body, "bad")])
    size = scene.queue.counts(LIVE).dead_letter_bytes
    waiting = scene.put(*[0] * 4)
    share = size + 3 * EVENT_BYTES
    assert not Expiry(scene.queue, new_turns(LIVE), None, share, scene.no_announcement, scene.log).step()
    assert scene.waiting() == waiting[1:]


def test_without_a_maximum_age_jobs_wait_unless_the_tube_is_over_its_share() -> None:
    patient = replace(live.CONSUMER, max_age_seconds=None)
    scene = Scene(consumer=patient)
    old = scene.put(10**8)
    assert not scene.expiry.step()
    assert scene.waiting() == old
    full = Scene(share_bytes=1, consumer=patient)
    full.put(10**8)
    full.expiry.step()
    assert full.waiting() == []


@pytest.mark.parametrize(("age", "share_bytes"), [(2 * MAX_AGE_SECONDS, 10**9), (0, 0)])
def test_events_are_announced_before_they_are_given_up(age: float, share_bytes: int) -> None:
    scene = Scene(share_bytes=share_bytes)
    scene.put(age, age)
    scene.expiry.step()
    [counts] = scene.announced
    assert counts.ready + counts.reserved == 2


def test_nothing_is_announced_while_no_events_are_given_up() -> None:
    scene = Scene()
    scene.put(60, 0)
    scene.expiry.step()
    assert scene.announced == []


def test_a_clock_that_is_ahead_lets_no_event_expire_early() -> None:
    scene = Scene()
    days = 400 * 86_400.0
    young = [str(uuid.uuid4()) for _ in range(2)]
    scene.put_job(event_of_age(days, young[0]), 60)
    scene.put_job(event_of_age(days, young[1]), 0)
    assert not scene.expiry.step()
    assert scene.waiting() == young
    old = Scene()
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for event_id, age in zip(ids, (MAX_AGE_SECONDS + 60, MAX_AGE_SECONDS + 30, 60), strict=True):
        old.put_job(event_of_age(days + age, event_id), age)
    assert not old.expiry.step()
    assert old.waiting() == ids[2:]


def test_a_check_does_not_count_as_a_consumer() -> None:
    scene = Scene()
    scene.put(2 * MAX_AGE_SECONDS, 0)
    scene.expiry.step()
    assert scene.queue.counts(LIVE).consumers == 0


def test_unreadable_events_become_dead_letters_when_their_job_is_given_up() -> None:
    event_id = str(uuid.uuid4())
    scene = Scene()
    scene.put_job(b"no event", 2 * MAX_AGE_SECONDS)
    scene.put_job(b"worse\n" + event_of_age(2 * MAX_AGE_SECONDS, event_id), 2 * MAX_AGE_SECONDS)
    young = scene.put(0)
    scene.expiry.step()
    assert [letter.event for letter in scene.queue.dead_letters(LIVE, 10)] == [b"no event", b"worse"]
    assert [expired.ids for expired in scene.receipts()] == [[event_id]]
    assert scene.waiting() == young


def test_a_tube_with_nothing_but_an_unreadable_event_is_checked_again_after_giving_it_up() -> None:
    scene = Scene()
    scene.put_job(b"no event", 2 * MAX_AGE_SECONDS)
    assert [scene.expiry.step() for _ in range(2)] == [True, False]
    [letter] = scene.queue.dead_letters(LIVE, 10)
    assert (letter.event, letter.reason) == (b"no event", "not an event")


def test_an_unreadable_event_stays_with_its_consumer_until_it_is_over_the_maximum_age() -> None:
    scene = Scene()
    scene.put_job(b"no event", MAX_AGE_SECONDS - 60)
    assert not scene.expiry.step()
    assert scene.queue.counts(LIVE).ready == 1


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
    scene.put_job(event_of_age(young, ids[0]) + b"\n" + event_of_age(old, ids[1]), old)
    scene.put_job(event_of_age(old, ids[2]) + b"\n" + event_of_age(young, ids[3]), old)
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


@pytest.mark.parametrize(("reason", "age", "share_bytes"), [("age", 2 * MAX_AGE_SECONDS, 10**9), ("evicted", 60, 0)])
def test_expired_messages_are_counted_by_reason(
    registry: CollectorRegistry, reason: str, age: float, share_bytes: int
) -> None:
    scene = Scene(share_bytes=share_bytes)
    scene.put(age, age, age)
    scene.expiry.step()
    assert registry.get_sample_value("tradewire_messages_expired_total", {"tube": LIVE, "reason": reason}) == 3


@pytest.mark.usefixtures("far_time_zone")
def test_a_receipt_has_the_tube_and_the_time_in_utc() -> None:
    scene = Scene()
    scene.queue.put(event_of_age(60, str(uuid.uuid4())), ["other"])
    Expiry(MemoryQueue(scene.broker), new_turns("other"), None, 0, scene.no_announcement, scene.log).step()
    [expired] = scene.receipts()
    assert expired.tube == "other"
    assert abs(datetime.fromisoformat(expired.at) - datetime.now(UTC)) < timedelta(minutes=1)


def test_all_that_is_left_in_a_tube_can_be_dropped_with_receipts() -> None:
    scene = Scene()
    dead = scene.put(0)
    [job] = scene.queue.reserve(LIVE, 1, 0)
    scene.queue.dead_letter(job, [Rejected(job.body, "bad")])
    waiting = scene.put(*[0] * (expiry.BATCH_JOBS + 1))
    scene.put_job(b"unreadable", 0)
    recorded: list[tuple[bytes, int]] = []
    scene.expiry.drop_all(
        lambda letters: recorded.extend((each.event, scene.queue.counts(LIVE).dead_letters) for each in letters)
    )
    assert scene.queue.counts(LIVE)[:3] == (0, 0, 0)
    assert recorded == [(job.body, 2), (b"unreadable", 2)]  # before they were deleted
    receipts = [(each.receipt, each.reason, each.ids) for each in scene.receipts()]
    assert receipts == [
        ("expired", "dropped", waiting[: expiry.BATCH_JOBS]),
        ("expired", "dropped", waiting[expiry.BATCH_JOBS :]),
        ("discarded", "dropped", dead),
    ]


class StoppedClock(datetime):
    """A time of day that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2024, 6, 1, tzinfo=tz)


@pytest.mark.parametrize("early", [0, 1])
def test_jobs_expire_from_the_exact_age_on(monkeypatch: pytest.MonkeyPatch, early: int) -> None:
    monkeypatch.setattr(expiry, "datetime", StoppedClock)
    scene = Scene()
    age = timedelta(seconds=MAX_AGE_SECONDS) - timedelta(microseconds=early)
    line = msgspec.json.encode({"id": str(uuid.uuid4()), "receivedAt": format_time(StoppedClock.now(UTC) - age)})
    scene.put_job(line, MAX_AGE_SECONDS)
    scene.expiry.step()
    assert [expired.reason for expired in scene.receipts()] == ["age"] * (not early)
