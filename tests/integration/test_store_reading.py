"""Reading from the store, on real databases. Results are compared with a plain search through all saved events."""

from __future__ import annotations

import random
import re
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
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from tests.postgres import postgres
from tradewire.errors import StoreUnavailable
from tradewire.event import TradeEvent, format_time, to_microseconds
from tradewire.fields import REQUIRED
from tradewire.receipt import Receipt
from tradewire.store import conditions, engine, reading, reading_messages, sums
from tradewire.store.reading import StoreReader
from tradewire.store.reading_stats import step_seconds
from tradewire.store.rows import user_group
from tradewire.store.views import Count, Filter, Money, Position, ReceiptView, Sort, SortedPosition, Trace
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
    """Return three days of events, oldest first. Some have the same time, and there are gaps between them."""
    chance = random.Random(4)  # noqa: S311 - the same events each time
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
    return sorted(events, key=position)


def position(event: TradeEvent) -> Position:
    return Position(to_microseconds(datetime.fromisoformat(event.received_at)), event.id)


def make_event(number: int, seconds: float = 0, **changes: Any) -> TradeEvent:
    """Return the event with this number, received this many seconds after START."""
    id_ = str(UUID(int=number))
    return msgspec.structs.replace(
        EVENTS[0], id=id_, received_at=format_time(START + timedelta(seconds=seconds)), **changes
    )


EVENTS = _events()
NEWEST_FIRST = EVENTS[::-1]
END = datetime.fromisoformat(EVENTS[-1].received_at)


def save(url: str, events: Sequence[TradeEvent], receipts: Sequence[Receipt] = ()) -> None:
    """Save events and receipts as the archive's processor does."""
    with closing(StoreWriter(url, "one")) as store:
        store.migrate()
        store.save(events, receipts)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    """Return the reader of a store with all events, which were saved in random order."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    else:
        server: Postgres = request.getfixturevalue("postgresql")
        url = server.create_database()
    shuffled = random.Random(5).sample(EVENTS, len(EVENTS))  # noqa: S311
    for start in range(0, len(shuffled), 500):
        save(url, shuffled[start : start + 500])
    with closing(StoreReader(url)) as reader:
        yield reader


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit each page to a search through ten rows."""
    monkeypatch.setattr(reading_messages, "ROWS_MAX", 10)


def pages(reader: StoreReader, filters: Filter, limit: int) -> Iterator[list[TradeEvent]]:
    """Return all pages by following `next`."""
    after: Position | None = None
    while True:
        page = reader.page(filters, after, limit)
        yield page.messages
        if page.next is None:
            return
        assert after is None or page.next < after
        after = page.next


def find(reader: StoreReader, **filters: Any) -> list[TradeEvent]:
    return [event for page in pages(reader, Filter(**filters), 1000) for event in page]


