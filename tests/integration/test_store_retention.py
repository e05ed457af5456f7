"""Both databases delete old messages in small steps, and everything that accounts for messages stays true."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from tests.recount import count_rows, read_table
from tradewire.errors import StoreUnavailable
from tradewire.event import TradeEvent, format_time, to_microseconds
from tradewire.receipt import Receipt
from tradewire.store import cleaning, deleting, pace
from tradewire.store.cleaning import Limits, StoreCleaner
from tradewire.store.kept import Kept
from tradewire.store.reading import StoreReader
from tradewire.store.schema import duplicates, events, outdated, receipts, stats, user_summaries
from tradewire.store.views import Filter
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tradewire.store.views import Stats

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, 10, 7, tzinfo=UTC)
NOW = START + 40 * DAY
LATER = datetime.now(UTC) + timedelta(hours=3)
"""What the tests save now is delivered again no more by then."""
MICROSECOND = timedelta(microseconds=1)
STACK = "one"


def micros(time: datetime) -> int:
    return to_microseconds(time)


def message(number: int, at: datetime, *, has_key: bool = False, **changes: Any) -> TradeEvent:
    """Return a message whose id tells its time, or was made from a key."""
    high = number << 80 if has_key else micros(at) // 1000 << 80
    version = 8 if has_key else 7
    id_ = str(UUID(int=high | version << 76 | 2 << 62 | number))
    event = TradeEvent(
        *(id_, format_time(at), "134259", "EUR", "GBP", "1000", "747.10", "0.7471", "2015-01-24T10:27:44Z", "FR", [])
    )
    return msgspec.structs.replace(event, **changes)


def save(url: str, messages: Sequence[TradeEvent], about: Sequence[Receipt] = ()) -> None:
    with closing(StoreWriter(url, STACK)) as store:
        store.migrate()
        store.save(messages, about)


def shown(*messages: TradeEvent, at: datetime = START) -> Receipt:
    return Receipt("shown", format_time(at), [each.id for each in messages])


def limits(before: datetime, *, figures_before: datetime | None = None, bytes_max: int | None = None) -> Limits:
    figures = micros(figures_before) if figures_before else 0
    return Limits(micros(before), figures, bytes_max, micros(NOW))


def clean(url: str, due: Limits, now: datetime = NOW) -> int:
    """Run rounds until nothing is left to do. Return how many messages were deleted."""
    deleted = 0
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        for _ in itertools.count():
            done = cleaner.round(due, micros(now))
            deleted += done.deleted
            if not done.is_cut_short:
                return deleted
    raise AssertionError


def set_rows(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Let each step take some rows, however fast the machine is."""
    for name in ("_ROWS_FIRST", "_ROWS_MIN", "_ROWS_MAX"):
        monkeypatch.setattr(pace, name, rows)


def reading(url: str, read: Callable[[StoreReader], Any]) -> Any:
    with closing(StoreReader(url)) as store:
        return read(store)


def counters(url: str) -> dict[str, int]:
    found: dict[str, int] = reading(url, lambda store: store.counters(STACK))
    return found


def kept(url: str) -> Kept:
    found: Kept = reading(url, lambda store: store.kept())
    return found


def archived_ids(url: str) -> set[str]:
    return {row.id for row in read_table(url, events)}


def test_messages_and_receipts_before_the_limit_are_deleted_and_counted_and_no_others(store_url: str) -> None:
    old = [message(number, START + number * MICROSECOND) for number in range(300)]
    young = [message(1000 + number, START + DAY + number * MICROSECOND) for number in range(5)]
    save(store_url, [*old, *young], [shown(*old, *young)])
    assert clean(store_url, limits(START + DAY)) == len(old)
    assert archived_ids(store_url) == {each.id for each in young}
    assert {row.id for row in read_table(store_url, receipts)} == {each.id for each in young}
    assert kept(store_url) == Kept(micros(START + DAY), 0, len(old), micros(NOW))
    assert counters(store_url)["archived"] == len(old) + len(young)


def test_a_limit_that_moves_back_changes_nothing(store_url: str) -> None:
    save(store_url, [message(1, START), message(2, START + 3 * DAY)])
    clean(store_url, limits(START + 2 * DAY))
    assert clean(store_url, limits(START + DAY)) == 0
    assert kept(store_url).since == micros(START + 2 * DAY)


