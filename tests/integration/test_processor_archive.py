"""`python -m processor archive` between a real beanstalkd and real databases: each message once, whoever dies."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.conftest import Browser, event_json, id_of, open_queue, processor
from tests.postgres import postgres
from tests.recount import read_table, recounted_statistics, stored_statistics
from tests.support import beanstalkd, wait_until, wsserver
from tradewire import receipt
from tradewire.errors import StoreUnavailable
from tradewire.queue import ARCHIVE, LIVE, TUBES
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
    """Run an archive processor."""
    return processor(home, "archive", TRADEWIRE_STORE_URL=url)


def put(home: Path, *bodies: bytes, tubes: Sequence[str] = TUBES) -> None:
    with open_queue(home) as queue:
        for body in bodies:
            queue.put(body, tubes)


def waiting(home: Path, tube: str = ARCHIVE) -> int:
    """Count the jobs that are not settled yet."""
    with open_queue(home) as queue:
        counts = queue.counts(tube)
        return counts.ready + counts.reserved


def kept(url: str, table: Table = events) -> list[str]:
    """Give the ids that are in the store; none as long as there is no store."""
    try:
        return sorted(row.id for row in read_table(url, table))
    except StoreUnavailable:
        return []


def wait_archived(home: Path, url: str, events: Sequence[bytes]) -> None:
    """Wait until the tube is empty, and see that these events are archived once each, and nothing else."""
    wait_until(lambda: waiting(home) == 0, "the archive's tube is empty")
    assert kept(url) == sorted(map(id_of, events))
    assert stored_statistics(url) == recounted_statistics(url)


def says(home: Path, words: bytes) -> bool:
    return any(words in log.read_bytes() for log in home.glob("python*.log"))


def test_with_no_browser_there_all_is_archived_and_waits_to_be_shown(home: Path, store_url: str) -> None:
    events = [event_json() for _ in range(300)]
    with beanstalkd(home), wsserver(home), processor(home), archiving(home, store_url):
        put(home, *events)
        wait_archived(home, store_url, events)
        assert waiting(home, LIVE) == 300


def test_what_is_shown_is_told_to_the_archive(home: Path, store_url: str) -> None:
    events = [event_json() for _ in range(50)]
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser, Browser(home):
        put(home, *events)
        assert len(browser.receive_ids(50)) == 50
        wait_until(lambda: waiting(home, LIVE) == 0, "all are settled")
        with archiving(home, store_url):
            wait_archived(home, store_url, events)
    told = read_table(store_url, receipts)
    assert sorted(row.id for row in told) == sorted(map(id_of, events))
    assert {(row.tube, row.kind, row.browsers) for row in told} == {(LIVE, "shown", 2)}


def test_what_no_browser_came_for_in_time_is_left_to_the_archive(home: Path, store_url: str) -> None:
    long_ago = {"receivedAt": "2026-01-02T03:04:05.000006Z"}
    events = [msgspec.json.encode(msgspec.json.decode(event_json()) | long_ago) for _ in range(30)]
    live = processor(home, TRADEWIRE_LIVE_MAX_AGE_SECONDS="60")
    with beanstalkd(home), wsserver(home), live, archiving(home, store_url):
        put(home, *events)
        wait_until(lambda: waiting(home, LIVE) == 0, "the live tube is empty")
        wait_archived(home, store_url, events)
    told = read_table(store_url, receipts)
    assert {(row.tube, row.kind, row.reason) for row in told} == {(LIVE, "expired", "age")}
    assert len(told) == 30


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_postgresql_that_is_away_holds_up_nothing_but_the_archive(home: Path, how: str) -> None:
    events = [event_json() for _ in range(60)]
    with ExitStack() as stack:
        server = stack.enter_context(postgres(home))
        url = server.create_database()
        for part in (beanstalkd(home), wsserver(home), processor(home), archiving(home, url)):
            stack.enter_context(part)
        browser = stack.enter_context(Browser(home))
        put(home, *events[:30])
        assert len(browser.receive_ids(30)) == 30
        wait_archived(home, url, events[:30])
        server.stop() if how == "stopped" else server.kill()
        put(home, *events[30:])
        assert len(browser.receive_ids(30)) == 30
        wait_until(lambda: says(home, b"waiting for a neighbour"), "it says what it waits for")
        assert waiting(home) >= 30
        server.start()
        wait_until(lambda: waiting(home) == 0, "the archive has caught up", 5)
        wait_archived(home, url, events)


def test_a_sqlite_file_that_is_locked_is_waited_for(home: Path) -> None:
    url, events = f"sqlite:///{home}/store.db", [event_json() for _ in range(20)]
    with beanstalkd(home), archiving(home, url):
        put(home, events[0])
        wait_archived(home, url, events[:1])
        with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            put(home, *events[1:])
            wait_until(lambda: says(home, b"database is locked"), "it says what it waits for")
            assert len(kept(url)) == 1
            other.execute("ROLLBACK")
        wait_until(lambda: waiting(home) == 0, "the archive has caught up", 5)
        wait_archived(home, url, events)


def test_a_sqlite_file_that_is_deleted_is_made_anew(home: Path) -> None:
    url, events = f"sqlite:///{home}/store.db", [event_json() for _ in range(2)]
    with beanstalkd(home), archiving(home, url):
        put(home, events[0])
        wait_archived(home, url, events[:1])
        for path in home.glob("store.db*"):
            path.unlink()
        put(home, events[1])
        wait_archived(home, url, events[1:])


WRONG = msgspec.json.decode(event_json())
POISON = {
    "no JSON": b"garbage",
    "empty": b"",
    "a receipt of no moment": receipt.encode(Receipt("shown", "yesterday", [id_of(event_json())])),
    "a receipt cut": receipt.encode(Receipt("shown", "2026-01-02T03:04:05Z", [id_of(event_json())]))[:-1],
    "an event of no amount": msgspec.json.encode(WRONG | {"rate": "1e3"}),
    "an event of no moment": msgspec.json.encode(WRONG | {"receivedAt": "yesterday"}),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_what_can_not_be_archived_is_buried_alone_with_its_reason(home: Path, store_url: str, poison: bytes) -> None:
    good = [event_json() for _ in range(6)]
    with beanstalkd(home):
        put(home, good[0], poison, good[1], b"\n".join([*good[2:4], poison, *good[4:]]), tubes=[ARCHIVE])
        with archiving(home, store_url):
            wait_archived(home, store_url, good)
        with open_queue(home) as queue:
            letters = queue.dead_letters(ARCHIVE, 10)
    assert [one.event for one in letters] == [poison, poison]
    assert all(one.reason and one.tube == ARCHIVE for one in letters)
    told = {(row.id, row.tube, row.kind, row.reason) for row in read_table(store_url, receipts)}
    known = "of no" in str(letters[0].reason) or b"receivedAt" in poison
    assert told == ({(WRONG["id"], ARCHIVE, "dead-lettered", letters[0].reason)} if known else set())


def test_text_that_postgresql_refuses_is_buried_alone(home: Path, postgresql: Postgres) -> None:
    url, good = postgresql.create_database(), [event_json() for _ in range(4)]
    poison = msgspec.json.encode(WRONG | {"userId": "a\0b"})
    with beanstalkd(home), archiving(home, url):
        put(home, *good[:2], poison, *good[2:], tubes=[ARCHIVE])
        wait_archived(home, url, good)
        with open_queue(home) as queue:
            (letter,) = queue.dead_letters(ARCHIVE, 10)
    assert (letter.event, "NUL" in letter.reason) == (poison, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_processor_that_ends_midstream_loses_nothing_and_another_takes_over(
    home: Path, store_url: str, number: signal.Signals
) -> None:
    def archive_and_end() -> None:
        before = len(kept(store_url))
        with archiving(home, store_url) as process:
            wait_until(lambda: len(kept(store_url)) > before, "it archives")
            process.send_signal(number)
            assert process.wait(10) == (0 if number is signal.SIGTERM else -number)

    events = [event_json() for _ in range(12_000)]
    with beanstalkd(home):
        for some in (events[:6000], events[6000:]):  # more than it takes in hand at once
            put(home, *some, tubes=[ARCHIVE])
            archive_and_end()
        with archiving(home, store_url):
            wait_archived(home, store_url, events)


def test_two_processors_archive_each_message_once(home: Path, postgresql: Postgres) -> None:
    url, events = postgresql.create_database(), [event_json() for _ in range(3000)]
    with beanstalkd(home), archiving(home, url), archiving(home, url):
        put(home, *events, *events[::7], tubes=[ARCHIVE])
        wait_archived(home, url, events)


@pytest.mark.parametrize("state", ["idle", "without queue", "without store", "locked out"])
def test_sigterm_ends_it_in_good_order_whatever_it_waits_for(home: Path, state: str) -> None:
    url = f"sqlite:///{home}/{'none/' if state == 'without store' else ''}store.db"
    with ExitStack() as stack:
        if state != "without queue":
            stack.enter_context(beanstalkd(home))
        process = stack.enter_context(archiving(home, url))
        if state in {"without queue", "without store"}:
            wait_until(lambda: says(home, b"waiting for a neighbour"), "it waits")
        else:
            put(home, event_json(), tubes=[ARCHIVE])
            wait_until(lambda: waiting(home) == 0, "it archives")
        if state == "locked out":
            other = stack.enter_context(closing(sqlite3.connect(home / "store.db", isolation_level=None)))
            other.execute("BEGIN IMMEDIATE")
            put(home, event_json(), tubes=[ARCHIVE])
            with open_queue(home) as queue:
                wait_until(lambda: queue.counts(ARCHIVE).reserved == 1, "it has a job in hand")
        process.terminate()
        assert process.wait(10) == 0
        if state == "locked out":
            assert waiting(home) == 1
