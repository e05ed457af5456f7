"""What the archive gives, from real databases: held against a plain look through everything that was saved."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from tests.postgres import postgres
from tradewire.errors import StoreUnavailable
from tradewire.event import TradeEvent, format_time, to_microseconds
from tradewire.receipt import Receipt
from tradewire.store import engine, reading, reading_messages, reading_stats
from tradewire.store.reading import StoreReader
from tradewire.store.rows import user_group
from tradewire.store.views import Count, Filter, Money, Position, ReceiptView, Trace
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.postgres import Postgres
    from tradewire.store.views import Stats

START = datetime(2026, 1, 1, 10, 7, tzinfo=UTC)
SECOND = 1_000_000
CURRENCIES = ("EUR", "GBP", "USD", "JPY")
COUNTRIES = ("FR", "GB", "DE")
USERS = ("134259", "134260", "Änne", "ANNE", "%", "_nne", "eur", "a\\b'", "fr")
AMOUNTS = (
    *("1000", "1000.00", "999.99", "747.10", "747.1", "747.100000000001", "0.000000000001", "1", "10", "9.5", "0.5"),
    *("999999999999999999.999999999999", "999999999999999999.999999999998", "100000000000000000"),
)
RATES = ("0.7471", "10", "9.99", "0.000001", "9.990")
FLAGS: tuple[list[str], ...] = ([], [], [], ["rate-mismatch"], ["rate-mismatch", "other"], ["mismatch"])


def _events() -> list[TradeEvent]:
    """Give three days of events, oldest first; some of one moment, and gaps between them."""
    chance = random.Random(4)  # noqa: S311 - to be the same each time
    events = []
    for number in range(1500):
        sold, bought = chance.sample(CURRENCIES, 2)
        events.append(
            TradeEvent(
                str(UUID(int=chance.getrandbits(128))),
                format_time(START + timedelta(seconds=number // 3 * 521.000007)),
                chance.choice(USERS),
                sold,
                bought,
                chance.choice(AMOUNTS),
                chance.choice(AMOUNTS),
                chance.choice(RATES),
                "2015-01-24T10:27:44Z",
                chance.choice(COUNTRIES),
                chance.choice(FLAGS),
            )
        )
    return sorted(events, key=place)


def place(event: TradeEvent) -> Position:
    return Position(to_microseconds(datetime.fromisoformat(event.received_at)), event.id)


def one(number: int, seconds: float = 0, **changes: Any) -> TradeEvent:
    """Give an event received so many seconds after the start."""
    id_ = str(UUID(int=number))
    return msgspec.structs.replace(
        EVENTS[0], id=id_, received_at=format_time(START + timedelta(seconds=seconds)), **changes
    )


EVENTS = _events()
EVERYTHING = EVENTS[::-1]
END = datetime.fromisoformat(EVENTS[-1].received_at)


def save(url: str, events: Sequence[TradeEvent], receipts: Sequence[Receipt] = ()) -> None:
    """Save as the archive's processor does."""
    with closing(StoreWriter(url, "one")) as store:
        store.migrate()
        store.save(events, receipts)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    """Give the reader of a store with all events in it, which came in any order."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    else:
        server: Postgres = request.getfixturevalue("postgresql")
        url = server.database()
    shuffled = random.Random(5).sample(EVENTS, len(EVENTS))  # noqa: S311
    for begin in range(0, len(shuffled), 500):
        save(url, shuffled[begin : begin + 500])
    with closing(StoreReader(url)) as reader:
        yield reader


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page look at no more than ten rows."""
    monkeypatch.setattr(reading_messages, "ROWS_MAX", 10)


def pages(reader: StoreReader, wanted: Filter, limit: int) -> Iterator[list[TradeEvent]]:
    """Follow `next` to the end."""
    after: Position | None = None
    while True:
        page = reader.page(wanted, after, limit)
        yield page.messages
        if page.next is None:
            return
        assert after is None or page.next < after
        after = page.next


