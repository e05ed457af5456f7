"""A message that a producer repeats under its key: what the live feed promises, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tests.integration.conftest import Browser, Worker
from tests.support import example, wsserver
from tradewire import event, trade

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)


def repeated(received_at: datetime) -> bytes:
    """Return the event of a message as ingest makes it each time that the message is posted under the same key."""
    checked_trade, _ = trade.decode(example(), NOW)
    return event.encode(checked_trade, event.keyed_id("key", 0, checked_trade), received_at)


def test_a_repeated_message_is_sent_again_after_a_restart_with_the_same_id_and_its_new_time(home: Path) -> None:
    first, again = repeated(NOW), repeated(NOW + timedelta(seconds=1))

    def deliver(line: bytes) -> tuple[str, dict[str, Any]]:
        reply = worker.send(line)
        [sent] = browser.receive_frame()["events"]
        return reply, sent

    with wsserver(home), Worker(home) as worker, Browser(home) as browser:
        assert deliver(first) == ("OK 1", msgspec.json.decode(first))
        assert worker.send(again).startswith("OK")  # it is known, and not sent
        assert browser.is_silent()
    with wsserver(home), Worker(home) as worker, Browser(home) as browser:
        assert deliver(again) == ("OK 1", msgspec.json.decode(again))
    assert msgspec.json.decode(first)["id"] == msgspec.json.decode(again)["id"]
