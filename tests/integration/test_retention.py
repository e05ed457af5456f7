"""The keeper keeps the archive within its limits, and the API says since when messages are kept."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import LogCapture

from api.operations import retention_check
from api.operations.retention_check import RetentionCheck
from processor.reconciler import Reconciler
from processor.retention import RetentionThread
from tests.integration.conftest import event_json, id_of
from tests.stack import stack
from tests.support import ASK_SECONDS, wait_until
from tests.unit.helpers import MESSAGE, decode_trade
from tests.unit.sinks import InstantStop
from tradewire import event
from tradewire.event import format_time
from tradewire.ledger.counters import stack_id
from tradewire.queue import ARCHIVE
from tradewire.queue.factory import open_queue
from tradewire.retention import Retention
from tradewire.settings import Settings
from tradewire.store.cleaning import Limits, StoreCleaner
from tradewire.store.reading import StoreReader
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from api.operations.readiness import Component

DAY = timedelta(days=1)


class Scene:
    """An archive with messages of some ages, and what keeps it within its limits."""

    def __init__(self, home: Path, retention: Retention, *ages: timedelta) -> None:
        self.settings = Settings(home=home, retention=retention)
        self.settings.counters.mkdir()
        (home / "store").mkdir()
        self.stop = InstantStop()
        self.capture = LogCapture()
        log = structlog.wrap_logger(None, processors=[self.capture])
        self.thread = RetentionThread(self.settings, self.stop, log)
        self.now = datetime.now(UTC)
        with closing(StoreWriter(self.settings.store, stack_id(self.settings.counters))) as store:
            store.migrate()
            store.save([*self._messages(ages)], [])

    def _messages(self, ages: Sequence[timedelta]) -> Sequence[event.TradeEvent]:
        trade = decode_trade(MESSAGE)
        return [
            event.decode(event.encode(trade, f"00000000-0000-7000-8000-{number:012}", self.now - age))
            for number, age in enumerate(ages)
        ]

    def deleted(self) -> int:
        with closing(StoreReader(self.settings.store)) as store:
            return store.kept().deleted

    def health(self, *, started_ago: timedelta = timedelta()) -> Component:
        with closing(StoreReader(self.settings.store)) as store:
            check = RetentionCheck(self.settings, store)
            check._started_at -= int(started_ago.total_seconds() * 1e6)  # noqa: SLF001 - as if it ran for so long
            return check()["retention"]


def test_old_messages_are_deleted_and_the_log_tells_how_many(home: Path) -> None:
    scene = Scene(home, Retention(days=2), 3 * DAY, 4 * DAY, DAY)
    scene.thread.step()
    assert scene.deleted() == 2
    assert [(entry["event"], entry["messages"]) for entry in scene.capture.entries] == [("messages deleted", 2)]
    scene.thread.step()
    assert (scene.deleted(), len(scene.capture.entries)) == (2, 1)


def test_no_message_of_a_slot_that_is_not_reconciled_is_deleted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(home, Retention(days=1), 3 * DAY, 5 * DAY)
    label = int((scene.now - 4 * DAY).timestamp() * 1e6)
    monkeypatch.setattr("processor.retention.reconciled_up_to", lambda _folder, _passed: label)
    scene.thread.step()
    assert scene.deleted() == 1


def test_an_outage_of_the_store_is_logged_once_and_survived(home: Path) -> None:
    scene = Scene(home, Retention(days=2), 3 * DAY)
    shutil.move(home / "store", home / "away")
    waits = 0

    def wait(seconds: float) -> None:  # noqa: ARG001 - as it is called
        nonlocal waits
        waits += 1
        if waits == 3:
            shutil.move(home / "away", home / "store")
        scene.stop.requested = waits > 3 and bool(scene.deleted())

    scene.stop.wait = wait  # type: ignore[method-assign]
    scene.thread.run()
    assert [entry["event"] for entry in scene.capture.entries] == [
        "retention waits for a dependency",
        "messages deleted",
        "retention goes on",
    ]


def test_nothing_is_deleted_without_limits(home: Path) -> None:
    scene = Scene(home, Retention(), 3000 * DAY)
    scene.thread.start()
    scene.thread.join()
    assert scene.deleted() == 0


def test_the_health_is_ok_while_the_limits_are_kept_and_tells_since_when(home: Path) -> None:
    scene = Scene(home, Retention(days=2), 3 * DAY, DAY)
    scene.thread.step()
    health = scene.health(started_ago=DAY)
    assert health
    assert health.facts["deleted"] == 1
    assert health.facts["keptSince"] == pytest.approx(scene.now - 2 * DAY, abs=timedelta(minutes=5))
    assert health.facts["oldestMessageAt"] == scene.now - DAY
    assert health.facts["bytes"] > 0


def test_the_health_is_behind_while_messages_are_older_than_the_limit_by_an_hour(home: Path) -> None:
    scene = Scene(home, Retention(days=2), 2 * DAY + timedelta(hours=1, minutes=1))
    assert scene.health().status == retention_check.BEHIND
    scene.thread.step()
    assert scene.health()


def test_the_health_is_behind_if_the_keeper_has_not_checked_for_ten_minutes(home: Path) -> None:
    scene = Scene(home, Retention(days=2), DAY)
    assert scene.health(started_ago=timedelta(minutes=9))
    assert scene.health(started_ago=timedelta(minutes=11)).status == retention_check.BEHIND


def test_the_health_is_too_large_if_the_size_can_not_be_kept(home: Path) -> None:
    scene = Scene(home, Retention(bytes_max=10_000), timedelta(minutes=5))
    scene.thread.step()
    assert scene.deleted() == 0
    assert scene.health().status == retention_check.TOO_LARGE


def test_the_health_says_when_the_disk_will_be_full_unless_a_limit_prevents_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ages = [timedelta(minutes=minute) for minute in range(10, 600, 10)]
    scene = Scene(home, Retention(), *ages)
    used = scene.health().facts["bytes"]
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10 * used))
    full_at = scene.health().facts["fullAt"]
    assert full_at - scene.now == pytest.approx(10 * DAY, abs=DAY)
    for retention, is_full in (
        (Retention(days=5), False),
        (Retention(days=50), True),
        (Retention(bytes_max=10**9), True),
    ):
        scene.settings = Settings(home=home, retention=retention)
        assert (scene.health().facts["fullAt"] is not None) is is_full


def test_the_health_is_unavailable_without_a_store(home: Path) -> None:
    scene = Scene(home, Retention(days=1))
    shutil.rmtree(home / "store")
    assert scene.health().status == "unavailable"


def test_a_whole_stack_refuses_and_deletes_old_messages_and_says_so_and_its_ledger_balances(home: Path) -> None:
    old, young = event_json(), event_json()
    aged = old.replace(format_time(datetime.now(UTC))[:10].encode(), b"2020-01-01")
    with stack(home, RETENTION_DAYS="7") as started:
        wait_until(
            lambda: started.get("/readyz").json["components"]["retention"].get("keptSince"),
            "the keeper has begun",
            pause_seconds=ASK_SECONDS,
        )
        queue = open_queue(Settings(home=home).queue, 10**9, home / "ledger")
        for body in (aged, young):
            queue.put(body, [ARCHIVE])
        queue.close()
        wait_until(lambda: started.get(f"/api/message/{id_of(young)}").status == 200, "a young message is archived")
        found: dict[str, Any] = {}

        def is_refused() -> bool:
            found.update(started.get("/api/ledger").json)
            return bool(found["tubes"][ARCHIVE]["outdated"])

        wait_until(is_refused, "the old message is refused", pause_seconds=ASK_SECONDS)
        assert (found["tubes"][ARCHIVE]["archived"], found["tubes"][ARCHIVE]["missing"]) == (1, 0)
        trace = started.get(f"/api/message/{id_of(old)}").json
        assert (trace["message"], [entry["kind"] for entry in trace["trace"]]) == (None, ["accepted", "outdated"])
        page = started.get("/api/messages").json
        assert [each["id"] for each in page["messages"]] == [id_of(young)]
        assert page["keptSince"] > format_time(datetime.now(UTC) - 8 * DAY)
        gone = started.get("/api/message/01900000-0000-7000-8000-000000000000")
        assert (gone.status, gone.json["errors"][0]["code"]) == (404, "deleted")
        wait_until(
            lambda: started.get("/readyz").json["components"]["retention"]["status"] == "ok",
            "retention is healthy",
            pause_seconds=ASK_SECONDS,
        )
        stats = started.get("/api/stats?since=2020-01-01T00:00:00Z&user=134259").json
        assert (stats["since"], stats["total"]["count"]) == (stats["keptSince"], 1)


def limits(before: datetime) -> Limits:
    time = int(before.timestamp() * 1e6)
    return Limits(time, 0, None, time)


def test_no_loss_is_named_of_a_time_whose_messages_are_deleted(home: Path) -> None:
    scene = Scene(home, Retention(days=2), 3 * DAY)
    with closing(StoreCleaner(scene.settings.store, lambda _: True, lambda _: None)) as cleaner:
        cleaner.round(limits(scene.now - 2 * DAY), int(scene.now.timestamp() * 1e6))
    with closing(StoreReader(scene.settings.store)) as store:
        queue = open_queue("beanstalk:///nowhere", 10**9, scene.settings.counters)
        reconciler = Reconciler(queue, store, scene.settings, scene.stop, structlog.get_logger())
        deleted = int((scene.now - 3 * DAY).timestamp() * 1e6)
        assert reconciler._missing_from_archive({deleted: 1}) == {}  # noqa: SLF001 - the whole scene is in test_reconciler