def found(reader: StoreReader, **wanted: Any) -> list[TradeEvent]:
    return [event for page in pages(reader, Filter(**wanted), 1000) for event in page]


def matches(event: TradeEvent, wanted: Filter) -> bool:
    """Tell whether a filter lets an event through, worked out without a database."""
    equal = (
        (wanted.currency_from, event.currency_from),
        (wanted.currency_to, event.currency_to),
        (wanted.country, event.originating_country),
        (wanted.user, event.user_id),
    )
    sold, received_at = Decimal(event.amount_sell), place(event).received_at
    return (
        all(value in {None, its} for value, its in equal)
        and (wanted.flag is None or wanted.flag in event.flags)
        and (wanted.min_amount is None or sold >= wanted.min_amount)
        and (wanted.max_amount is None or sold <= wanted.max_amount)
        and (wanted.since is None or received_at >= wanted.since)
        and (wanted.until is None or received_at < wanted.until)
        and all(word_matches(event, word) for word in wanted.words)
    )


def word_matches(event: TradeEvent, word: str) -> bool:
    codes = {event.currency_from, event.currency_to, event.originating_country}
    return (
        word.upper() in codes
        or word.lower() in event.flags
        or event.user_id.lower().startswith(word.lower())
        or event.id.startswith(word.lower())
    )


# ---- pages


def test_a_page_gives_the_newest_first_exactly_as_they_came(filled: StoreReader) -> None:
    page = filled.page(Filter(), None, 200)
    assert page.messages == EVERYTHING[:200]
    assert page.next == place(EVERYTHING[199])


def test_pages_go_on_to_the_oldest_and_the_last_one_has_no_next(filled: StoreReader) -> None:
    assert found(filled) == EVERYTHING
    assert filled.page(Filter(), place(EVERYTHING[-4]), 3) == (EVERYTHING[-3:], None)
    assert filled.page(Filter(), place(EVERYTHING[-1]), 3) == ([], None)


MOMENTS = st.sampled_from(sorted({place(event).received_at for event in EVENTS}))
FILTERS = st.builds(
    Filter,
    currency_from=st.none() | st.sampled_from(CURRENCIES),
    currency_to=st.none() | st.sampled_from(CURRENCIES),
    country=st.none() | st.sampled_from((*COUNTRIES, "XK")),
    user=st.none() | st.sampled_from(USERS),
    flag=st.none() | st.sampled_from(("rate-mismatch", "other", "mismatch", "Other", "%", "rate")),
    min_amount=st.none() | st.sampled_from([Decimal(amount) for amount in AMOUNTS]),
    max_amount=st.none() | st.decimals(0, 10**18, places=3) | st.sampled_from([Decimal(amount) for amount in AMOUNTS]),
    words=st.lists(
        st.sampled_from(("eur", "GBP", "fr", "anne", "%", "_", "1342", "Other", "Mismatch", EVENTS[7].id[:2])),
        max_size=2,
    ).map(tuple),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
)


@given(wanted=FILTERS, limit=st.sampled_from((1, 40, 1000)), rows_max=st.sampled_from((1, 30, 10_000)))
@settings(max_examples=150, deadline=None)
def test_pages_give_all_that_a_filter_lets_through_and_each_once(
    filled: StoreReader, wanted: Filter, limit: int, rows_max: int
) -> None:
    if rows_max == 1 or limit == 1:  # a page for each row: some will do
        wanted = wanted._replace(since=place(EVENTS[-200]).received_at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_messages, "ROWS_MAX", rows_max)
        some = list(pages(filled, wanted, limit))
    assert all(len(page) <= limit for page in some)
    assert [event for page in some for event in page] == [one for one in EVERYTHING if matches(one, wanted)]


@pytest.mark.usefixtures("few_rows")
def test_a_page_that_looked_at_its_share_of_rows_goes_on_below_them(filled: StoreReader) -> None:
    assert filled.page(Filter(words=("nobody",)), None, 100) == ([], place(EVERYTHING[9]))
    assert list(pages(filled, Filter(words=("nobody",), since=place(EVENTS[-25]).received_at), 100)) == [[], [], []]