def test_a_message_of_a_deleted_time_is_refused_with_one_receipt_and_counted_once(store_url: str) -> None:
    save(store_url, [message(1, START)])
    clean(store_url, limits(START + DAY))
    late = message(2, START + timedelta(hours=1))
    save(store_url, [late, late], [shown(late)])
    save(store_url, [late])
    assert archived_ids(store_url) == set()
    assert (counters(store_url)["outdated"], counters(store_url)["archived"]) == (1, 1)
    (told,) = reading(store_url, lambda store: store.trace(late.id)).outdated
    assert (told.received_at, told.was_archived) == (micros(START + timedelta(hours=1)), False)


def test_a_message_that_was_archived_lately_is_not_counted_again_when_it_is_delivered_again(store_url: str) -> None:
    first = message(1, START)
    save(store_url, [first])
    archived_at = datetime.now(UTC)
    clean(store_url, limits(START + DAY), archived_at)
    save(store_url, [first])
    assert counters(store_url) == {"archived": 1}
    (told,) = reading(store_url, lambda store: store.trace(first.id)).outdated
    assert (told.received_at, told.was_archived) == (micros(START), True)


def test_a_retry_with_the_key_of_a_deleted_message_stays_a_duplicate(store_url: str) -> None:
    first = message(1, START, has_key=True)
    retry = msgspec.structs.replace(first, received_at=format_time(START + 2 * DAY))
    save(store_url, [first])
    clean(store_url, limits(START + DAY), LATER)
    save(store_url, [retry, first])
    save(store_url, [retry])
    assert archived_ids(store_url) == set()
    assert counters(store_url) == {"archived": 1, "duplicates": 1}
    assert reading(store_url, lambda store: store.archived([micros(START + 2 * DAY)])) == {micros(START + 2 * DAY): 1}


def test_a_key_and_late_receipts_are_forgotten_after_a_week(store_url: str) -> None:
    first = message(1, START, has_key=True)
    save(store_url, [first])
    clean(store_url, limits(START + DAY))
    save(store_url, [], [shown(first)])
    clean(store_url, limits(START + DAY), NOW + 7 * DAY)
    assert (count_rows(store_url, outdated), count_rows(store_url, receipts)) == (1, 1)
    clean(store_url, limits(START + DAY), NOW + 7 * DAY + MICROSECOND)
    assert (count_rows(store_url, outdated), count_rows(store_url, receipts)) == (0, 0)


def test_receipts_that_come_late_for_deleted_messages_are_deleted_and_others_are_not(store_url: str) -> None:
    gone, young = message(1, START), message(2, START + 5 * DAY)
    of_key = message(0, START, has_key=True)
    save(store_url, [gone, young])
    clean(store_url, limits(START + DAY))
    late = [
        shown(gone, at=START + 2 * DAY),
        Receipt("delivered", format_time(START + 4 * DAY), [gone.id], "webhook"),
        shown(young, of_key, at=START + 2 * DAY),
    ]
    save(store_url, [], late)
    clean(store_url, limits(START + 3 * DAY))
    with closing(StoreCleaner(store_url, lambda _: True, lambda _: None)) as cleaner:
        cleaner.forget_late_receipts(micros(START + 3 * DAY))
    left = {(row.id, row.tube) for row in read_table(store_url, receipts)}
    assert left == {(gone.id, "webhook"), (young.id, "live"), (of_key.id, "live")}
    assert counters(store_url)["live_shown"] == 3


def test_retries_are_deleted_with_the_messages_of_their_time(store_url: str) -> None:
    first = message(1, START, has_key=True)
    retries = [
        msgspec.structs.replace(first, received_at=format_time(START + number * timedelta(hours=1)))
        for number in range(1, 50)
    ]
    save(store_url, [first, *retries])
    clean(store_url, limits(START + DAY))
    assert count_rows(store_url, duplicates) == sum(each.received_at >= format_time(START + DAY) for each in retries)


