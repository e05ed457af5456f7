"""The archive's sink counts the messages that the store saved, and those that it already had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.sinks.archive import ArchiveSink
from tests.unit.helpers import MESSAGE, NOW, decode_trade, event_id
from tradewire import event
from tradewire.consumers import archive
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from prometheus_client import CollectorRegistry


def event_received_at(number: int, received_at: datetime) -> bytes:
    return event.encode(decode_trade(MESSAGE), event_id(number), received_at)


def test_archived_and_duplicate_messages_are_counted(tmp_path: Path, registry: CollectorRegistry) -> None:
    settings = Settings(home=tmp_path, store_url=f"sqlite:///{tmp_path}/store.db")
    sink = ArchiveSink(archive.CONSUMER, settings, MemoryQueue(Broker()))
    sink.connect()
    sink.deliver([event_received_at(number, NOW) for number in (1, 2, 3)])
    sink.deliver([event_received_at(number, NOW.replace(second=1)) for number in (1, 2, 4)])
    sink.close()
    assert registry.get_sample_value("tradewire_messages_archived_total") == 4
    assert registry.get_sample_value("tradewire_messages_duplicate_total") == 2