def test_what_arrives_meanwhile_is_neither_skipped_into_nor_repeats_anything(store_url: str) -> None:
    save(store_url, [one(number, number) for number in range(10)])
    with closing(StoreReader(store_url)) as reader:
        first = reader.page(Filter(), None, 5)
        save(store_url, [one(number, number) for number in range(10, 20)])
        second = reader.page(Filter(), first.next, 5)
    assert [UUID(event.id).int for event in first.messages + second.messages] == [*range(9, -1, -1)]


def test_amounts_are_compared_digit_by_digit(filled: StoreReader) -> None:
    def sold(**wanted: Any) -> set[str]:
        return {event.amount_sell for event in found(filled, **wanted)}

    most = "999999999999999999.999999999999"
    assert sold(min_amount=Decimal(most)) == {most}
    assert sold(min_amount=Decimal("747.1"), max_amount=Decimal("747.10")) == {"747.1", "747.10"}
    assert sold(min_amount=Decimal("747.1000000000001"), max_amount=Decimal("747.2")) == {"747.100000000001"}
    assert sold(max_amount=Decimal("1E-12")) == {"0.000000000001"}
    assert sold(min_amount=Decimal("1E+17"), max_amount=Decimal("1E+17")) == {"100000000000000000"}
    assert sold(max_amount=Decimal(0)) == set()


def test_users_of_one_group_are_told_apart(store_url: str) -> None:
    same = [user for user in map(str, range(1000)) if user_group(user) == user_group("0")]
    assert len(same) > 1
    save(store_url, [one(number, number, user_id=user) for number, user in enumerate(same)])
    with closing(StoreReader(store_url)) as reader:
        assert [[event.user_id for event in found(reader, user=user)] for user in same] == [[user] for user in same]


@pytest.mark.parametrize(("word", "users"), [("%", {"%"}), ("_", {"_nne"}), ("a\\", {"a\\b'"}), ("a\\b'", {"a\\b'"})])
def test_a_word_is_never_a_pattern(filled: StoreReader, word: str, users: set[str]) -> None:
    assert {event.user_id for event in found(filled, words=(word,))} == users


def test_a_word_finds_a_message_by_the_beginning_of_its_id_in_capitals(filled: StoreReader) -> None:
    assert found(filled, words=(EVENTS[3].id[:13].upper(),)) == [EVENTS[3]]


# ---- exports