def test_many_messages_of_one_microsecond_are_deleted_in_several_steps(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_rows(monkeypatch, 10)
    save(store_url, [message(number, START) for number in range(25)])
    assert clean(store_url, limits(START + MICROSECOND)) == 25
    assert (archived_ids(store_url), kept(store_url).deleted) == (set(), 25)


# Figures


def random_messages(chance: random.Random) -> list[TradeEvent]:
    """Return messages of 40 days, oldest first."""
    times = sorted(chance.uniform(0, 40 * 86_400) for _ in range(800))
    return [
        message(
            *(number, START + timedelta(seconds=seconds)),
            user_id=chance.choice(("1", "2")),
            currency_from=chance.choice(("EUR", "USD")),
            rate=chance.choice(("0.5", "0.75", "2")),
            originating_country=chance.choice(("FR", "GB")),
        )
        for number, seconds in enumerate(times)
    ]


FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"currency_from": "EUR"},
    {"currency_to": "GBP"},
    {"currency_from": "EUR", "currency_to": "GBP", "originating_country": "FR"},
    {"originating_country": "GB"},
    {"user_id": "1"},
    {"user_id": "1", "originating_country": "GB"},
)


def sums(found: Stats) -> tuple[Any, ...]:
    return found.total, found.pairs, found.countries, sum(step.total.messages for step in found.series)


HOUR_MICROS = 3_600_000_000
CUT = START + 20 * DAY + timedelta(minutes=20, seconds=31)
FIGURES_CUT = datetime(2026, 1, 9, tzinfo=UTC)


def test_figures_stay_exact_for_the_range_that_they_name(store_url: str, home: Path) -> None:
    whole = f"sqlite:///{home}/whole.db"
    chance = random.Random(7)  # noqa: S311 - the same messages each time
    everything = random_messages(chance)
    for start in range(0, len(everything), 100):
        for url in (store_url, whole):
            save(url, everything[start : start + 100])
    clean(store_url, limits(CUT, figures_before=FIGURES_CUT + timedelta(hours=5)))
    assert kept(store_url)[:2] == (micros(CUT), micros(FIGURES_CUT))
    ranges = [Filter(), Filter(until=micros(NOW)), Filter(since=micros(CUT - timedelta(seconds=3)), until=micros(CUT))]
    for seconds in (30, 9000, 86_400, 40 * 86_400):
        for _ in range(12):
            since = START + timedelta(seconds=chance.uniform(0, 40 * 86_400))
            until = since + timedelta(seconds=chance.uniform(0, seconds))
            ranges.append(Filter(since=micros(since), until=micros(until)))
    with closing(StoreReader(store_url)) as store, closing(StoreReader(whole)) as reference:
        for each, equal in itertools.product(ranges, FILTERS):
            query = each._replace(equal=equal)
            found = store.stats(query)
            same = reference.stats(query._replace(since=found.since, until=found.until))
            assert sums(found) == sums(same), query
            first = CUT if "user_id" in equal else FIGURES_CUT
            earliest = max(micros(first), query.since or 0)
            assert earliest <= found.since < max(earliest, found.until) + HOUR_MICROS
            assert found.since - earliest < HOUR_MICROS or found.since == found.until
            if query.until is not None:
                assert found.until <= max(query.until, found.since)
                assert query.until - found.until < HOUR_MICROS or found.since == found.until


def test_only_figures_by_the_minute_go_with_the_messages(store_url: str) -> None:
    save(store_url, [message(number, START + number * DAY) for number in range(10)])
    clean(store_url, limits(START + 5 * DAY))
    starts = {60: set(), 3600: set(), 86_400: set()}  # type: dict[int, set[int]]
    for row in read_table(store_url, stats):
        if row.kind == "all" and row.width in starts:
            starts[row.width].add(row.start)
    assert {width: len(found) for width, found in starts.items()} == {60: 5, 3600: 9, 86_400: 9}


def test_the_newest_minute_outlives_all_messages(store_url: str) -> None:
    save(store_url, [message(1, START), message(2, START + DAY)])
    assert clean(store_url, limits(NOW, figures_before=NOW)) == 2
    assert reading(store_url, lambda store: store.stats(Filter())).total.messages == 1
    save(store_url, [message(3, NOW + DAY)])
    assert reading(store_url, lambda store: store.stats(Filter())).total.messages == 2


