"""Writing to the store, on real databases: each event is saved once and exactly, or its whole batch is refused."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from tests.postgres import postgres
from tests.recount import read_table, recounted_statistics, stored_statistics
from tests.support import ROOT
from tradewire.errors import InvalidEvent, StoreUnavailable
from tradewire.event import TradeEvent, format_time
from tradewire.receipt import Receipt
from tradewire.store import engine
from tradewire.store.schema import counters, duplicates, events, metadata, receipts, retention, stats
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.postgres import Postgres

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
EVENT = TradeEvent(
    id="00000000-0000-0000-0000-000000000001",
    received_at="2026-01-02T12:00:00.000000Z",
    user_id="134259",
    currency_from="EUR",
    currency_to="GBP",
    amount_sell="1000",
    amount_buy="747.10",
    rate="0.7471",
    time_placed="2015-01-24T10:27:44Z",
    originating_country="FR",
    flags=[],
)


def make_event(number: int, seconds: float = 0, **changes: Any) -> TradeEvent:
    """Return the event with this number, received this many seconds after NOON."""
    received_at = format_time(NOON + timedelta(seconds=seconds))
    return msgspec.structs.replace(EVENT, id=id_of(number), received_at=received_at, **changes)


def id_of(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def receipt(kind: Any, *numbers: int, seconds: float = 0, **fields: Any) -> Receipt:
    """Return a receipt for the events with these numbers."""
    return Receipt(
        kind, format_time(NOON + timedelta(seconds=seconds)), [id_of(number) for number in numbers], **fields
    )


@contextmanager
def writer(url: str, stack: str = "one") -> Iterator[StoreWriter]:
    """Return a writer to a migrated store."""
    with closing(StoreWriter(url, stack)) as store:
        store.migrate()
        yield store


def stack_counters(url: str, stack: str = "one") -> dict[str, int]:
    """Return the counters of a stack."""
    return {row.name: row.value for row in read_table(url, counters) if row.stack == stack}


def archived_ids(url: str) -> list[str]:
    return sorted(row.id for row in read_table(url, events))


def plain(*amounts: Decimal | str) -> list[str]:
    """Return amounts as plain text. Databases return them as text or Decimal."""
    return [format(Decimal(amount), "f") for amount in amounts]


def statistics_are_right(url: str) -> bool:
    stored = stored_statistics(url)
    assert stored == recounted_statistics(url)
    return bool(stored)


# ---- events and receipts


def test_a_stored_event_keeps_every_digit_and_field(store_url: str) -> None:
    widest = "9" * 18 + "." + "9" * 12
    saved = [
        make_event(1),
        make_event(2, amount_sell=widest, amount_buy="0." + "0" * 11 + "1", rate="1.10"),
        make_event(3, user_id="=Ünïcode, '\"; \\", flags=["rate-mismatch", "other"]),
    ]
    with writer(store_url) as store:
        store.save(saved, [])
    stored = sorted(read_table(store_url, events), key=lambda row: row.id)
    assert [plain(row.amount_sell, row.amount_buy, row.rate) for row in stored] == [
        ["1000", "747.10", "0.7471"],
        [widest, "0." + "0" * 11 + "1", "1.10"],
        ["1000", "747.10", "0.7471"],
    ]
    assert (stored[2].user_id, stored[2].flags) == (saved[2].user_id, "rate-mismatch,other")
    assert stored[0].received_at == int(NOON.timestamp()) * 1_000_000
    assert tuple(stored[0])[4:6] == ("EUR", "GBP")
    assert tuple(stored[0])[9:11] == ("2015-01-24T10:27:44Z", "FR")


def test_a_redelivered_event_is_stored_and_counted_once(store_url: str) -> None:
    with writer(store_url) as store:
        first = store.save([make_event(1), make_event(2), make_event(1)], [])
        again = store.save([make_event(2), make_event(3)], [])
    assert (len(first.ages_seconds), first.duplicates) == (2, 0)
    assert (len(again.ages_seconds), again.duplicates) == (1, 0)
    assert archived_ids(store_url) == [id_of(1), id_of(2), id_of(3)]
    assert stack_counters(store_url) == {"archived": 3}
    assert statistics_are_right(store_url)


def test_a_retry_with_a_key_is_counted_as_a_duplicate_and_the_first_event_is_kept(store_url: str) -> None:
    with writer(store_url) as store:
        store.save([make_event(1), make_event(1, 5), make_event(1, 5)], [])
        assert store.save([make_event(1, 5), make_event(1, 9), make_event(1)], []).duplicates == 1
    assert [row.received_at for row in read_table(store_url, events)] == [int(NOON.timestamp()) * 1_000_000]
    assert stack_counters(store_url) == {"archived": 1, "duplicates": 2}
    assert len(read_table(store_url, duplicates)) == 2
    assert statistics_are_right(store_url)


def test_open_and_close_are_ordered_by_time_received_not_by_arrival(store_url: str) -> None:
    with writer(store_url) as store:
        for number, seconds, rate in [(5, 30, "1.5"), (4, 10, "1.4"), (6, 20, "9"), (3, 10, "1.3"), (7, 30, "1.7")]:
            store.save([make_event(number, seconds, rate=rate)], [])
    minute = ("pair", 60, int(NOON.timestamp()), "EUR", "GBP", "")
    assert stored_statistics(store_url)[minute][4:] == tuple(map(Decimal, ("1.3", "9", "1.3", "1.7")))
    assert statistics_are_right(store_url)


def test_only_a_bucket_with_one_message_leaves_out_what_repeats(store_url: str) -> None:
    with writer(store_url) as store:
        store.save([make_event(1), make_event(2, 5, originating_country="DE")], [])
    names = ["high", "low", "close", "close_at", "close_id"]
    rows = [row for row in read_table(store_url, stats) if row.kind in {"both", "pair"}]
    left_out = {row.country: [name for name in names if getattr(row, name) is None] for row in rows}
    assert left_out == {"FR": names, "DE": names, "": []}


def test_a_bucket_of_one_message_that_an_older_version_wrote_in_full_is_added_to(store_url: str) -> None:
    """The buckets get newer and older messages, and a message of the same time, and are added to wider ones."""
    with writer(store_url) as store:
        store.save([make_event(2, rate="1.5")], [])
        store.save([make_event(5, 70, rate="1.5", originating_country="DE")], [])
        write_in_full(store_url)
        assert statistics_are_right(store_url)
        for number, seconds, rate in [(3, 0, "1.7"), (1, 0, "1.6"), (6, 71, "1.8"), (4, 60, "1.4"), (7, 86_400, "1")]:
            store.save([make_event(number, seconds, rate=rate, originating_country="DE")], [])
            assert statistics_are_right(store_url)
        write_in_full(store_url)
        store.save([make_event(8, 40 * 86_400)], [])
    assert statistics_are_right(store_url)


def write_in_full(url: str) -> None:
    """Rewrite all buckets as versions before 0008 of the schema wrote them."""
    write_engine = engine.writer_engine(url)
    with write_engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE stats SET high = open, low = open, close = open, close_at = open_at, close_id = open_id"
                " WHERE count = 1"
            )
        )
    write_engine.dispose()


def test_the_first_receipt_of_each_kind_is_kept_and_each_event_leaves_a_tube_once(store_url: str) -> None:
    with writer(store_url) as store:
        store.save([], [receipt("shown", 1, 2, seconds=1, browsers=3), receipt("shown", 2, 3, seconds=2)])
        store.save([make_event(1)], [receipt("expired", 3, 4, reason="age"), receipt("shown", 1, seconds=9)])
        store.save([], [receipt("dead-lettered", 5, 5, reason="why"), receipt("discarded", 5), receipt("shown", 4)])
        store.save([], [receipt("shown", 1, tube="archive")])
    stored = {(row.id, row.tube, row.kind): (row.browsers, row.reason) for row in read_table(store_url, receipts)}
    assert stored == {
        (id_of(1), "live", "shown"): (3, ""),
        (id_of(2), "live", "shown"): (3, ""),
        (id_of(3), "live", "shown"): (0, ""),
        (id_of(3), "live", "expired"): (0, "age"),
        (id_of(4), "live", "expired"): (0, "age"),
        (id_of(4), "live", "shown"): (0, ""),
        (id_of(5), "live", "dead-lettered"): (0, "why"),
        (id_of(5), "live", "discarded"): (0, ""),
        (id_of(1), "archive", "shown"): (0, ""),
    }
    assert stack_counters(store_url) == {
        "archived": 1,
        "live_shown": 3,
        "live_expired": 1,
        "live_discarded": 1,
        "archive_shown": 1,
    }


amounts = st.decimals("0.000000000001", "999999999999999999", places=12).map(
    lambda value: format(value.normalize(), "f")
)
drawn_events = st.builds(
    make_event,
    st.integers(1, 12),
    st.sampled_from([0, 1, 1.000001, 59.999999, 60, 3600, 43199.5, 43200, -1, -86400, -86400.5]),
    currency_from=st.sampled_from(["EUR", "USD"]),
    currency_to=st.sampled_from(["GBP", "JPY"]),
    amount_sell=amounts,
    amount_buy=amounts,
    rate=st.sampled_from(["0.7471", "0.74710", "10", "9.5", "0.000000000001"]),
    originating_country=st.sampled_from(["FR", "DE"]),
    flags=st.sampled_from([[], ["rate-mismatch"]]),
)
batches = st.lists(st.lists(drawn_events, max_size=8), max_size=5)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(batches=batches, order=st.randoms(use_true_random=False))
def test_statistics_match_a_recount_for_any_order_of_delivery(
    store_url: str, batches: list[list[TradeEvent]], order: Any
) -> None:
    with writer(store_url) as store:
        empty(store_url)
        redelivered = list(batches)  # each batch comes again, in another order
        order.shuffle(redelivered)
        firsts: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        for batch in [*batches, *redelivered]:
            store.save(batch, [])
            for event in batch:
                firsts.setdefault(event.id, event.received_at)
                seen.add((event.id, event.received_at))
    stored = {row.id: row.received_at for row in read_table(store_url, events)}
    assert stored == {id_: microseconds(time) for id_, time in firsts.items()}
    assert {(row.id, row.received_at) for row in read_table(store_url, duplicates)} == {
        (id_, microseconds(time)) for id_, time in seen if firsts[id_] != time
    }
    assert stored_statistics(store_url) == recounted_statistics(store_url)
    expected = {"archived": len(firsts), "duplicates": len(seen) - len(firsts)}
    assert stack_counters(store_url) == {name: count for name, count in expected.items() if count}


def microseconds(time: str) -> int:
    return (datetime.fromisoformat(time) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def empty(url: str) -> None:
    """Delete all rows of all tables but the only row of retention, which a store always has."""
    write_engine = engine.writer_engine(url)
    with write_engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table is not retention:
                connection.execute(delete(table))
    write_engine.dispose()


def test_a_batch_of_the_largest_size_is_saved(store_url: str) -> None:
    batch = [make_event(number, number / 100, originating_country="DE") for number in range(3500)]
    with writer(store_url) as store:
        assert len(store.save(batch, [receipt("shown", *range(3500))]).ages_seconds) == 3500
        assert store.save(batch, [receipt("shown", *range(3500))]).ages_seconds == []
    assert stack_counters(store_url) == {"archived": 3500, "live_shown": 3500}
    assert statistics_are_right(store_url)


# ---- concurrent writers


def run_concurrently(*calls: Callable[[], object]) -> None:
    """Run each call in a thread of its own. Fail if a call fails."""
    failures: list[Exception] = []

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        except StoreUnavailable as error:
            if "database is locked" in str(error):  # SQLite does not wait while another process creates the file
                run(call)
            else:
                failures.append(error)
        except Exception as error:  # noqa: BLE001 - the assertion below reports it
            failures.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_two_concurrent_writers_store_and_count_each_event_once(store_url: str) -> None:
    def save_all(stack: str, order: Sequence[int]) -> None:
        with writer(store_url, stack) as store:
            for start in range(0, len(order), 10):
                store.save([make_event(number, number) for number in order[start : start + 10]], [])

    run_concurrently(lambda: save_all("one", range(400)), lambda: save_all("two", range(399, -1, -1)))
    assert archived_ids(store_url) == [id_of(number) for number in range(400)]
    assert sum(stack_counters(store_url, stack).get("archived", 0) for stack in ("one", "two")) == 400
    assert statistics_are_right(store_url)


def test_several_concurrent_writers_can_create_a_store(store_url: str) -> None:
    def set_up_and_save(number: int) -> None:
        with writer(store_url) as store:
            store.save([make_event(number)], [])

    run_concurrently(*(partial(set_up_and_save, number) for number in range(4)))
    assert archived_ids(store_url) == [id_of(number) for number in range(4)]


# ---- the schema


def test_the_migrated_schema_matches_the_table_definitions(store_url: str) -> None:
    with writer(store_url):
        pass
    write_engine = engine.writer_engine(store_url)
    with write_engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    write_engine.dispose()


def test_migrating_again_changes_nothing(store_url: str) -> None:
    with writer(store_url) as store:
        store.save([make_event(1)], [receipt("shown", 1)])
    with writer(store_url) as store:
        store.migrate()
        assert store.save([make_event(1)], [receipt("shown", 1)]).ages_seconds == []
    assert stack_counters(store_url) == {"archived": 1, "live_shown": 1}


def test_the_statistics_of_an_older_store_get_buckets_of_four_weeks(store_url: str) -> None:
    day = 86_400
    with writer(store_url) as store:
        for number in range(75):
            store.save([make_event(number, number * day + number % 7, currency_to=("GBP", "USD")[number % 2])], [])
    write_engine = engine.writer_engine(store_url)
    with write_engine.begin() as connection:
        connection.execute(delete(stats).where(stats.c.width == 28 * day))
    assert stored_statistics(store_url) != recounted_statistics(store_url)
    with write_engine.begin() as connection:
        connection.execute(text("DROP INDEX stats_by_currency_to"))
        connection.execute(text("DROP TABLE user_summaries"))
        connection.execute(text("DROP TABLE summarized"))
        connection.execute(text("DROP TABLE outdated_summaries"))
        connection.execute(text("DROP TABLE outdated"))
        connection.execute(text("DROP TABLE retention"))
        connection.execute(text("DROP INDEX events_by_producer"))
        connection.execute(text("ALTER TABLE events DROP COLUMN producer"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    write_engine.dispose()
    with writer(store_url) as store:
        store.save([make_event(99, 76 * day)], [])
    assert statistics_are_right(store_url)


def test_a_day_is_added_to_its_four_weeks_once_there_is_a_newer_day(store_url: str) -> None:
    day = 86_400
    with writer(store_url) as store:
        for number, seconds in enumerate([0, 5, 70, day, day + 70, 30, 3 * day, 2 * day, day - 1, 40 * day, 29 * day]):
            store.save([make_event(number, seconds, rate=f"1.{number}")], [])
            assert statistics_are_right(store_url)
        store.save([make_event(100 + number, 50 * day + number * 43_000) for number in range(5)], [])
    assert statistics_are_right(store_url)
    assert len({key[2] for key in stored_statistics(store_url) if key[1] == 28 * day}) == 3


def test_a_store_of_a_newer_version_is_refused_and_not_changed(store_url: str) -> None:
    with writer(store_url) as store:
        store.save([make_event(1)], [])
    write_engine = engine.writer_engine(store_url)
    with write_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with closing(StoreWriter(store_url, "one")) as older, pytest.raises(StoreUnavailable, match="newer version"):
        older.migrate()
    with write_engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    write_engine.dispose()
    assert archived_ids(store_url) == [id_of(1)]


# ---- invalid events and receipts


INVALID_FIELDS = {
    "an amount with an exponent": {"amount_sell": "1e3"},
    "an amount with a leading zero": {"rate": "00.5"},
    "an amount that is too long": {"amount_buy": "1" * 19},
    "an invalid time": {"received_at": "yesterday"},
    "a time without an offset": {"received_at": "2026-01-02T12:00:00"},
}


@pytest.mark.parametrize("changes", INVALID_FIELDS.values(), ids=INVALID_FIELDS)
def test_an_invalid_event_is_refused_with_its_whole_batch(store_url: str, changes: dict[str, Any]) -> None:
    with writer(store_url) as store:
        with pytest.raises(InvalidEvent, match="not a"):
            store.save([make_event(1), msgspec.structs.replace(make_event(2), **changes)], [receipt("shown", 1)])
        assert archived_ids(store_url) == []
        store.save([make_event(1)], [])
    assert stack_counters(store_url) == {"archived": 1}


def test_a_receipt_with_an_invalid_time_is_refused_with_its_whole_batch(store_url: str) -> None:
    with writer(store_url) as store:
        with pytest.raises(InvalidEvent, match="not a timestamp: 'yesterday'"):
            store.save([make_event(1)], [msgspec.structs.replace(receipt("shown", 1), at="yesterday")])
        assert (archived_ids(store_url), len(read_table(store_url, receipts))) == ([], 0)
        store.save([make_event(1)], [receipt("shown", 1)])
    assert stack_counters(store_url) == {"archived": 1, "live_shown": 1}


@pytest.mark.parametrize(
    ("events", "receipts_to_save"),
    [([make_event(2, user_id="a\0b")], []), ([], [receipt("dead-lettered", 1, reason="a\0b")])],
)
def test_text_that_postgresql_can_not_store_is_an_invalid_event(
    postgresql: Postgres, events: list[TradeEvent], receipts_to_save: list[Receipt]
) -> None:
    url = postgresql.create_database()
    with writer(url) as store:
        with pytest.raises(InvalidEvent, match="NUL"):
            store.save([make_event(1), *events], receipts_to_save)
        assert (archived_ids(url), len(read_table(url, receipts))) == ([], 0)
        store.save([make_event(1)], [])


# ---- an unavailable database


def test_a_stopped_or_killed_postgresql_is_unavailable_until_it_restarts(home: Path) -> None:
    with postgres(home) as server:
        url = server.create_database()
        with writer(url) as store:
            store.save([make_event(0)], [])
            for number, end in enumerate([server.stop, server.kill], 1):
                end()
                for _ in range(2):
                    with pytest.raises(StoreUnavailable, match="the store at postgresql://"):
                        store.save([make_event(number)], [])
                server.start()
                store.save([make_event(number)], [])
        assert stack_counters(url) == {"archived": 3}


def test_an_error_never_contains_the_password(home: Path) -> None:
    with closing(StoreWriter(f"postgresql://me:secret@/none?host={home}", "one")) as store:
        with pytest.raises(StoreUnavailable) as caught:
            store.migrate()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("form", ["postgresql://{user}:s3cret@", "postgresql://", "options"])
def test_an_error_never_contains_the_user_even_if_the_server_names_it(postgresql: Postgres, form: str) -> None:
    url = postgresql.create_database()
    if form == "options":
        url = f"{url.replace('tradewire@', '')}&user=stranger&password=s3cret"
    else:
        url = url.replace("postgresql://tradewire@", form.format(user="stranger"))
    with closing(StoreWriter(url, "one")) as store, pytest.raises(StoreUnavailable) as caught:
        store.migrate()
    assert "does not exist" in str(caught.value)
    for secret in ("stranger", "s3cret"):
        assert secret not in str(caught.value)


def test_a_locked_sqlite_file_is_unavailable_until_it_is_released(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_SECONDS", 0.1)
    url = f"sqlite:///{home}/store.db"
    with writer(url) as store, closing(sqlite3.connect(home / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.save([make_event(1)], [])
        other.execute("ROLLBACK")
        store.save([make_event(1)], [])
    assert stack_counters(url) == {"archived": 1}


@pytest.mark.parametrize("replaced", [True, False])
def test_events_are_never_saved_into_a_sqlite_file_that_was_moved(home: Path, *, replaced: bool) -> None:
    url = f"sqlite:///{home}/store.db"
    with writer(url) as store:
        store.save([make_event(1)], [])
        for path in home.glob("store.db*"):  # the database and its write-ahead log
            path.rename(home / path.name.replace("store", "moved"))
        if replaced:
            (home / "store.db").touch()
        with pytest.raises(StoreUnavailable, match=r"store\.db"):
            store.save([make_event(2)], [])
        store.migrate()
        store.save([make_event(2)], [])
    assert archived_ids(url) == [id_of(2)]
    assert archived_ids(f"sqlite:///{home}/moved.db") == [id_of(1)]


def test_a_file_that_is_not_a_database_is_not_changed(home: Path) -> None:
    (home / "store.db").write_bytes(b"other data" * 100)
    with (
        closing(StoreWriter(f"sqlite:///{home}/store.db", "one")) as store,
        pytest.raises(StoreUnavailable, match="not a database"),
    ):
        store.migrate()
    assert (home / "store.db").read_bytes() == b"other data" * 100


def test_a_missing_folder_is_reported(home: Path) -> None:
    with (
        closing(StoreWriter(f"sqlite:///{home}/none/store.db", "one")) as store,
        pytest.raises(StoreUnavailable, match="No such file or directory"),
    ):
        store.migrate()


def test_only_its_owner_can_access_the_sqlite_file(home: Path) -> None:
    with writer(f"sqlite:///{home}/store.db") as store:
        store.save([make_event(1)], [])
        assert {path.stat().st_mode & 0o777 for path in home.glob("store.db*")} == {0o600}


FILL_DISK = """
import os, sys
from tests.integration.test_store_writing import archived_ids, make_event, stack_counters, statistics_are_right, writer
from tradewire.errors import StoreUnavailable
home = sys.argv[1]
url = f"sqlite:///{home}/store/store.db"
with writer(url) as store:
    saved = 0
    try:
        while saved < 10_000:
            store.save([make_event(number, number) for number in range(saved, saved + 20)], [])
            saved += 20
    except StoreUnavailable as error:
        assert "full" in str(error), error
    assert 20 <= saved < 10_000, saved
    os.unlink(f"{home}/store/ballast")
    store.save([make_event(number, number) for number in range(saved, saved + 20)], [])