def test_an_export_gives_everything_that_is_wanted_in_lists_of_bounded_size(
    filled: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_EXPORT_PAGE", 400)
    lists = list(filled.export(Filter(), None))
    assert [len(some) for some in lists] == [400, 400, 400, 300]
    assert [event for some in lists for event in some] == EVERYTHING


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("limit", [None, 1, 30, 31, 5000])
def test_an_export_gives_at_most_the_newest_so_many(filled: StoreReader, limit: int | None) -> None:
    lists = list(filled.export(Filter(country="FR", flag="other"), limit))
    expected = [one for one in EVERYTHING if one.originating_country == "FR" and "other" in one.flags]
    assert [event for some in lists for event in some] == expected[:limit]


@pytest.mark.usefixtures("few_rows")
def test_an_export_that_finds_nothing_comes_back_now_and_then(filled: StoreReader) -> None:
    lists = list(filled.export(Filter(words=("nothing-has-this",)), None))
    assert len(lists) > 10
    assert not any(lists)


def test_an_export_that_waits_for_its_taker_holds_nothing_open(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, EVENTS[:1000])
    with closing(StoreReader(url)) as reader, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_EXPORT_PAGE", 10)
        export = reader.export(Filter(), None)
        next(export)
        save(url, EVENTS[1000:])
        with closing(sqlite3.connect(home / "store.db")) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0  # no one reads the log
        assert next(export) == EVENTS[980:990][::-1]


# ---- traces and counters


def test_a_trace_tells_all_that_became_of_a_message(store_url: str) -> None:
    moments = [format_time(START + timedelta(seconds=seconds)) for seconds in range(4)]
    receipts = [
        Receipt("shown", moments[3], [one(1).id], browsers=3),
        Receipt("dead-lettered", moments[1], [one(1).id], tube="archive", reason="why"),
        Receipt("expired", moments[2], [one(2).id], reason="age"),
    ]
    before = to_microseconds(datetime.now(UTC))
    save(store_url, [one(1)], receipts)
    begin = to_microseconds(START)
    with closing(StoreReader(store_url)) as reader:
        trace = reader.trace(one(1).id)
        assert trace
        assert trace.message == one(1)
        assert trace.archived_at
        assert before <= trace.archived_at <= to_microseconds(datetime.now(UTC))
        assert trace.receipts == [
            ReceiptView("dead-lettered", "archive", begin + SECOND, 0, "why"),
            ReceiptView("shown", "live", begin + 3 * SECOND, 3, ""),
        ]
        assert reader.trace(one(2).id) == Trace(
            None, None, [ReceiptView("expired", "live", begin + 2 * SECOND, 0, "age")]
        )
        assert reader.trace(one(3).id) is None


def test_what_is_no_id_has_no_trace(filled: StoreReader) -> None:
    for text in ("", "x", EVENTS[0].id.upper(), EVENTS[0].id + "\n", "\0"):
        assert filled.trace(text) is None


def test_tallies_are_those_of_one_stack(filled: StoreReader) -> None:
    counters = filled.counters("one")
    assert counters.pop("archived") == len(EVENTS)
    assert set(counters) == {"archived_through"}
    assert filled.counters("two") == {}


# ---- statistics


def recounted(since: int, until: int, pair: tuple[str, str] | None, country: str | None) -> list[TradeEvent]:
    """Give what statistics of a stretch of time are made of, oldest first."""
    sold, bought = pair or (None, None)
    wanted = Filter(sold, bought, country, since=since * SECOND, until=until * SECOND)
    return [event for event in EVENTS if matches(event, wanted)]


def count(events: Sequence[TradeEvent]) -> Count:
    return Count(len(events), sum(bool(event.flags) for event in events))


def money(events: Sequence[TradeEvent]) -> Money:
    rates = [Decimal(event.rate) for event in events]
    with localcontext(prec=60):
        sold = sum((Decimal(event.amount_sell) for event in events), Decimal(0))
        bought = sum((Decimal(event.amount_buy) for event in events), Decimal(0))
    return Money(sold, bought, rates[0], max(rates), min(rates), rates[-1])


def assert_right(stats: Stats, pair: tuple[str, str] | None, country: str | None) -> None:
    """Hold statistics against a recount of all that was saved."""
    events = recounted(stats.since, stats.until, pair, country)
    pairs: dict[tuple[str, str], list[TradeEvent]] = {}
    countries: dict[str, list[TradeEvent]] = {}
    steps: dict[int, list[TradeEvent]] = {}
    for event in events:
        pairs.setdefault((event.currency_from, event.currency_to), []).append(event)
        countries.setdefault(event.originating_country, []).append(event)
        second = place(event).received_at // SECOND
        steps.setdefault(second - second % stats.step, []).append(event)
    assert stats.total == count(events)
    assert stats.pairs == sorted(
        ((*its, count(some), money(some)) for its, some in pairs.items()), key=lambda one: (-one[2].messages, one[:2])
    )
    assert stats.countries == sorted(
        ((its, count(some)) for its, some in countries.items()), key=lambda one: (-one[1].messages, one[0])
    )
    assert stats.series == [
        (start, count(some), money(some) if pair else None) for start, some in sorted(steps.items())
    ]


FIRST, LAST = int(START.timestamp()), int(END.timestamp())
WINDOWS = {
    "nothing before": (FIRST - 7200, FIRST - 60),
    "nothing after": (LAST + 60, LAST + 7200),
    "minutes of an hour": (FIRST + 3600 + 61, FIRST + 3600 + 1799),
    "over an hour's end": (FIRST + 3000, FIRST + 4100),
    "hours and minutes": (FIRST + 1801, FIRST + 40_000),
    "over a day's end": (FIRST + 30_001, FIRST + 30_000 + 86_400),
    "days, hours": (FIRST + 3601, FIRST + 200_000),
    "the newest": (LAST - 86_400, LAST + 1),
    "hours to the newest": (LAST - 2 * 86_400, LAST + 60),
    "days alone": (FIRST - 70 * 86_400, LAST + 1),
    "less than everything in days": (FIRST - 70 * 86_400, LAST - 86_400),
}


@pytest.mark.parametrize("country", [None, "GB", "XK"])
@pytest.mark.parametrize("pair", [None, ("EUR", "GBP"), ("EUR", "SEK")])
@pytest.mark.parametrize("window", WINDOWS)
def test_statistics_of_any_time_are_what_a_recount_gives(
    filled: StoreReader, window: str, pair: tuple[str, str] | None, country: str | None
) -> None:
    since, until = WINDOWS[window]
    stats = filled.stats(since, until, pair, country)
    assert stats.since <= since < stats.since + stats.step
    assert stats.until - stats.step < until <= stats.until
    assert_right(stats, pair, country)


@given(
    since=st.integers(FIRST - 4000, LAST + 4000),
    seconds=st.integers(1, 300_000),
    pair=st.none() | st.sampled_from([("EUR", "GBP"), ("USD", "JPY")]),
    country=st.none() | st.sampled_from(COUNTRIES),
)
@settings(max_examples=60, deadline=None)
def test_statistics_are_right_wherever_a_time_begins_and_ends(
    filled: StoreReader, since: int, seconds: int, pair: tuple[str, str] | None, country: str | None
) -> None:
    assert_right(filled.stats(since, since + seconds, pair, country), pair, country)


@pytest.mark.parametrize(
    ("seconds", "step"),
    [(60, 60), (86_400, 60), (90_000, 60), (90_060, 3600), (30 * 86_400, 3600), (63 * 86_400, 86_400)],
)
def test_a_series_has_the_finest_steps_of_which_there_are_not_too_many(
    filled: StoreReader, seconds: int, step: int
) -> None:
    assert filled.stats(LAST - seconds, LAST, None, None).step == step


def test_of_very_many_pairs_the_busiest_are_told(filled: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = filled.stats(FIRST, LAST, None, None)
    assert (len(everything.pairs) > 2, everything.more_pairs) == (True, 0)
    monkeypatch.setattr(reading_stats, "PAIRS_MAX", 2)
    some = filled.stats(FIRST, LAST, None, None)
    assert (some.pairs, some.more_pairs) == (everything.pairs[:2], len(everything.pairs) - 2)
    assert some.total == everything.total


# ---- how it is read


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Give the statements that are executed, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(user="1", currency_from="EUR"), "INDEX events_by_user_group"),
        (Filter(currency_from="EUR", currency_to="GBP", country="GB"), "INDEX events_by_from"),
        (Filter(currency_to="GBP", country="GB", flag="x"), "INDEX events_by_to"),
        (Filter(country="GB", words=("eur",)), "INDEX events_by_country"),
        (Filter(flag="x", min_amount=Decimal(1)), "INDEX events_flagged"),
        (Filter(words=("eur",), max_amount=Decimal(1), since=1), "INDEX events_by_time"),
    ],
)
def test_a_page_reads_one_index_downward(home: Path, asked: list[tuple[str, Any]], wanted: Filter, index: str) -> None:
    url = f"sqlite:///{home}/store.db"
    same = {"user_id": "1", "currency_from": "EUR", "currency_to": "GBP", "originating_country": "GB", "flags": ["x"]}
    save(url, [one(number, number, **same) for number in range(20)])
    with closing(StoreReader(url)) as reader:
        asked.clear()
        reader.page(wanted, Position(2**60, EVENTS[0].id), 10)
    floor, page = plans(home / "store.db", asked)
    for (step,) in (floor, page):
        assert f"{index} (" in step
        assert "(received_at,id)<(?,?)" in step
    assert "(received_at,id)>(?,?)" in page[0]


