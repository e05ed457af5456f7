"""The archive processor with a real beanstalkd and real databases: it archives each message once, even after kills."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.conftest import Browser, event_json, id_of, keeper, open_queue, processor
from tests.postgres import postgres
from tests.recount import read_table, recounted_statistics, stored_statistics
from tests.support import TUBES, beanstalkd, wait_until, wsserver
from tradewire import receipt
from tradewire.errors import StoreUnavailable
from tradewire.queue import ARCHIVE, LIVE
from tradewire.receipt import Receipt
from tradewire.store.schema import events, receipts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Table

    from tests.postgres import Postgres


def archiving(home: Path, url: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run an archive processor with this store."""
    return processor(home, "archive", TRADEWIRE_STORE_URL=url)


def put(home: Path, *bodies: bytes, tubes: Sequence[str] = TUBES) -> None:
    with open_queue(home) as queue:
        for body in bodies:
            queue.put(body, tubes)


def unsettled_count(home: Path, tube: str = ARCHIVE) -> int:
    """Return the number of ready and reserved jobs."""
    with open_queue(home) as queue:
        counts = queue.counts(tube)
        return counts.ready + counts.reserved


def archived_ids(url: str, table: Table = events) -> list[str]:
    """Return the sorted ids in a table of the store. The list is empty if there is no store yet."""
    try:
        return sorted(row.id for row in read_table(url, table))
    except StoreUnavailable:
        return []


def wait_archived(home: Path, url: str, events: Sequence[bytes]) -> None:
    """Wait until the tube is empty. Check that exactly these events are archived, each of them once."""
    wait_until(lambda: unsettled_count(home) == 0, "the archive's tube is empty")
    assert archived_ids(url) == sorted(map(id_of, events))
    assert stored_statistics(url) == recounted_statistics(url)


def log_contains(home: Path, words: bytes) -> bool:
    return any(words in log.read_bytes() for log in home.glob("python*.log"))


def test_without_a_browser_all_events_are_archived_and_wait_in_the_live_tube(home: Path, store_url: str) -> None:
    events = [event_json() for _ in range(300)]
    with beanstalkd(home), wsserver(home), processor(home), archiving(home, store_url):
        put(home, *events)
        wait_archived(home, store_url, events)
        assert unsettled_count(home, LIVE) == 300


def test_shown_events_are_recorded_in_the_archive(home: Path, store_url: str) -> None:
    events = [event_json() for _ in range(50)]
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser, Browser(home):
        put(home, *events)
        assert len(browser.receive_ids(50)) == 50
        wait_until(lambda: unsettled_count(home, LIVE) == 0, "all are settled")
        with archiving(home, store_url):
            wait_archived(home, store_url, events)
    shown = read_table(store_url, receipts)
    assert sorted(row.id for row in shown) == sorted(map(id_of, events))
    assert {(row.tube, row.kind, row.browsers) for row in shown} == {(LIVE, "shown", 2)}


def test_expired_events_are_archived_with_a_receipt(home: Path, store_url: str) -> None:
    old = {"receivedAt": "2026-01-02T03:04:05.000006Z"}
    events = [msgspec.json.encode(msgspec.json.decode(event_json()) | old) for _ in range(30)]
    with beanstalkd(home), keeper(home, TRADEWIRE_LIVE_MAX_AGE_SECONDS="1"), archiving(home, store_url):
        put(home, *events)
        wait_until(lambda: unsettled_count(home, LIVE) == 0, "the live tube is empty")
        wait_archived(home, store_url, events)
    expired = read_table(store_url, receipts)
    assert {(row.tube, row.kind, row.reason) for row in expired} == {(LIVE, "expired", "age")}
    assert len(expired) == 30


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_stopped_postgresql_delays_only_the_archive(home: Path, how: str) -> None:
    events = [event_json() for _ in range(60)]
    with ExitStack() as stack:
        server = stack.enter_context(postgres(home))
        url = server.create_database()
        for program in (beanstalkd(home), wsserver(home), processor(home), archiving(home, url)):
            stack.enter_context(program)
        browser = stack.enter_context(Browser(home))
        put(home, *events[:30])
        assert len(browser.receive_ids(30)) == 30
        wait_archived(home, url, events[:30])
        server.stop() if how == "stopped" else server.kill()
        put(home, *events[30:])
        assert len(browser.receive_ids(30)) == 30
        wait_until(lambda: log_contains(home, b"waiting for a dependency"), "the log names the reason")
        assert unsettled_count(home) >= 30
        server.start()
        wait_until(lambda: unsettled_count(home) == 0, "the archive has caught up")
        wait_archived(home, url, events)


def test_the_processor_waits_for_a_locked_sqlite_file(home: Path) -> None:
    url, events = f"sqlite:///{home}/store.db", [event_json() for _ in range(20)]
    with beanstalkd(home), archiving(home, url):
        put(home, events[0])
        wait_archived(home, url, events[:1])
        with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            put(home, *events[1:])
            wait_until(lambda: log_contains(home, b"database is locked"), "the log names the reason")
            assert len(archived_ids(url)) == 1
            other.execute("ROLLBACK")
        wait_until(lambda: unsettled_count(home) == 0, "the archive has caught up")
        wait_archived(home, url, events)