def matches(event: TradeEvent, filters: Filter) -> bool:
    """Return whether a filter matches an event, without a database."""
    sold, received_at = Decimal(event.amount_sell), position(event).received_at
    return (
        all(getattr(event, name) == value for name, value in filters.equal.items())
        and (filters.flag is None or filters.flag in event.flags)
        and (filters.min_amount is None or sold >= filters.min_amount)
        and (filters.max_amount is None or sold <= filters.max_amount)
        and (filters.since is None or received_at >= filters.since)
        and (filters.until is None or received_at < filters.until)
        and all(word_matches(event, word) for word in filters.words)
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


def test_a_page_has_the_newest_events_first_and_unchanged(filled: StoreReader) -> None:
    page = filled.page(Filter(), None, 200)
    assert page.messages == NEWEST_FIRST[:200]
    assert page.next == position(NEWEST_FIRST[199])


def test_pages_reach_the_oldest_event_and_the_last_one_has_no_next(filled: StoreReader) -> None:
    assert find(filled) == NEWEST_FIRST
    assert filled.page(Filter(), position(NEWEST_FIRST[-4]), 3) == (NEWEST_FIRST[-3:], None)
    assert filled.page(Filter(), position(NEWEST_FIRST[-1]), 3) == ([], None)


TIMES = st.sampled_from(sorted({position(event).received_at for event in EVENTS}))
FILTERS = st.builds(
    Filter,
    equal=st.fixed_dictionaries(
        {},
        optional={
            "currency_from": st.sampled_from(CURRENCIES),
            "currency_to": st.sampled_from(CURRENCIES),
            "originating_country": st.sampled_from((*COUNTRIES, "XK")),
            "user_id": st.sampled_from(USERS),
        },
    ),
    flag=st.none() | st.sampled_from(("rate-mismatch", "other", "mismatch", "Other", "%", "rate")),
    min_amount=st.none() | st.sampled_from([Decimal(amount) for amount in AMOUNTS]),
    max_amount=st.none() | st.decimals(0, 10**18, places=3) | st.sampled_from([Decimal(amount) for amount in AMOUNTS]),
    words=st.lists(
        st.sampled_from(("eur", "GBP", "fr", "anne", "%", "_", "1342", "Other", "Mismatch", EVENTS[7].id[:2])),
        max_size=2,
    ).map(tuple),
    since=st.none() | TIMES,
    until=st.none() | TIMES,
)


@pytest.mark.timeout(600)  # up to 17,000 queries
@given(filters=FILTERS, limit=st.sampled_from((1, 40, 1000)), rows_max=st.sampled_from((1, 30, 10_000)))
@settings(max_examples=150, deadline=None)
def test_pages_have_each_event_that_matches_the_filter_once(
    filled: StoreReader, filters: Filter, limit: int, rows_max: int
) -> None:
    if rows_max == 1 or limit == 1:  # a page for each row: the newest 200 events are enough
        filters = filters._replace(since=position(EVENTS[-200]).received_at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_messages, "ROWS_MAX", rows_max)
        all_pages = list(pages(filled, filters, limit))
    assert all(len(page) <= limit for page in all_pages)
    expected = [event for event in NEWEST_FIRST if matches(event, filters)]
    assert [event for page in all_pages for event in page] == expected


@pytest.mark.usefixtures("few_rows")
def test_a_page_that_reaches_its_row_limit_continues_below_it(filled: StoreReader) -> None:
    assert filled.page(Filter(words=("nobody",)), None, 100) == ([], position(NEWEST_FIRST[9]))
    assert list(pages(filled, Filter(words=("nobody",), since=position(EVENTS[-25]).received_at), 100)) == [[], [], []]


def test_events_that_arrive_between_two_pages_do_not_change_the_second(store_url: str) -> None:
    save(store_url, [make_event(number, number) for number in range(10)])
    with closing(StoreReader(store_url)) as reader:
        first = reader.page(Filter(), None, 5)
        save(store_url, [make_event(number, number) for number in range(10, 20)])
        second = reader.page(Filter(), first.next, 5)
    assert [UUID(event.id).int for event in first.messages + second.messages] == [*range(9, -1, -1)]


def test_amounts_are_compared_exactly(filled: StoreReader) -> None:
    def amounts(**filters: Any) -> set[str]:
        return {event.amount_sell for event in find(filled, **filters)}

    largest = "999999999999999999.999999999999"
    assert amounts(min_amount=Decimal(largest)) == {largest}
    assert amounts(min_amount=Decimal("747.1"), max_amount=Decimal("747.10")) == {"747.1", "747.10"}
    assert amounts(min_amount=Decimal("747.1000000000001"), max_amount=Decimal("747.2")) == {"747.100000000001"}
    assert amounts(max_amount=Decimal("1E-12")) == {"0.000000000001"}
    assert amounts(min_amount=Decimal("1E+17"), max_amount=Decimal("1E+17")) == {"100000000000000000"}
    assert amounts(max_amount=Decimal(0)) == set()


def test_users_of_one_group_are_distinguished(store_url: str) -> None:
    users = [user for user in map(str, range(1000)) if user_group(user) == user_group("0")]
    assert len(users) > 1
    save(store_url, [make_event(number, number, user_id=user) for number, user in enumerate(users)])
    with closing(StoreReader(store_url)) as reader:
        assert [[event.user_id for event in find(reader, equal={"user_id": user})] for user in users] == [
            [user] for user in users
        ]


@pytest.mark.parametrize(("word", "users"), [("%", {"%"}), ("_", {"_nne"}), ("a\\", {"a\\b'"}), ("a\\b'", {"a\\b'"})])
def test_special_characters_in_a_word_are_not_a_pattern(filled: StoreReader, word: str, users: set[str]) -> None:
    assert {event.user_id for event in find(filled, words=(word,))} == users


def test_a_word_in_upper_case_matches_the_start_of_an_id(filled: StoreReader) -> None:
    assert find(filled, words=(EVENTS[3].id[:13].upper(),)) == [EVENTS[3]]


@pytest.mark.parametrize(
    ("word", "users"),
    [
        ("anne", {"Anne"}),
        ("ANNE", {"Anne"}),
        ("éa", set()),
        ("ÉA", {"ÉA"}),
        ("ä", {"ä"}),
        ("STRASSE", set()),
        ("i", set()),
        ("k", set()),
        ("\N{LATIN SMALL LETTER LONG S}", set()),
        ("œ", {"œ-1"}),
        ("Œ", set()),
    ],
)
def test_only_the_case_of_ascii_letters_is_ignored(store_url: str, word: str, users: set[str]) -> None:
    stored = ["Anne", "ÉA", "ä", "Straße", "İx", "\N{KELVIN SIGN}1", "S1", "œ-1"]
    save(store_url, [make_event(number, number, user_id=user) for number, user in enumerate(stored)])
    with closing(StoreReader(store_url)) as reader:
        assert {event.user_id for event in find(reader, words=(word,))} == users


def test_a_word_is_a_code_or_a_flag_only_if_ascii_letters_alone_differ(store_url: str) -> None:
    save(store_url, [make_event(1, currency_from="SEK", flags=["weekend"])])
    with closing(StoreReader(store_url)) as reader:
        assert len(find(reader, words=("sek", "WEEKEND"))) == 1
        assert find(reader, words=("\N{LATIN SMALL LETTER LONG S}ek",)) == []
        assert find(reader, words=("wee\N{KELVIN SIGN}end",)) == []


# ---- other orders


def test_pages_can_begin_with_the_oldest_event(filled: StoreReader) -> None:
    first = filled.page(Filter(), None, 1000, oldest_first=True)
    second = filled.page(Filter(), first.next, 1000, oldest_first=True)
    assert first.messages + second.messages == EVENTS
    assert second.next is None


@given(filters=FILTERS, limit=st.sampled_from((7, 1000)), rows_max=st.sampled_from((30, 10_000)))
@settings(max_examples=60, deadline=None)
def test_pages_from_the_oldest_event_have_each_event_that_matches_once(
    filled: StoreReader, filters: Filter, limit: int, rows_max: int
) -> None:
    found: list[TradeEvent] = []
    after: Position | None = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_messages, "ROWS_MAX", rows_max)
        while True:
            page = filled.page(filters, after, limit, oldest_first=True)
            found += page.messages
            if page.next is None:
                break
            assert after is None or page.next > after
            after = page.next
    assert found == [event for event in EVENTS if matches(event, filters)]


