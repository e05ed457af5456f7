"""The archive's sink counts what the store saved, and summarizes busy users between deliveries."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from processor.sinks import Verdict
from processor.sinks.archive import ArchiveSink
from tests.unit.helpers import MESSAGE, NOW, decode_trade, event_id
from tradewire import event
from tradewire.consumers import archive
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from prometheus_client import CollectorRegistry


def event_received_at(number: int, received_at: datetime) -> bytes:
    return event.encode(decode_trade(MESSAGE), event_id(number), received_at)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[ArchiveSink]:
    settings = Settings(home=tmp_path, store_url=f"sqlite:///{tmp_path}/store.db")
    with closing(ArchiveSink(archive.CONSUMER, settings, MemoryQueue(Broker()))) as sink:
        yield sink


class Steps:
    """Counts the steps of summarizing busy users, which fail or take time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fail: bool = False, seconds: float = 0) -> None:
        self.now = 1000.0
        self.count = 0
        self.fail = fail
        self._seconds = seconds
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=lambda _seconds: None)
        monkeypatch.setattr("processor.sinks.archive.time", clock)
        monkeypatch.setattr(StoreWriter, "summarize", lambda _store: self._step())

    def _step(self) -> bool:
        self.count += 1
        self.now += self._seconds
        if self.fail:
            raise RuntimeError("no summary today")
        return True


def test_archiving_goes_on_if_busy_users_can_not_be_summarized(
    sink: ArchiveSink, monkeypatch: pytest.MonkeyPatch, registry: CollectorRegistry
) -> None:
    steps = Steps(monkeypatch, fail=True)
    with capture_logs() as logs:
        for number in range(3):
            sink.connect()
            assert sink.deliver([event_received_at(number, NOW)]) is Verdict.OK
    assert registry.get_sample_value("tradewire_messages_archived_total") == 3
    assert steps.count == 1, "it waits before it tries again"
    [line] = logs
    assert line["log_level"] == "warning"
    assert line["reason"] == "RuntimeError: no summary today"


def test_failed_summaries_are_tried_again_after_growing_pauses(
    sink: ArchiveSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, fail=True)
    counts = []
    for _ in range(3):
        for _ in range(3600):
            sink.connect()
            steps.now += 1
        counts.append(steps.count)
    assert 12 <= counts[0] <= 40
    assert 12 <= counts[2] - counts[1] <= 24, "once in five minutes, or a bit more often"
    steps.fail = False
    steps.now += 300
    before = steps.count
    for _ in range(10):
        sink.connect()
    assert steps.count == before + 10


def test_a_step_of_summarizing_is_followed_by_twenty_times_its_time(
    sink: ArchiveSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, seconds=0.5)
    for _ in range(100):
        sink.connect()
        steps.now += 0.1
    assert steps.count == 1
    steps.now += 0.1
    sink.connect()
    assert steps.count == 2


def test_archived_and_duplicate_messages_are_counted(sink: ArchiveSink, registry: CollectorRegistry) -> None:
    sink.connect()
    sink.deliver([event_received_at(number, NOW) for number in (1, 2, 3)])
    sink.deliver([event_received_at(number, NOW.replace(second=1)) for number in (1, 2, 4)])
    assert registry.get_sample_value("tradewire_messages_archived_total") == 4
    assert registry.get_sample_value("tradewire_messages_duplicate_total") == 2
