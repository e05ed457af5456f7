"""SQLite's files removed while they are in use: nothing that was saved is lost, and nobody reads half of it."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.conftest import call_query, event_json, id_of, processor, query_api, wait_ok
from tests.integration.test_exports import is_open
from tests.integration.test_processor_archive import archived_ids, put, unsettled_count, wait_archived
from tests.integration.test_store_writing import make_event, writer
from tests.support import ROOT, TIMEOUT_SECONDS, beanstalkd, wait_until
from tradewire.errors import StoreUnavailable
from tradewire.store import engine, sqlite_files
from tradewire.store.reading import StoreReader
from tradewire.store.sqlite_files import SqliteFiles
from tradewire.store.views import Filter
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

LOGS: Final = [("-wal",), ("-shm",), ("-wal", "-shm")]
removed = pytest.mark.parametrize("suffixes", LOGS, ids="".join)
WRITER: Final = """
import sys
from tests.integration.test_store_writing import make_event, writer
with writer(sys.argv[1]) as store:
    store.save([make_event(number) for number in range(100)], [])
    print("saved", flush=True)
    sys.stdin.read()
"""

LOOKER: Final = """
import fcntl, sys
with open(sys.argv[1] + "-lock", "a") as turn, open(sys.argv[1], "rb") as database:
    fcntl.flock(turn, fcntl.LOCK_EX)
    fcntl.lockf(database, fcntl.LOCK_SH, 510, 0x4000_0002)
    print("looking", flush=True)
    sys.stdin.read()
"""
"""Takes its turn, and the lock that SQLite takes on a database, as a program does that looks whether it is in use."""


@pytest.fixture
def url(home: Path) -> str:
    """Return the URL of a new store."""
    return f"sqlite:///{home}/store.db"


@pytest.fixture
def reader(url: str) -> Iterator[StoreReader]:
    """Return a reader of the store."""
    with closing(StoreReader(url)) as store:
        yield store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the readers of this process close at once if a file is missing."""
    monkeypatch.setattr(sqlite_files, "WRITER_SECONDS", 0)


def remove(home: Path, suffixes: tuple[str, ...]) -> None:
    for suffix in suffixes:
        (home / f"store.db{suffix}").unlink()