def in_order(events: Sequence[TradeEvent], sort: Sort) -> list[TradeEvent]:
    """Sort events without a database."""

    def key(event: TradeEvent) -> Any:
        value = getattr(event, sort.field)
        return (Decimal(value)) if sort.field in {"amount_sell", "amount_buy", "rate"} else value.encode()

    newest_first = sorted(events, key=position, reverse=True)
    return sorted(newest_first, key=key, reverse=sort.is_descending)


def values(events: Sequence[TradeEvent], sort: Sort) -> list[Decimal | str]:
    """Return what events are sorted by. SQLite orders equal amounts that are written differently, such as 1 and 1.0."""
    is_amount = sort.field in {"amount_sell", "amount_buy", "rate"}
    return [Decimal(value) if is_amount else value for value in (getattr(event, sort.field) for event in events)]


@given(
    filters=FILTERS,
    sort=st.builds(Sort, st.sampled_from([field.name for field in REQUIRED]), st.booleans()),
    limit=st.sampled_from((7, 1000)),
    rows_max=st.sampled_from((30, 100_000)),
)
@settings(max_examples=100, deadline=None)
def test_sorted_pages_have_each_event_that_matches_once_and_in_order(
    filled: StoreReader, filters: Filter, sort: Sort, limit: int, rows_max: int
) -> None:
    found: list[TradeEvent] = []
    after: SortedPosition | None = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "ROWS_MAX", rows_max)
        while True:
            page = filled.sorted_page(filters, sort, after, limit)
            found += page.messages
            after = page.next
            if after is None:
                break
    if page.basis:
        filters = filters._replace(since=page.basis.since)
    expected = in_order([event for event in EVENTS if matches(event, filters)], sort)
    assert values(found, sort) == values(expected, sort)
    assert sorted(found, key=position) == sorted(expected, key=position)
    if sort.field not in {"amount_sell", "amount_buy", "rate"}:
        assert found == expected


