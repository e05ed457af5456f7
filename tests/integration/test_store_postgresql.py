"""PostgreSQL servers that work by half, and PgBouncer in front of one."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from tests.integration.conftest import call_query, event_json, open_queue, processor, query_api, wait_ok
from tests.integration.test_monitor import expect_fault, expect_ok, expect_recovery
from tests.integration.test_probes import metrics_env
from tests.integration.test_store_writing import make_event, receipt, statistics_are_right, writer
from tests.pgbouncer import pgbouncer
from tests.postgres import postgres
from tests.support import beanstalkd, wait_until
from tradewire.errors import InvalidEvent, StoreUnavailable
from tradewire.queue import ARCHIVE
from tradewire.store import engine, postgresql, reading
from tradewire.store.reading import StoreReader
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Postgres
    from tradewire.store.writing import StoreWriter

__all__ = ["metrics_env"]


def check(url: str) -> None:
    with closing(StoreReader(url)) as reader:
        reader.check()


def database(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def fill(url: str, messages: int = 1) -> None:
    with writer(url) as store:
        store.save([make_event(number, number) for number in range(messages)], [])


def test_a_healthy_store_passes_the_check(store_url: str) -> None:
    fill(store_url)
    check(store_url)


def test_the_reason_why_postgresql_rejects_a_message_names_no_user(postgresql: Postgres) -> None:
    url, user = postgresql.create_database(), "personal-id-4711"
    with writer(url) as store:
        write_engine = engine.writer_engine(url)
        with write_engine.begin() as connection:
            connection.execute(text("ALTER TABLE events ADD CONSTRAINT of_test CHECK (country <> 'FR')"))
        write_engine.dispose()
        with pytest.raises(InvalidEvent) as rejected:
            store.save([replace(make_event(1, 1), user_id=user)], [])
    assert "of_test" in str(rejected.value)
    assert user not in str(rejected.value)


def test_a_store_in_read_only_mode_says_so_and_can_be_read(postgresql: Postgres) -> None:
    url = postgresql.create_database()
    fill(url)
    postgresql.execute(f"ALTER DATABASE {database(url)} SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable, match="read-only mode"):
        check(url)
    with closing(StoreReader(url)) as reader:
        assert len(reader.page(Filter(), None, 10).messages) == 1


def test_a_store_whose_tables_its_user_may_not_write_says_so(postgresql: Postgres) -> None:
    url = postgresql.create_database()
    fill(url)
    postgresql.execute("CREATE ROLE spectator LOGIN IN ROLE pg_read_all_data")
    with pytest.raises(
        StoreUnavailable, match=r"its user may not write counters, duplicates, events, .*receipts, .*stats"
    ):
        check(url.replace("tradewire@", "spectator@"))


@pytest.mark.parametrize(("version", "words"), [("9999", "newer version of Tradewire"), ("0000", "has not brought it")])
def test_a_store_with_another_schema_says_so(store_url: str, version: str, words: str) -> None:
    fill(store_url)
    write_engine = engine.writer_engine(store_url)
    with write_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": version})
    write_engine.dispose()
    with pytest.raises(StoreUnavailable, match=words):
        check(store_url)


def test_a_server_that_takes_no_new_connections_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with postgres(home) as server, beanstalkd(home):
        env = {**metrics_env, "TRADEWIRE_STORE_URL": server.create_database()}
        with query_api(home, **env), processor(home, "archive", **env):
            expect_ok(home, "store")
            server.freeze_listener()
            try:
                expect_fault(home, "store", "no answer within 1.5 s", "not-ready")
            finally:
                server.thaw()
            expect_recovery(home, "store")


def test_a_frozen_server_is_unavailable_and_its_jobs_are_saved_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_SECONDS", 2)
    with postgres(home) as server:
        url = server.create_database()
        with writer(url) as store, closing(StoreReader(url)) as reader:
            store.save([make_event(1)], [])
            reader.check()
            server.freeze()
            try:
                with pytest.raises(StoreUnavailable, match=r"no answer within 0\.5 s|connection timeout expired"):
                    store.save([make_event(2)], [])
                with pytest.raises(StoreUnavailable, match=r"no answer within 0\.5 s|connection timeout expired"):
                    reader.check()
            finally:
                server.thaw()
            wait_until(lambda: _saves(store), "the store takes events again")
            assert len(reader.page(Filter(), None, 10).messages) == 2


def test_while_a_check_gets_no_answer_other_calls_fail_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SILENCE_SECONDS", 0)
    with postgres(home) as server:
        url = server.create_database()
        fill(url)
        with closing(StoreReader(url)) as reader:
            reader.check()
            faults: list[str] = []

            def check_until_thawed() -> None:
                try:
                    reader.check()
                except StoreUnavailable as error:  # its connection may be cut after the end of the freeze
                    faults.append(str(error))

            server.freeze()
            checking = threading.Thread(target=check_until_thawed)
            try:
                checking.start()
                wait_until(lambda: reader._asked_at, "the check waits")  # noqa: SLF001 - a call would wait, too
                for _ in range(100):  # more than the connections of a reader
                    with pytest.raises(StoreUnavailable, match="no answer for 0 s"):
                        reader.page(Filter(), None, 10)
                assert checking.is_alive()
            finally:
                server.thaw()
            checking.join()
            assert len(reader.page(Filter(), None, 10).messages) == 1


def _saves(store: StoreWriter) -> bool:
    try:
        store.save([make_event(2)], [])
    except StoreUnavailable:
        return False
    return True


# ---- PgBouncer


def test_the_store_works_behind_pgbouncer_in_transaction_mode(home: Path, postgresql: Postgres) -> None:
    direct = postgresql.create_database()
    with pgbouncer(home, direct, sessions=3) as url, closing(StoreReader(url)) as reader:
        with writer(url) as store:
            for start in range(0, 200, 10):
                events = [make_event(number, number) for number in range(start, start + 10)]
                store.save(events, [receipt("shown", start)])
                reader.check()
        faults: list[Exception] = []

        def query() -> None:
            try:
                for _ in range(20):
                    assert len(reader.page(Filter(words=("fr",)), None, 200).messages) == 200
                    assert reader.counters("one")["archived"] == 200
            except (StoreUnavailable, AssertionError) as error:
                faults.append(error)

        threads = [threading.Thread(target=query) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert statistics_are_right(url)


def test_time_limits_hold_in_each_transaction_behind_pgbouncer(home: Path, postgresql: Postgres) -> None:
    with pgbouncer(home, postgresql.create_database(), sessions=2) as url:
        read_engine = engine.reader_engine(url)
        for _ in range(10):
            with read_engine.begin() as connection:
                limits = [connection.execute(text(f"SHOW {name}_timeout")).scalar() for name in ("statement", "lock")]
            assert limits == ["30s", "5s"]
        read_engine.dispose()


def test_a_stack_archives_behind_pgbouncer(home: Path, postgresql: Postgres) -> None:
    with pgbouncer(home, postgresql.create_database(), sessions=3) as url, beanstalkd(home):
        env = {"TRADEWIRE_STORE_URL": url}
        with query_api(home, **env), processor(home, "archive", **env), open_queue(home) as queue:
            for _ in range(50):
                queue.put(event_json(), [ARCHIVE])

            def messages() -> int:
                response = call_query(home, "/api/messages")
                return len(response.json["messages"]) if response.status == 200 else 0

            wait_until(lambda: messages() == 50, "all are archived")
            wait_ok(home, "store")