@contextmanager
def program(code: str, argument: str, said: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until its input ends, from the moment at which it has said a word."""
    command = [sys.executable, "-c", code, argument]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{said}\n"
        yield process


def kill_writer_of_removed_log(home: Path, url: str, reader: StoreReader, suffixes: tuple[str, ...]) -> None:
    """Let a writer save 100 messages, a reader read them, and kill the writer after its log was removed."""
    with program(WRITER, url, "saved") as process:
        assert count(reader) == 100
        remove(home, suffixes)
        process.kill()
        process.wait()


def count(store: StoreReader) -> int:
    return sum(len(page) for page in store.export(Filter(), None))


def count_without_log(home: Path) -> int:
    """Count the messages that are in the database itself, as if its log were lost."""
    shutil.copy(home / "store.db", home / "copy.db")
    with closing(sqlite3.connect(f"file:{home}/copy.db?immutable=1", uri=True)) as copy:
        try:
            return int(copy.execute("SELECT count(*) FROM events").fetchone()[0])
        except sqlite3.OperationalError:  # there is no table yet
            return 0


@removed
def test_what_was_saved_moves_into_the_database_as_soon_as_the_log_is_missed(
    home: Path, url: str, suffixes: tuple[str, ...]
) -> None:
    with writer(url) as store:
        store.save([make_event(number) for number in range(100)], [])
        assert count_without_log(home) == 0
        remove(home, suffixes)
        store.check()
        assert count_without_log(home) == 100
        store.save([make_event(100)], [])
        store.check()
        assert {path.name for path in home.glob("store.db-*")} == {"store.db-lock", "store.db-shm", "store.db-wal"}
    assert len(archived_ids(url)) == 101


@removed
def test_a_save_is_confirmed_only_if_its_log_is_there_afterwards(
    home: Path, url: str, suffixes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(url) as store:
        store.save([make_event(1)], [])
        check_files = store._check_files  # noqa: SLF001 - the moment between the checks

        def check_and_remove() -> None:
            check_files()
            monkeypatch.setattr(store, "_check_files", check_files)
            remove(home, suffixes)

        monkeypatch.setattr(store, "_check_files", check_and_remove)
        store.save([make_event(2)], [])
        assert count_without_log(home) == 2


@pytest.mark.usefixtures("impatient")
@removed
def test_readers_close_the_old_files_and_wait_for_the_writer(home: Path, url: str, suffixes: tuple[str, ...]) -> None:
    with writer(url) as store, closing(StoreReader(url)) as first, closing(StoreReader(url)) as second:
        store.save([make_event(number) for number in range(100)], [])
        assert (count(first), count(second)) == (100, 100)
        remove(home, suffixes)
        with pytest.raises(StoreUnavailable, match="was removed while it was in use"):
            count(first)
        with pytest.raises(StoreUnavailable, match="was removed while it was in use"):
            store.check()  # the second reader still has the old files open
        with pytest.raises(StoreUnavailable, match="was removed while it was in use"):
            count(second)
        store.save([make_event(100)], [])
        assert (count(first), count(second)) == (101, 101)


@pytest.mark.usefixtures("impatient")
@removed
def test_a_reader_saves_what_a_killed_writer_left_in_a_removed_log(
    home: Path, url: str, reader: StoreReader, suffixes: tuple[str, ...]
) -> None:
    kill_writer_of_removed_log(home, url, reader, suffixes)
    with closing(StoreWriter(url, "one")) as next_writer:
        with pytest.raises(StoreUnavailable, match="was removed while it was in use"):
            next_writer.migrate()
        assert count(reader) == 100
        next_writer.migrate()
        next_writer.save([make_event(100)], [])
    assert len(archived_ids(url)) == 101


@removed
def test_a_reader_keeps_a_removed_log_for_a_writer_that_is_killed_before_it_notices(
    home: Path, url: str, reader: StoreReader, suffixes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with program(WRITER, url, "saved") as process:
        assert count(reader) == 100
        monkeypatch.setattr(sqlite_files, "WRITER_SECONDS", math.inf)
        remove(home, suffixes)
        with pytest.raises(StoreUnavailable, match="was removed while it was in use"):
            count(reader)
        process.kill()
        process.wait()
        monkeypatch.setattr(sqlite_files, "WRITER_SECONDS", 0)
        assert count(reader) == 100


@pytest.mark.usefixtures("impatient")
@removed
def test_a_reader_saves_a_removed_log_although_another_program_looks_whether_the_database_is_in_use(
    home: Path, url: str, reader: StoreReader, suffixes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_writer_of_removed_log(home, url, reader, suffixes)
    closes = threading.Event()
    turn = SqliteFiles.turn

    def noted_turn(files: SqliteFiles, seconds: float) -> AbstractContextManager[bool]:
        closes.set()
        return turn(files, seconds)

    monkeypatch.setattr(SqliteFiles, "turn", noted_turn)
    with ThreadPoolExecutor(1) as pool:
        with program(LOOKER, f"{home}/store.db", "looking"):
            counted = pool.submit(count, reader)
            assert closes.wait(TIMEOUT_SECONDS)
        with suppress(StoreUnavailable):
            counted.result()
    assert count(reader) == 100


def test_a_connection_that_is_in_use_when_its_reader_is_closed_is_closed_after_its_query(
    home: Path, url: str, reader: StoreReader
) -> None:
    with writer(url) as store:
        store.save([make_event(1)], [])
    for page in reader.export(Filter(), None):
        assert len(page) == 1
    with reader._transaction() as connection:  # noqa: SLF001 - a query that takes its time
        reader.close()
        assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar() == 1
        assert is_open(home / "store.db")
    assert not is_open(home / "store.db")


def test_a_snapshot_of_an_outside_reader_delays_the_recovery_and_loses_nothing(home: Path, url: str) -> None:
    with writer(url) as store, closing(sqlite3.connect(home / "store.db", isolation_level=None)) as outsider:
        store.save([make_event(1)], [])
        outsider.execute("BEGIN")
        outsider.execute("SELECT * FROM events")
        store.save([make_event(2)], [])
        remove(home, ("-wal",))
        with pytest.raises(StoreUnavailable, match="a reader keeps its content"):
            store.check()
        outsider.close()
        store.check()
        assert count_without_log(home) == 2


def test_a_damaged_database_is_not_written_after_its_log_was_removed(home: Path, url: str) -> None:
    with writer(url) as store:
        store.save([make_event(number) for number in range(2000)], [])
    with writer(url) as store:
        store.save([make_event(2000)], [])
        with (home / "store.db").open("r+b") as file:
            file.seek(100 * 4096)
            file.write(b"\xff" * 4096)
        remove(home, ("-wal",))
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="the database is damaged"):
                store.check()


def test_a_writer_that_is_asked_to_check_opens_a_database_that_took_its_name(home: Path, url: str) -> None:
    with writer(url) as store:
        store.save([make_event(1)], [])
        for path in home.glob("store.db*"):
            path.unlink()
        store.check()
        store.save([make_event(2)], [])
        assert len(archived_ids(url)) == 1


@removed
@pytest.mark.parametrize("killed", ["processor", "both"])
def test_the_stack_recovers_a_removed_log_to_the_last_message(
    home: Path, suffixes: tuple[str, ...], killed: str
) -> None:
    url = f"sqlite:///{home}/store.db"
    env = {"TRADEWIRE_STORE_URL": url}
    events = [event_json() for _ in range(300)]
    with ExitStack() as stack:
        stack.enter_context(beanstalkd(home))
        query = stack.enter_context(query_api(home, **env))
        archive = stack.enter_context(processor(home, "archive", **env))
        put(home, *events[:100])
        wait_archived(home, url, events[:100])
        assert len(call_query(home, "/api/messages").json["messages"]) == 100
        remove(home, suffixes)
        put(home, *events[100:200])
        if killed == "processor":
            archive.send_signal(signal.SIGKILL)
        else:
            wait_until(lambda: unsettled_count(home) == 0, "all are archived")
            for process in (archive, query):
                process.send_signal(signal.SIGKILL)
                process.wait()
            stack.enter_context(query_api(home, **env))
        stack.enter_context(processor(home, "archive", **env))
        put(home, *events[200:])
        wait_until(lambda: unsettled_count(home) == 0, "all are archived")
        wait_ok(home, "store")

        def exported() -> list[str]:
            answer = call_query(home, "/api/messages?format=ndjson")
            return sorted(map(id_of, answer.body.splitlines())) if answer.status == 200 else []

        # The API reads the removed log, until it looks at the files again.
        wait_until(lambda: exported() == sorted(map(id_of, events)), "queries show all messages")
    assert archived_ids(url) == sorted(map(id_of, events))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("share", [0.0, 0.3, 0.77])
def test_a_log_that_was_cut_damages_nothing_and_what_is_left_of_it_is_opened(
    home: Path, url: str, reader: StoreReader, share: float
) -> None:
    log = home / "store.db-wal"
    with writer(url) as store:
        for number in range(40):
            store.save([make_event(50 * number + index) for index in range(50)], [])
        assert count(reader) == 2000
        os.truncate(log, int(share * log.stat().st_size))
        with pytest.raises(StoreUnavailable, match="was cut while it was in use"):
            store.save([make_event(2000)], [])
        with suppress(StoreUnavailable):
            reader.check()
        store.migrate()
        store.save([make_event(2000)], [])
        kept = count(reader)
        assert kept <= int(share * 2000) + 51
    with closing(sqlite3.connect(home / "store.db")) as outsider:
        assert outsider.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert outsider.execute("SELECT count(*) FROM events").fetchone() == (kept,)
        assert outsider.execute("SELECT value FROM counters WHERE name = 'archived'").fetchone() == (kept,)


@pytest.mark.usefixtures("impatient")
def test_a_log_that_an_outside_program_has_emptied_loses_nothing(home: Path, url: str, reader: StoreReader) -> None:
    with writer(url) as store:
        store.save([make_event(1)], [])
        with closing(sqlite3.connect(home / "store.db")) as outsider:
            assert outsider.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        with suppress(StoreUnavailable):
            store.check()
        store.save([make_event(2)], [])
        assert count(reader) == 2


def test_a_new_file_can_give_back_space_and_its_log_is_cut_to_64_mib(home: Path, url: str) -> None:
    with writer(url):
        pass
    with closing(sqlite3.connect(home / "store.db")) as outsider:
        assert outsider.execute("PRAGMA auto_vacuum").fetchone()[0] == 2  # incremental
    with (write_engine := engine.writer_engine(url)).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_size_limit").scalar() == 64 * 2**20
    write_engine.dispose()