assert stack_counters(url) == {"archived": saved + 20}
assert len(archived_ids(url)) == saved + 20
assert statistics_are_right(url)
"""
READ_ONLY = """
import sys
from tests.integration.test_store_writing import StoreWriter, make_event
from tradewire.errors import StoreUnavailable
store = StoreWriter(f"sqlite:///{sys.argv[1]}/store/store.db", "one")
for call in (store.migrate, lambda: store.save([make_event(1)], [])):
    try:
        call()
    except StoreUnavailable as error:
        print(error)
store.close()
"""


def run_with_mount(home: Path, mount: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a mount namespace, after a shell command that mounts a file system."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting needs root")
    (home / "store").mkdir(exist_ok=True)
    command = ["unshare", "--mount", "sh", "-c", f'{mount}; exec "$0" -c "$2" "$1"', sys.executable, str(home), program]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False)


def test_a_full_disk_is_unavailable_until_it_has_space_and_no_saved_event_is_lost(home: Path) -> None:
    mount = 'mount -t tmpfs -o size=4m none "$1/store"; head -c 3m /dev/zero >"$1/store/ballast"'
    result = run_with_mount(home, mount, FILL_DISK)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_read_only_file_system_is_reported(home: Path) -> None:
    (home / "store").mkdir()
    with writer(f"sqlite:///{home}/store/store.db") as store:
        store.save([make_event(2)], [])
    result = run_with_mount(home, 'mount --bind -o ro "$1/store" "$1/store"', READ_ONLY)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 2
    assert "Read-only file system" in result.stdout