# ---- exports


def test_an_export_has_all_matching_events_in_lists_of_bounded_size(
    filled: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_EXPORT_PAGE", 400)
    lists = list(filled.export(Filter(), None))
    assert [len(events) for events in lists] == [400, 400, 400, 300]
    assert [event for events in lists for event in events] == NEWEST_FIRST


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("limit", [None, 1, 30, 31, 5000])
def test_an_export_with_a_limit_has_the_newest_events(filled: StoreReader, limit: int | None) -> None:
    lists = list(filled.export(Filter({"originating_country": "FR"}, flag="other"), limit))
    expected = [event for event in NEWEST_FIRST if event.originating_country == "FR" and "other" in event.flags]
    assert [event for events in lists for event in events] == expected[:limit]


@pytest.mark.usefixtures("few_rows")
def test_an_export_without_matches_regularly_yields_empty_lists(filled: StoreReader) -> None:
    lists = list(filled.export(Filter(words=("nothing-has-this",)), None))
    assert len(lists) > 10
    assert not any(lists)


def test_a_paused_export_holds_no_transaction_open(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, EVENTS[:1000])
    with closing(StoreReader(url)) as reader, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_EXPORT_PAGE", 10)
        export = reader.export(Filter(), None)
        next(export)
        save(url, EVENTS[1000:])
        with closing(sqlite3.connect(home / "store.db")) as other:
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert busy == 0, "no reader blocks the checkpoint"
        assert next(export) == EVENTS[980:990][::-1]


# ---- traces and counters


def test_a_trace_has_the_event_and_all_its_receipts(store_url: str) -> None:
    times = [format_time(START + timedelta(seconds=seconds)) for seconds in range(4)]
    receipts = [
        Receipt("shown", times[3], [make_event(1).id], browsers=3),
        Receipt("dead-lettered", times[1], [make_event(1).id], tube="archive", reason="why"),
        Receipt("expired", times[2], [make_event(2).id], reason="age"),
    ]
    before = to_microseconds(datetime.now(UTC))
    save(store_url, [make_event(1)], receipts)
    start = to_microseconds(START)
    with closing(StoreReader(store_url)) as reader:
        trace = reader.trace(make_event(1).id)
        assert trace
        assert trace.message == make_event(1)
        assert trace.archived_at
        assert before <= trace.archived_at <= to_microseconds(datetime.now(UTC))
        assert trace.receipts == [
            ReceiptView("dead-lettered", "archive", start + SECOND, 0, "why"),
            ReceiptView("shown", "live", start + 3 * SECOND, 3, ""),
        ]
        assert reader.trace(make_event(2).id) == Trace(
            None, None, [ReceiptView("expired", "live", start + 2 * SECOND, 0, "age")], []
        )
        assert reader.trace(make_event(3).id) is None


def test_an_invalid_id_has_no_trace(filled: StoreReader) -> None:
    for text in ("", "x", EVENTS[0].id.upper(), EVENTS[0].id + "\n", "\0"):
        assert filled.trace(text) is None


def test_counters_are_separate_for_each_stack(filled: StoreReader) -> None:
    assert filled.counters("one") == {"archived": len(EVENTS)}
    assert filled.counters("two") == {}


# ---- statistics


def count(events: Sequence[TradeEvent]) -> Count:
    return Count(len(events), sum(bool(event.flags) for event in events))


def money(events: Sequence[TradeEvent]) -> Money:
    rates = [Decimal(event.rate) for event in events]
    with localcontext(prec=60):
        sold = sum((Decimal(event.amount_sell) for event in events), Decimal(0))
        bought = sum((Decimal(event.amount_buy) for event in events), Decimal(0))
    return Money(sold, bought, rates[0], max(rates), min(rates), rates[-1])


def assert_matches_recount(stats: Stats, filters: Filter) -> None:
    """Compare statistics with a recount of the saved events."""
    since = stats.basis.since if stats.basis else stats.since
    counted = [event for event in EVENTS if matches(event, filters._replace(since=since, until=stats.until))]
    pairs: dict[tuple[str, str], list[TradeEvent]] = {}
    countries: dict[str, list[TradeEvent]] = {}
    steps: dict[int, list[TradeEvent]] = {}
    for event in counted:
        pairs.setdefault((event.currency_from, event.currency_to), []).append(event)
        countries.setdefault(event.originating_country, []).append(event)
        second = position(event).received_at // SECOND
        steps.setdefault(second - second % stats.step, []).append(event)
    is_of_pair = {"currency_from", "currency_to"} <= filters.equal.keys()
    assert stats.total == count(counted)
    assert stats.pairs == sorted(
        ((*key, count(group), money(group)) for key, group in pairs.items()),
        key=lambda row: (-row[2].messages, row[:2]),
    )
    assert stats.countries == sorted(
        ((key, count(group)) for key, group in countries.items()), key=lambda row: (-row[1].messages, row[0])
    )
    assert stats.series == [
        (start, count(group), money(group) if is_of_pair else None) for start, group in sorted(steps.items())
    ]


FOUR_WEEKS = 28 * 86_400
FIRST, LAST = int(START.timestamp()), int(END.timestamp())
ALL_THE_TIME = Filter(since=FIRST * SECOND, until=(LAST + 1) * SECOND)  # the last event is within this second
WINDOWS = {
    "before the first event": (FIRST - 7200, FIRST - 60),
    "after the last event": (LAST + 60, LAST + 7200),
    "minutes within an hour": (FIRST + 3600 + 61, FIRST + 3600 + 1799),
    "across the end of an hour": (FIRST + 3000, FIRST + 4100),
    "hours and minutes": (FIRST + 1801, FIRST + 40_000),
    "across the end of a day": (FIRST + 30_001, FIRST + 30_000 + 86_400),
    "days and hours": (FIRST + 3601, FIRST + 200_000),
    "up to the newest event": (LAST - 86_400, LAST + 1),
    "hours up to the newest event": (LAST - 2 * 86_400, LAST + 60),
    "only days": (FIRST - 70 * 86_400, LAST + 1),
    "only days, without the newest events": (FIRST - 70 * 86_400, LAST - 86_400),
    "a part of four weeks": (FIRST - FIRST % FOUR_WEEKS, LAST + FOUR_WEEKS),
    "four weeks and days": (FIRST - FIRST % FOUR_WEEKS - 3 * 86_400 + 11, LAST - 3600),
}


SELECTIONS = {
    "all": {},
    "a country": {"originating_country": "GB"},
    "a country without events": {"originating_country": "XK"},
    "a currency sold": {"currency_from": "EUR"},
    "a currency bought": {"currency_to": "GBP"},
    "a currency sold, and a country": {"currency_from": "EUR", "originating_country": "GB"},
    "a currency bought, and a country": {"currency_to": "GBP", "originating_country": "GB"},
    "a pair": {"currency_from": "EUR", "currency_to": "GBP"},
    "a pair without events": {"currency_from": "EUR", "currency_to": "SEK"},
    "a pair and a country": {"currency_from": "EUR", "currency_to": "GBP", "originating_country": "GB"},
    "a user": {"user_id": "134259"},
}


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("window", WINDOWS)
def test_statistics_of_a_time_range_match_a_recount(filled: StoreReader, window: str, selection: str) -> None:
    since, until = (seconds * SECOND for seconds in WINDOWS[window])
    filters = Filter(SELECTIONS[selection], since=since, until=until)
    stats = filled.stats(filters)
    assert (stats.since, stats.until, stats.basis) == (since, until, None)
    assert_matches_recount(stats, filters)


@given(filters=FILTERS, rows_max=st.sampled_from((1, 30, 100_000)))
@settings(max_examples=200, deadline=None)
def test_statistics_of_random_filters_match_a_recount(filled: StoreReader, filters: Filter, rows_max: int) -> None:
    if filters.since is not None and filters.until is not None and filters.since >= filters.until:
        filters = filters._replace(until=filters.since + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "ROWS_MAX", rows_max)
        stats = filled.stats(filters)
    assert_matches_recount(stats, filters)


@given(since=st.integers(FIRST - 4000, LAST + 4000), micros=st.integers(1, 300_000 * SECOND))
@settings(max_examples=60, deadline=None)
def test_statistics_of_random_times_match_a_recount(filled: StoreReader, since: int, micros: int) -> None:
    filters = Filter(since=since * SECOND + micros % 7, until=since * SECOND + micros % 7 + micros)
    stats = filled.stats(filters)
    assert (stats.since, stats.until, stats.basis) == (filters.since, filters.until, None)
    assert_matches_recount(stats, filters)


def test_statistics_without_a_range_count_all_events(filled: StoreReader) -> None:
    assert filled.stats(Filter()).total == count(EVENTS)
    assert filled.stats(Filter(until=position(EVENTS[700]).received_at + 1)).total.messages >= 700


def test_statistics_of_too_many_events_count_the_newest_and_say_so(
    filled: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "ROWS_MAX", 100)
    filters = Filter(words=("eur",), since=position(EVENTS[0]).received_at)
    stats = filled.stats(filters)
    assert stats.basis
    read = [event for event in EVENTS if position(event).received_at >= stats.basis.since]
    assert 98 <= len(read) == stats.basis.newest <= 100, "three events have the same time"
    assert 0 < stats.total.messages < len(read)
    assert_matches_recount(stats, filters)


@pytest.mark.parametrize("limit", ["ROWS_MAX", "ENTRIES_MAX"])
def test_statistics_of_a_busy_user_count_the_newest_of_the_users_events(
    filled: StoreReader, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(conditions, limit, 50)
    filters = Filter({"user_id": "134259"})
    stats = filled.stats(filters)
    assert stats.basis
    assert stats.basis.newest == stats.total.messages <= 50
    assert_matches_recount(stats, filters)


@pytest.mark.parametrize(
    ("seconds", "step"),
    [(60, 60), (86_400, 60), (90_000, 60), (90_060, 3600), (62 * 86_400, 3600), (63 * 86_400, 86_400)],
)
def test_a_series_has_the_finest_step_within_the_limit_on_its_length(
    filled: StoreReader, seconds: int, step: int
) -> None:
    assert step_seconds((LAST - seconds) * SECOND, LAST * SECOND) == step
    if LAST - seconds >= FIRST:
        assert filled.stats(Filter(since=(LAST - seconds) * SECOND, until=LAST * SECOND)).step == step


@pytest.mark.parametrize("days", [4, 63, 3650])
def test_the_step_suits_the_part_of_the_range_since_the_first_event(filled: StoreReader, days: int) -> None:
    filters = Filter(since=(LAST - days * 86_400) * SECOND, until=LAST * SECOND)
    stats = filled.stats(filters)
    assert (stats.step, len(stats.series)) == (3600, 73)
    assert_matches_recount(stats, filters)


@pytest.mark.parametrize(
    ("days", "step", "steps"), [(1, 60, 8), (2, 3600, 16), (62, 3600, 496), (63, 86_400, 64), (400, 86_400, 401)]
)
def test_the_series_of_all_time_has_enough_steps_at_any_age_of_the_archive(
    home: Path, days: int, step: int, steps: int
) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, [make_event(number, number * 3600) for number in range(0, days * 24, 3)])
    with closing(StoreReader(url)) as reader:
        stats = reader.stats(Filter())
    assert (stats.since, stats.step, len(stats.series)) == (0, step, steps)


def test_an_archive_without_events_has_a_step_too(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, [])
    with closing(StoreReader(url)) as reader:
        assert reader.stats(Filter(since=0, until=LAST * SECOND)).step == step_seconds(0, LAST * SECOND)


def test_only_the_busiest_of_many_pairs_are_listed(filled: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = filled.stats(ALL_THE_TIME)
    assert (len(complete.pairs) > 2, complete.more_pairs) == (True, 0)
    monkeypatch.setattr(sums, "PAIRS_MAX", 2)
    limited = filled.stats(ALL_THE_TIME)
    assert (limited.pairs, limited.more_pairs) == (complete.pairs[:2], len(complete.pairs) - 2)
    assert limited.total == complete.total


# ---- query plans


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Return the list of executed statements with their parameters. It grows during the test."""
    executed: list[tuple[str, Any]] = []

    def record(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        executed.append((statement, parameters))

    sqlalchemy_event.listen(Engine, "before_cursor_execute", record)
    yield executed
    sqlalchemy_event.remove(Engine, "before_cursor_execute", record)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filter({"user_id": "1", "currency_from": "EUR"}), "INDEX events_by_user_group"),
        (Filter({"currency_from": "EUR", "currency_to": "GBP", "originating_country": "GB"}), "INDEX events_by_from"),
        (Filter({"currency_to": "GBP", "originating_country": "GB"}, flag="x"), "INDEX events_by_to"),
        (Filter({"originating_country": "GB"}, words=("eur",)), "INDEX events_by_country"),
        (Filter(flag="x", min_amount=Decimal(1)), "INDEX events_flagged"),
        (Filter(words=("eur",), max_amount=Decimal(1), since=1), "INDEX events_by_time"),
    ],
)
def test_a_page_reads_one_index_in_descending_order(
    home: Path, statements: list[tuple[str, Any]], filters: Filter, index: str
) -> None:
    url = f"sqlite:///{home}/store.db"
    fields = {"user_id": "1", "currency_from": "EUR", "currency_to": "GBP", "originating_country": "GB", "flags": ["x"]}
    save(url, [make_event(number, number, **fields) for number in range(20)])
    with closing(StoreReader(url)) as reader:
        statements.clear()
        reader.page(filters, Position(2**60, EVENTS[0].id), 10)
    floor, page = plans(home / "store.db", statements)
    for (step,) in (floor, page):
        assert f"{index} (" in step
        assert "(received_at,id)<(?,?)" in step
    assert "(received_at,id)>(?,?)" in page[0]


STATISTICS_INDEXES = {
    "all": "PRIMARY KEY",
    "a country": "INDEX stats_by_country",
    "a currency sold": "PRIMARY KEY",
    "a currency bought": "INDEX stats_by_currency_to",
    "a currency sold, and a country": "PRIMARY KEY",
    "a currency bought, and a country": "COVERING INDEX stats_by_country",
    "a pair": "PRIMARY KEY",
    "a pair and a country": "PRIMARY KEY",
}


@pytest.mark.parametrize("selection", STATISTICS_INDEXES)
def test_statistics_read_only_buckets_of_their_time_range(
    home: Path, statements: list[tuple[str, Any]], selection: str
) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, EVENTS[:10])
    with closing(StoreReader(url)) as reader:
        statements.clear()
        reader.stats(ALL_THE_TIME._replace(equal=SELECTIONS[selection]))
    steps = [step for plan in plans(home / "store.db", statements) for step in plan]
    steps.remove("SCAN retention")  # a single row
    newest_minute, oldest_minute, oldest_hour, *searches = [
        step for step in steps if step.startswith(("SCAN", "SEARCH"))
    ]
    for extreme in (newest_minute, oldest_minute, oldest_hour):
        assert "PRIMARY KEY (kind=? AND width=?)" in extreme  # max() and min() read a single row
    assert searches
    assert all("width=? AND start" in step for step in searches)
    assert any(STATISTICS_INDEXES[selection] in step for step in searches)
    if STATISTICS_INDEXES[selection] == "INDEX stats_by_currency_to":
        assert not any("stats USING PRIMARY KEY (kind=? AND width=? AND start>" in step for step in searches)


OLDER_BUCKETS = """
    WITH times AS (
        SELECT width, 1767262020 / width * width - number * width AS start
        FROM generate_series(5, 1000) AS number, unnest(ARRAY[60, 3600, 86400]) AS width
    ), pairs AS (
        SELECT currency_from, currency_to
        FROM unnest(ARRAY['EUR', 'GBP', 'USD', 'JPY']) AS currency_from,
            unnest(ARRAY['EUR', 'GBP', 'USD']) AS currency_to
        WHERE currency_from != currency_to
    ), buckets AS (
        SELECT 'all', *, '', '', '' FROM times
        UNION ALL SELECT 'country', times.*, '', '', country FROM times, unnest(ARRAY['GB', 'FR']) AS country
        UNION ALL SELECT 'pair', times.*, pairs.*, '' FROM times, pairs
        UNION ALL SELECT 'both', times.*, pairs.*, country FROM times, pairs, unnest(ARRAY['GB', 'FR']) AS country
    )
    INSERT INTO stats (kind, width, start, currency_from, currency_to, country, count, flagged)
    SELECT *, 1, 0 FROM buckets;
    ANALYZE stats
"""
"""Adds buckets before the first event, which is at 1767262020. With a few rows, PostgreSQL would use no index."""


@pytest.mark.parametrize("selection", STATISTICS_INDEXES)
def test_statistics_in_postgresql_read_only_buckets_of_their_time_range(
    postgresql: Postgres, statements: list[tuple[str, Any]], selection: str
) -> None:
    url = postgresql.create_database()
    save(url, EVENTS[:10])
    with closing(StoreReader(url)) as reader:
        statements.clear()
        reader.stats(ALL_THE_TIME._replace(equal=SELECTIONS[selection]))
    ends = re.compile(r"(min|max)\(stats\.start\)")  # they read one row
    of_range = [each for each in statements if "FROM stats" in each[0] and not ends.search(each[0])]
    assert of_range
    with psycopg.connect(url, autocommit=True) as connection:
        for each in OLDER_BUCKETS.split(";"):
            connection.execute(each)
        plans = [str(connection.execute(f"EXPLAIN {each}", values).fetchall()) for each, values in of_range]
    conditions = re.findall(r"Index Cond: ([^,]*)", "\n".join(plans))
    assert conditions
    assert [each for each in conditions if not re.search(r"start (= ANY|>=)", each)] == []
    assert not re.search(r"Seq Scan|start = overall", "\n".join(plans))


def plans(file: Path, statements: Sequence[tuple[str, Any]]) -> Iterator[list[str]]:
    """Return SQLite's query plan for each SELECT statement."""
    with closing(sqlite3.connect(file)) as connection:
        for statement, parameters in statements:
            if statement.startswith("SELECT"):
                yield [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def test_several_threads_can_read_at_once(filled: StoreReader) -> None:
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(len(find(filled)))) for _ in range(engine.READERS_MAX * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [len(EVENTS)] * len(threads)


# ---- an unavailable store


def every_call(reader: StoreReader) -> Iterator[Any]:
    yield reader.check
    yield lambda: reader.page(Filter(), None, 10)
    yield lambda: list(reader.export(Filter(), None))
    yield lambda: reader.trace(EVENTS[0].id)
    yield lambda: reader.stats(ALL_THE_TIME)
    yield lambda: reader.counters("one")


def assert_unavailable(reader: StoreReader) -> None:
    for call in every_call(reader):
        with pytest.raises(StoreUnavailable):
            call()


def test_a_store_without_a_schema_is_unavailable_until_it_is_migrated(store_url: str) -> None:
    with closing(StoreReader(store_url)) as reader:
        assert_unavailable(reader)
        save(store_url, EVENTS[:1])
        for call in every_call(reader):
            call()


def test_reading_creates_no_file(home: Path) -> None:
    with closing(StoreReader(f"sqlite:///{home}/store.db")) as reader:
        assert_unavailable(reader)
    assert not (home / "store.db").exists()


def test_a_deleted_file_is_unavailable_and_its_replacement_is_read(home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    save(url, EVENTS[:1])
    save(f"sqlite:///{home}/other.db", EVENTS[1:3])
    with closing(StoreReader(url)) as reader:
        assert len(find(reader)) == 1
        (home / "store.db").unlink()
        assert_unavailable(reader)
        (home / "other.db").rename(home / "store.db")
        assert len(find(reader)) == 2


def test_a_locked_store_is_unavailable_until_it_is_released(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_SECONDS", 1)
    save(store_url, EVENTS[:1])
    with closing(StoreReader(store_url)) as reader:
        with closing(lock(store_url)), pytest.raises(StoreUnavailable):
            reader.check()
        reader.check()


def lock(url: str) -> sqlite3.Connection | psycopg.Connection:
    """Lock the store exclusively, as manual maintenance may. Closing the connection releases the lock."""
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


def test_a_restarted_server_is_read_again(home: Path) -> None:
    with postgres(home) as server:
        url = server.create_database()
        save(url, EVENTS[:1])
        with closing(StoreReader(url)) as reader:
            reader.check()
            server.stop()
            assert_unavailable(reader)
            server.start()
            assert find(reader) == EVENTS[:1]
