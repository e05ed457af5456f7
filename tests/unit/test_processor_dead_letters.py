"""Dead letters of the processor: their receipts, reasons, log lines and counts."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.sinks import ProcessorHarness, UnsettlingQueue
from tradewire.consumers import live
from tradewire.errors import InvalidEvent, QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import LIVE
from tradewire.queue.dead_letter import REASON_CHARS_MAX

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def test_an_empty_job_is_dead_lettered() -> None:
    harness = ProcessorHarness(b"1", b"", b"2")
    harness.processor.step()
    assert harness.sink.delivered == [b"1", b"2"]
    assert [letter.event for letter in harness.dead_letters] == [b""]


def test_an_event_over_the_job_limit_is_dead_lettered_without_a_delivery() -> None:
    harness = ProcessorHarness(b"1", b"x" * (MAX_JOB_BYTES + 1), b"2")
    while harness.waiting:
        harness.processor.step()
    [letter] = harness.dead_letters
    assert "larger than a delivery may be" in letter.reason
    assert harness.sink.delivered == [b"1", b"2"]


def test_the_archive_gets_a_receipt_with_id_and_reason_of_a_dead_letter() -> None:
    harness = ProcessorHarness(b'bad {"id":"no event"}')
    valid = msgspec.json.encode({"id": str(uuid.uuid4()), "receivedAt": "2026-01-02T03:04:05.000006Z"})
    harness.put(valid)
    harness.sink.script = [InvalidEvent("refused")] * 5  # the batch, then each event alone, and again to confirm
    harness.processor.step()
    assert len(harness.dead_letters) == 2
    [dead_lettered] = harness.receipts
    assert (dead_lettered.receipt, dead_lettered.tube, dead_lettered.reason) == ("dead-lettered", LIVE, "refused")
    assert dead_lettered.ids == [msgspec.json.decode(valid)["id"]]


def test_the_receipt_of_a_dead_letter_is_put_before_its_job_is_settled() -> None:
    valid = msgspec.json.encode({"id": str(uuid.uuid4())})
    harness = ProcessorHarness(valid, queue=UnsettlingQueue)
    harness.sink.script = [InvalidEvent("refused")] * 2
    with pytest.raises(QueueUnavailable):
        harness.processor.step()
    assert (harness.waiting, harness.in_flight) == ([valid], 0)
    assert [receipt.receipt for receipt in harness.receipts] == ["dead-lettered"]


def test_a_receipt_carries_the_beginning_of_a_long_reason() -> None:
    harness = ProcessorHarness(msgspec.json.encode({"id": str(uuid.uuid4())}))
    reason = "0123456789" * 200
    harness.sink.script = [InvalidEvent(reason)] * 2
    harness.processor.step()
    assert [receipt.reason for receipt in harness.receipts] == [reason[:REASON_CHARS_MAX]]


def test_dead_letters_and_reserved_jobs_are_counted(registry: CollectorRegistry) -> None:
    harness = ProcessorHarness(b"1", b"bad\n2\nbad")
    harness.processor.step()
    assert registry.get_sample_value("tradewire_messages_dead_lettered_total", {"tube": LIVE}) == 2
    assert registry.get_sample_value("tradewire_jobs_reserved_total", {"tube": LIVE}) == 2


@pytest.mark.usefixtures("far_time_zone")
def test_the_receipt_of_a_dead_letter_has_the_tube_and_the_time_in_utc() -> None:
    valid = msgspec.json.encode({"id": str(uuid.uuid4())})
    harness = ProcessorHarness(valid, consumer=replace(live.CONSUMER, name="other"))
    harness.sink.script = [InvalidEvent("refused")] * 2
    harness.processor.step()
    [dead_lettered] = harness.receipts
    assert dead_lettered.tube == "other"
    assert abs(datetime.fromisoformat(dead_lettered.at) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_dead_letter_is_logged_with_tube_id_reason_and_size() -> None:
    event_id = str(uuid.uuid4())
    valid = msgspec.json.encode({"id": event_id})
    harness = ProcessorHarness(valid)
    harness.sink.script = [InvalidEvent("refused")] * 2
    harness.processor.step()
    harness.put(b"bad")
    harness.processor.step()
    common = {"event": "dead-lettered", "log_level": "error", "tube": LIVE}
    assert harness.log == [
        common | {"id": event_id, "reason": "refused", "bytes": len(valid)},
        common | {"id": None, "reason": "invalid: bad", "bytes": 3},
    ]
