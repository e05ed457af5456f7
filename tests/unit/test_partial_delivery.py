"""Partial deliveries: failed events stay in the tube, rejected ones become dead letters, others get receipts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from processor import loop
from processor.sinks import PartialDelivery, Verdict
from tests.unit.sinks import ProcessorHarness
from tradewire import receipt
from tradewire.consumer import Outcome
from tradewire.consumers import live
from tradewire.errors import InvalidEvent, QueueUnavailable
from tradewire.event import format_time
from tradewire.queue import ARCHIVE, Rejected
from tradewire.queue.memory import MemoryQueue

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

IDS = [f"00000000-0000-7000-8000-00000000000{number}" for number in range(6)]
EVENTS = [msgspec.json.encode({"id": id_, "receivedAt": "2026-01-02T03:04:05.000006Z"}) for id_ in IDS]
WEBHOOK = replace(
    live.CONSUMER, name="webhook", outcomes=(Outcome("delivered", "Delivered", ""),), max_age_seconds=None
)


def harness(*jobs: bytes) -> ProcessorHarness:
    """Make a processor whose consumer leaves `delivered` receipts."""
    return ProcessorHarness(*jobs, consumer=WEBHOOK)


def receipts(scene: ProcessorHarness) -> list[tuple[str, str, list[str]]]:
    """Take all receipts out of the archive's tube."""
    queue = MemoryQueue(scene.broker)
    jobs = queue.reserve(ARCHIVE, 1000, 0)
    queue.delete(jobs)
    decoded = [receipt.decode(job.body) for job in jobs]
    return [(each.receipt, each.tube, each.ids) for each in decoded]


def test_delivered_events_get_one_receipt_for_each_delivery() -> None:
    scene = harness(b"\n".join(EVENTS[:2]), EVENTS[2])
    scene.processor.step()
    assert receipts(scene) == [("delivered", "webhook", IDS[:3])]
    assert (scene.waiting, scene.in_flight) == ([], 0)


def test_delivered_events_are_counted_by_tube(registry: CollectorRegistry) -> None:
    scene = harness(*EVENTS[:3])
    scene.processor.step()
    assert registry.get_sample_value("tradewire_messages_delivered_total", {"tube": "webhook"}) == 3


def test_a_consumer_with_outcomes_of_its_own_gets_no_receipts_from_the_processor() -> None:
    scene = ProcessorHarness(*EVENTS)
    scene.processor.step()
    assert receipts(scene) == []


def test_after_a_wait_no_event_has_a_receipt() -> None:
    scene = harness(*EVENTS)
    scene.sink.script = [Verdict.WAIT]
    scene.processor.step()
    assert receipts(scene) == []


def test_failed_events_return_to_the_tube_and_the_delivered_ones_are_settled() -> None:
    scene = harness(b"\n".join(EVENTS[:3]), EVENTS[3])
    scene.sink.script = [PartialDelivery([EVENTS[1], EVENTS[3]])]
    scene.processor.step()
    assert receipts(scene) == [("delivered", "webhook", [IDS[0], IDS[2]])]
    assert (scene.waiting, scene.in_flight, scene.dead_letters) == ([EVENTS[1], EVENTS[3]], 0, [])
    assert scene.log == [
        {"event": "some deliveries failed", "log_level": "warning", "tube": "webhook", "failed": 2, "of": 4}
    ]
    scene.processor.step()
    assert receipts(scene) == [("delivered", "webhook", [IDS[1], IDS[3]])]
    assert (scene.waiting, scene.in_flight) == ([], 0)


def test_a_failed_event_over_the_maximum_age_becomes_a_dead_letter() -> None:
    young = msgspec.json.encode({"id": IDS[5], "receivedAt": format_time(datetime.now(UTC))})
    scene = ProcessorHarness(EVENTS[0], young, EVENTS[1], consumer=replace(WEBHOOK, max_age_seconds=60))
    scene.sink.script = [PartialDelivery([EVENTS[0], young])]
    scene.processor.step()
    assert scene.waiting == [young]
    [letter] = scene.dead_letters
    assert (letter.event, letter.reason) == (EVENTS[0], "its delivery failed for over 60 s")
    assert receipts(scene) == [("delivered", "webhook", [IDS[1]]), ("dead-lettered", "webhook", [IDS[0]])]


def test_failed_events_are_put_into_no_other_tube() -> None:
    scene = harness(*EVENTS)
    scene.sink.script = [PartialDelivery(EVENTS)]
    scene.processor.step()
    assert {tube for tube, jobs in scene.broker.ready.items() if jobs} == {"webhook"}


def test_rejected_events_become_dead_letters_without_a_second_delivery() -> None:
    scene = harness(*EVENTS[:4])
    scene.sink.script = [PartialDelivery([EVENTS[0]], [Rejected(EVENTS[2], "never")])]
    scene.processor.step()
    assert [(letter.event, letter.reason) for letter in scene.dead_letters] == [(EVENTS[2], "never")]
    assert receipts(scene) == [("delivered", "webhook", [IDS[1], IDS[3]]), ("dead-lettered", "webhook", [IDS[2]])]
    assert (scene.waiting, scene.in_flight) == ([EVENTS[0]], 0)
    assert len(scene.sink.deliveries) == 1


def test_a_part_of_an_invalid_job_may_be_delivered_partially() -> None:
    scene = harness(b"\n".join([EVENTS[0], EVENTS[1], EVENTS[2], b"bad"]))
    scene.sink.script = [InvalidEvent("bad"), InvalidEvent("bad"), PartialDelivery([EVENTS[1]])]
    scene.processor.step()
    assert scene.waiting == [EVENTS[1]]
    assert [letter.event for letter in scene.dead_letters] == [b"bad"]
    assert receipts(scene)[:2] == [("delivered", "webhook", [IDS[0]]), ("delivered", "webhook", [IDS[2]])]


def test_after_a_failure_the_processor_pauses_for_longer_each_time_until_all_are_delivered() -> None:
    scene = harness(EVENTS[0])
    scene.sink.script = [PartialDelivery([EVENTS[0]]) for _ in range(5)]
    for _ in range(6):
        scene.processor.step()
    assert len(scene.stop.waits) == 5
    assert scene.stop.waits[-1] > 4 * scene.stop.waits[0]
    scene.put(EVENTS[1])
    scene.sink.script = [PartialDelivery([EVENTS[1]])]
    scene.processor.step()
    assert scene.stop.waits[-1] <= 2 * scene.stop.waits[0]


def test_no_receipt_is_lost_and_no_job_is_deleted_if_the_queue_fails_in_between() -> None:
    scene = harness(*EVENTS[:2])
    scene.sink.script = [PartialDelivery([EVENTS[1]])]
    scene.sink.before_delivery = lambda: setattr(scene.broker, "fault", "away")
    with pytest.raises(QueueUnavailable):
        scene.processor.step()
    scene.broker.fault = None
    assert scene.waiting == EVENTS[:2]
    assert receipts(scene) == []


def test_jobs_that_there_is_no_time_for_are_released_without_a_hold_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "HOLD_SECONDS", 0)
    scene = harness(*EVENTS[:2])
    scene.processor.step()
    assert (scene.waiting, scene.in_flight, scene.sink.hold_offs) == (EVENTS[:2], 0, [])
    monkeypatch.setattr(loop, "HOLD_SECONDS", 10)
    scene.processor.step()
    assert scene.sink.deliveries == [EVENTS[:2]], "the next step takes all jobs at once"
