"""The API says since when messages are kept, and what became of those that are not."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from api.app import create_app
from tests.unit.helpers import MESSAGE, decode_trade
from tradewire import event
from tradewire.event import format_time, to_microseconds
from tradewire.ledger.counters import stack_id
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings
from tradewire.store.cleaning import Limits, StoreCleaner
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

NOW = datetime.now(UTC).replace(microsecond=0)
CUT = NOW - timedelta(days=2)
OLD, KEYED, YOUNG, LATE = (
    "01900000-0000-7000-8000-000000000001",
    "01900000-0000-8000-8000-000000000002",
    "01900000-0000-7000-8000-000000000003",
    "01900000-0000-7000-8000-000000000004",
)


class Scene:
    """An archive that has deleted two messages, keeps one and has refused one."""

    def __init__(self, home: Path) -> None:
        settings = Settings(home=home)
        settings.counters.mkdir()
        (home / "store").mkdir()
        trade = decode_trade(MESSAGE)

        def message(id_: str, days: int) -> event.TradeEvent:
            return event.decode(event.encode(trade, id_, NOW - timedelta(days=days)))

        with closing(StoreWriter(settings.store, stack_id(settings.counters))) as store:
            store.migrate()
            store.save([message(OLD, 5), message(KEYED, 4), message(YOUNG, 1)], [])
            cut = to_microseconds(CUT)
            with closing(StoreCleaner(settings.store, lambda _: True, lambda _: None)) as cleaner:
                # An hour after they were archived, so that only the one with a key is remembered.
                cleaner.round(Limits(cut, 0, None, cut), to_microseconds(NOW + timedelta(hours=2)))
            store.save([message(LATE, 3)], [])
        app = create_app(settings, lambda: MemoryQueue(Broker()), structlog.get_logger())
        self.client = app.test_client()

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, environ_base={"REMOTE_ADDR": "127.0.0.1"}, base_url="http://127.0.0.1:8080")

    def json(self, path: str) -> Any:
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json


def test_messages_and_figures_say_since_when_they_are_kept(home: Path) -> None:
    scene = Scene(home)
    page = scene.json("/api/messages")
    assert ([each["id"] for each in page["messages"]], page["keptSince"]) == ([YOUNG], format_time(CUT))
    totals = scene.json("/api/stats?since=2020-01-01T00:00:00Z")
    assert (totals["total"]["count"], totals["keptSince"]) == (3, None)
    of_user = scene.json("/api/stats?since=2020-01-01T00:00:00Z&user=134259")
    assert (of_user["total"]["count"], of_user["since"], of_user["keptSince"]) == (1, *[format_time(CUT)] * 2)


def test_the_ledger_counts_what_was_deleted_and_what_was_refused(home: Path) -> None:
    found = Scene(home).json("/api/ledger")
    assert (found["deleted"], found["keptSince"]) == (2, format_time(CUT))
    account = found["tubes"]["archive"]
    assert (account["archived"], account["outdated"], account["missing"]) == (3, 1, 0)
    assert "outdated" not in found["tubes"]["live"]


def test_a_deleted_message_is_said_to_be_deleted(home: Path) -> None:
    scene = Scene(home)
    response = scene.get(f"/api/message/{OLD}")
    assert (response.status_code, response.json["errors"][0]["code"]) == (404, "deleted")  # type: ignore[index]
    assert f"Messages received before {format_time(CUT)}" in response.text
    assert scene.json(f"/api/message/{YOUNG}")["message"]["id"] == YOUNG


def test_the_history_of_a_message_that_may_come_again_tells_its_end(home: Path) -> None:
    scene = Scene(home)
    for message_id, days, end in ((KEYED, 4, "deleted"), (LATE, 3, "outdated")):
        found = scene.json(f"/api/message/{message_id}")
        assert found["message"] is None
        assert [entry["kind"] for entry in found["trace"]] == ["accepted", end]
        assert found["trace"][0]["at"] == format_time(NOW - timedelta(days=days))