def test_a_deleted_sqlite_file_is_created_again(home: Path) -> None:
    url, events = f"sqlite:///{home}/store.db", [event_json() for _ in range(2)]
    with beanstalkd(home), archiving(home, url):
        put(home, events[0])
        wait_archived(home, url, events[:1])
        for path in home.glob("store.db*"):
            path.unlink()
        put(home, events[1])
        wait_archived(home, url, events[1:])


FIELDS = msgspec.json.decode(event_json())
INVALID_LINES = {
    "not JSON": b"garbage",
    "empty": b"",
    "a receipt with an invalid time": receipt.encode(Receipt("shown", "yesterday", [id_of(event_json())])),
    "a truncated receipt": receipt.encode(Receipt("shown", "2026-01-02T03:04:05Z", [id_of(event_json())]))[:-1],
    "an event with an invalid rate": msgspec.json.encode(FIELDS | {"rate": "1e3"}),
    "an event with an invalid time": msgspec.json.encode(FIELDS | {"receivedAt": "yesterday"}),
}


@pytest.mark.parametrize("invalid", INVALID_LINES.values(), ids=INVALID_LINES)
def test_only_the_line_that_can_not_be_archived_is_dead_lettered_with_its_reason(
    home: Path, store_url: str, invalid: bytes
) -> None:
    valid = [event_json() for _ in range(6)]
    with beanstalkd(home):
        put(home, valid[0], invalid, valid[1], b"\n".join([*valid[2:4], invalid, *valid[4:]]), tubes=[ARCHIVE])
        with archiving(home, store_url):
            wait_archived(home, store_url, valid)
        with open_queue(home) as queue:
            letters = queue.dead_letters(ARCHIVE, 10)
    assert [letter.event for letter in letters] == [invalid, invalid]
    assert all(letter.reason and letter.tube == ARCHIVE for letter in letters)
    recorded = {(row.id, row.tube, row.kind, row.reason) for row in read_table(store_url, receipts)}
    has_id = "of no" in str(letters[0].reason) or b"receivedAt" in invalid
    assert recorded == ({(FIELDS["id"], ARCHIVE, "dead-lettered", letters[0].reason)} if has_id else set())


def test_only_the_event_that_postgresql_refuses_is_dead_lettered(home: Path, postgresql: Postgres) -> None:
    url, valid = postgresql.create_database(), [event_json() for _ in range(4)]
    invalid = msgspec.json.encode(FIELDS | {"userId": "a\0b"})
    with beanstalkd(home), archiving(home, url):
        put(home, *valid[:2], invalid, *valid[2:], tubes=[ARCHIVE])
        wait_archived(home, url, valid)
        with open_queue(home) as queue:
            (letter,) = queue.dead_letters(ARCHIVE, 10)
    assert (letter.event, "NUL" in letter.reason) == (invalid, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_event_is_lost_when_a_processor_ends_and_another_takes_over(
    home: Path, store_url: str, number: signal.Signals
) -> None:
    def archive_and_end() -> None:
        before = len(archived_ids(store_url))
        with archiving(home, store_url) as process:
            wait_until(lambda: len(archived_ids(store_url)) > before, "the processor archives events")
            process.send_signal(number)
            assert process.wait(10) == (0 if number is signal.SIGTERM else -number)

    events = [event_json() for _ in range(12_000)]
    with beanstalkd(home):
        for half in (events[:6000], events[6000:]):  # more than it reserves at once
            put(home, *half, tubes=[ARCHIVE])
            archive_and_end()
        with archiving(home, store_url):
            wait_archived(home, store_url, events)


def test_two_processors_archive_each_message_once(home: Path, postgresql: Postgres) -> None:
    url, events = postgresql.create_database(), [event_json() for _ in range(3000)]
    with beanstalkd(home), archiving(home, url), archiving(home, url):
        put(home, *events, *events[::7], tubes=[ARCHIVE])
        wait_archived(home, url, events)


@pytest.mark.parametrize("state", ["idle", "without queue", "without store", "locked out"])
def test_sigterm_ends_the_processor_cleanly_in_every_state(home: Path, state: str) -> None:
    url = f"sqlite:///{home}/{'none/' if state == 'without store' else ''}store.db"
    with ExitStack() as stack:
        if state != "without queue":
            stack.enter_context(beanstalkd(home))
        process = stack.enter_context(archiving(home, url))
        if state in {"without queue", "without store"}:
            wait_until(lambda: log_contains(home, b"waiting for a dependency"), "the processor waits")
        else:
            put(home, event_json(), tubes=[ARCHIVE])
            wait_until(lambda: unsettled_count(home) == 0, "the job is archived")
        if state == "locked out":
            other = stack.enter_context(closing(sqlite3.connect(home / "store.db", isolation_level=None)))
            other.execute("BEGIN IMMEDIATE")
            put(home, event_json(), tubes=[ARCHIVE])
            with open_queue(home) as queue:
                wait_until(lambda: queue.counts(ARCHIVE).reserved == 1, "the processor has reserved the job")
        process.terminate()
        assert process.wait(10) == 0
        if state == "locked out":
            assert unsettled_count(home) == 1