@pytest.mark.parametrize("country", [None, "GB"])
@pytest.mark.parametrize("pair", [None, ("EUR", "GBP")])
def test_statistics_read_only_buckets_of_their_time(
    home: Path, asked: list[tuple[str, Any]], pair: tuple[str, str] | None, country: str | None
) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, EVENTS[:10])
    with closing(StoreReader(url)) as reader:
        asked.clear()
        reader.stats(FIRST, LAST, pair, country)
    steps = [step for plan in plans(home / "store.db", asked) for step in plan]
    last, *reads = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
    assert "PRIMARY KEY (kind=? AND width=?)" in last  # the newest minute, the only row that max() looks at
    assert reads
    assert all("width=? AND start" in step for step in reads)


def plans(file: Path, asked: Sequence[tuple[str, Any]]) -> Iterator[list[str]]:
    """Give how SQLite goes about each question."""
    with closing(sqlite3.connect(file)) as connection:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                yield [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def test_several_threads_read_at_once(filled: StoreReader) -> None:
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(found(filled)))) for _ in range(engine.READERS_MAX * 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [len(EVENTS)] * len(threads)


# ---- a store that is not there


def every_call(reader: StoreReader) -> Iterator[Any]:
    yield reader.check
    yield lambda: reader.page(Filter(), None, 10)
    yield lambda: list(reader.export(Filter(), None))
    yield lambda: reader.trace(EVENTS[0].id)
    yield lambda: reader.stats(FIRST, LAST, None, None)
    yield lambda: reader.counters("one")


def assert_unavailable(reader: StoreReader) -> None:
    for call in every_call(reader):
        with pytest.raises(StoreUnavailable):
            call()


def test_a_store_that_is_not_set_up_is_unavailable_until_it_is(store_url: str) -> None:
    with closing(StoreReader(store_url)) as reader:
        assert_unavailable(reader)
        save(store_url, EVENTS[:1])
        for call in every_call(reader):
            call()


def test_reading_makes_no_file(home: Path) -> None:
    with closing(StoreReader(f"sqlite:///{home}/store.db")) as reader:
        assert_unavailable(reader)
    assert not (home / "store.db").exists()


def test_a_file_that_is_gone_is_unavailable_and_one_that_takes_its_place_is_read(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, EVENTS[:1])
    save(f"sqlite:///{home}/other.db", EVENTS[1:3])
    with closing(StoreReader(url)) as reader:
        assert len(found(reader)) == 1
        (home / "store.db").unlink()
        assert_unavailable(reader)
        (home / "other.db").rename(home / "store.db")
        assert len(found(reader)) == 2


def test_a_locked_store_is_unavailable_until_it_is_let_go(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_SECONDS", 1)
    save(store_url, EVENTS[:1])
    with closing(StoreReader(store_url)) as reader:
        with closing(lock(store_url)), pytest.raises(StoreUnavailable):
            reader.check()
        reader.check()


def lock(url: str) -> sqlite3.Connection | psycopg.Connection:
    """Lock everyone out, as a repair by hand may; closing it lets go."""
    file = engine.sqlite_file(url)
    if not file:
        connection = psycopg.connect(url)
        connection.execute("LOCK TABLE events")
        return connection
    exclusive = sqlite3.connect(file, isolation_level=None)
    exclusive.execute("PRAGMA locking_mode=EXCLUSIVE")
    exclusive.execute("BEGIN EXCLUSIVE")
    exclusive.execute("UPDATE counters SET value = value")
    exclusive.execute("COMMIT")
    return exclusive


def test_a_server_that_was_away_is_read_again_when_it_is_back(home: Path) -> None:
    with postgres(home) as server:
        url = server.database()
        save(url, EVENTS[:1])
        with closing(StoreReader(url)) as reader:
            reader.check()
            server.stop()
            assert_unavailable(reader)
            server.start()
            assert found(reader) == EVENTS[:1]