def test_summaries_of_busy_users_go_with_the_messages(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewire.store.summaries.WINDOW", 20)
    monkeypatch.setattr("tradewire.store.summaries.BUSY_MIN", 5)
    with closing(StoreWriter(store_url, STACK)) as store:
        store.migrate()
        store.save([message(number, START + number * timedelta(minutes=1)) for number in range(100)], [])
        while store.summarize():
            pass
    before = read_table(store_url, user_summaries)
    cut = START + timedelta(minutes=50)
    clean(store_url, limits(cut))
    assert before
    assert read_table(store_url, user_summaries) == [row for row in before if row.since >= micros(cut)] != before
    found = reading(store_url, lambda reader: reader.stats(Filter({"user_id": "134259"})))
    assert found.total.messages == 50


# Size and steps


MANY = 20_000


@pytest.fixture(scope="module")
def large_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite store with MANY messages, one a minute."""
    path = tmp_path_factory.mktemp("large") / "store.db"
    save(f"sqlite:///{path}", [message(number, START + number * timedelta(minutes=1)) for number in range(MANY)])
    return path


@pytest.fixture(params=[100, MANY], ids=["slow machine", "fast machine"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each step take as many rows as it would on a slow or a fast machine."""
    set_rows(monkeypatch, request.param)


@pytest.mark.usefixtures("machine")
def test_only_the_oldest_messages_that_are_too_much_go_and_the_file_shrinks(
    home: Path, large_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "_FREE_BYTES", 0)  # this file is much smaller than those of a real limit
    url = f"sqlite:///{shutil.copy(large_store, home)}"
    used = reading(url, lambda store: store.size()).used_bytes
    bytes_max = used // 2
    deleted = clean(url, limits(START, bytes_max=bytes_max))
    assert count_rows(url, events) == MANY - deleted
    share = (used - 0.88 * bytes_max) / used
    assert share * MANY <= deleted <= 1.2 * share * MANY  # figures by the hour stay
    assert 0.86 * bytes_max < reading(url, lambda store: store.size()).used_bytes <= 0.9 * bytes_max
    assert (home / "store.db").stat().st_size <= bytes_max
    assert kept(url).since == min(row.received_at for row in read_table(url, events)) - 59_999_999


@pytest.mark.usefixtures("machine")
def test_a_round_deletes_for_the_size_no_more_than_the_share_of_the_excess(home: Path, large_store: Path) -> None:
    url = f"sqlite:///{shutil.copy(large_store, home)}"
    used = reading(url, lambda store: store.size()).used_bytes
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        first = cleaner.round(limits(START, bytes_max=used), micros(NOW))
        assert first.is_cut_short
        assert first.deleted == pytest.approx(0.12 * MANY, abs=1)
        second = cleaner.round(limits(START, bytes_max=used), micros(NOW))
    assert second.deleted <= 0.03 * MANY


@pytest.mark.parametrize(("fill", "is_too_large"), [(0.89, False), (0.91, True)])
def test_messages_go_for_the_size_from_nine_tenths_of_it_on(
    home: Path, large_store: Path, monkeypatch: pytest.MonkeyPatch, fill: float, *, is_too_large: bool
) -> None:
    set_rows(monkeypatch, MANY)
    url = f"sqlite:///{shutil.copy(large_store, home)}"
    used = reading(url, lambda store: store.size()).used_bytes
    assert bool(clean(url, limits(START, bytes_max=int(used / fill)))) is is_too_large


def test_the_share_is_taken_of_the_messages_that_are_left(
    home: Path, large_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_rows(monkeypatch, MANY)
    url = f"sqlite:///{shutil.copy(large_store, home)}"
    young = MANY // 4
    clean(url, limits(START + (MANY - young) * timedelta(minutes=1)))
    used = reading(url, lambda store: store.size()).used_bytes
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        assert cleaner.round(limits(START, bytes_max=used), micros(NOW)).deleted == pytest.approx(0.12 * young, abs=1)


def test_no_message_is_deleted_for_the_size_that_must_be_kept(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, [message(number, START + number * timedelta(minutes=1)) for number in range(1000)])
    keep_since = START + timedelta(minutes=900)
    assert clean(url, Limits(0, 0, 10_000, micros(keep_since))) == 900


def test_a_step_that_finds_no_room_for_more_leaves_the_rest_to_the_next_round(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "_EVENT_STEPS", 2)
    set_rows(monkeypatch, 10)
    url = f"sqlite:///{home}/store.db"
    save(url, [message(number, START + number * MICROSECOND) for number in range(50)])
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        assert cleaner.round(limits(START + DAY), micros(NOW)) == (20, True)
        assert kept(url)[2:] == (20, 0)


def test_a_round_ends_when_its_rest_is_cut_short(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_rows(monkeypatch, 10)
    url = f"sqlite:///{home}/store.db"
    save(url, [message(number, START + number * MICROSECOND) for number in range(50)])
    with closing(StoreCleaner(url, lambda _: False, lambda _: None)) as cleaner:
        assert cleaner.round(limits(START + DAY), micros(NOW)) == (10, True)


def delete_for_ever(url: str) -> None:
    """Delete in small steps without a rest, until killed."""
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        while True:
            cleaner.round(limits(NOW), micros(LATER))


@pytest.mark.parametrize("chance", range(4))
def test_a_cleaner_that_is_killed_leaves_everything_accounted_for(store_url: str, chance: int) -> None:
    every = [message(number, START + number * timedelta(seconds=1), has_key=number % 2 == 0) for number in range(3000)]
    save(store_url, every, [shown(*every)])
    process = multiprocessing.get_context("spawn").Process(target=delete_for_ever, args=[store_url])
    process.start()
    goal = 200 + 500 * chance
    while kept(store_url).deleted < goal:
        pass
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    left, still = archived_ids(store_url), kept(store_url)
    assert still.deleted + len(left) == len(every)
    assert left == {
        each.id for each in every if to_microseconds(datetime.fromisoformat(each.received_at)) >= still.since
    }
    assert {row.id for row in read_table(store_url, receipts)} == left
    keyed = {each.id for each in every[::2]}
    assert {row.id for row in read_table(store_url, outdated)} == keyed - left
    clean(store_url, limits(NOW))
    assert (archived_ids(store_url), kept(store_url).deleted) == (set(), len(every))


# SQLite's plans and files


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Record all statements."""
    found: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:  # noqa: FBT001 - as it is called
        found.append((statement, parameters))

    sqlalchemy_event.listen(Engine, "before_cursor_execute", record)
    yield found
    sqlalchemy_event.remove(Engine, "before_cursor_execute", record)


def test_no_step_reads_a_whole_table_but_the_summaries_and_the_limits(
    home: Path, statements: list[tuple[str, Any]]
) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, [message(number, START + number * MICROSECOND, has_key=True) for number in range(100)])
    statements.clear()
    clean(url, limits(START + DAY, figures_before=NOW), NOW)
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        cleaner.forget_late_receipts(micros(NOW))
    with closing(sqlite3.connect(home / "store.db")) as connection:
        plans = {
            row[3]
            for statement, parameters in statements
            if statement.startswith(("SELECT", "DELETE", "UPDATE"))
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters or ())
        }
    scans = {plan for plan in plans if plan.startswith("SCAN")}
    assert scans <= {"SCAN retention", "SCAN user_summaries", "SCAN outdated_summaries"}, scans


def test_a_cleaner_closes_a_database_whose_log_was_removed(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, [message(1, START)])
    with closing(StoreReader(url)) as store, closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner:
        store.kept()
        cleaner.round(limits(START), micros(NOW))
        (home / "store.db-wal").unlink()
        with pytest.raises(StoreUnavailable, match=r"store\.db-wal was removed"):
            cleaner.round(limits(START), micros(NOW))


def test_the_log_is_never_cut_by_a_cleaner(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    with closing(StoreWriter(url, STACK)) as store:
        store.migrate()
        store.save([message(number, START + number * timedelta(minutes=1)) for number in range(5000)], [])
        size = (home / "store.db-wal").stat().st_size
        clean(url, limits(NOW))
        assert (home / "store.db-wal").stat().st_size >= size
        store.check()
        store.save([message(5001, NOW)], [])


def test_a_missing_database_is_not_created(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    with closing(StoreCleaner(url, lambda _: True, lambda _: None)) as cleaner, pytest.raises(StoreUnavailable):
        cleaner.round(limits(START), micros(NOW))
    assert not (home / "store.db").exists()


def test_a_redelivery_is_expected_within_the_age_that_is_always_kept() -> None:
    assert cleaning.MIN_AGE_MICROSECONDS >= deleting.REDELIVERY_MICROSECONDS
