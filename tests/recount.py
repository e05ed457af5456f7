"""An independent recount of the archive's statistics, from its rows and without the store's own code."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from tradewire.store import engine
from tradewire.store.schema import events, stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Row, Select, Table

Buckets = dict[tuple[Any, ...], tuple[Any, ...]]
"""By kind, width, start, pair and country: count and flagged. Pairs add sold, bought, open, high, low and close."""


def read_table(url: str, table: Table) -> list[Row[Any]]:
    """Return all rows of a table."""
    return _read(url, select(table))


def count_rows(url: str, table: Table) -> int:
    """Return how many rows a table has."""
    return int(_read(url, select(func.count()).select_from(table))[0][0])


def _read(url: str, query: Select[Any]) -> list[Row[Any]]:
    read_engine = engine.reader_engine(url)
    try:
        with engine.translate_errors(url), read_engine.begin() as connection:
            return list(connection.execute(query))
    finally:
        read_engine.dispose()


def stored_statistics(url: str) -> Buckets:
    """Return the statistics that the store holds."""
    return {
        (row.kind, row.width, row.start, row.currency_from, row.currency_to, row.country): (
            _messages(row),
            row.flagged,
            *(None if amount is None else Decimal(amount) for amount in _amounts(row)),
        )
        for row in read_table(url, stats)
    }


def _messages(row: Row[Any]) -> int:
    return int(row._mapping["count"])  # noqa: SLF001 - the documented way to read a column whose name is also a method


def _amounts(row: Row[Any]) -> tuple[Any, ...]:
    """Return the amounts and rates of a bucket. With one message, its row may have the rate as `open` only."""
    rates = (row.open, row.high, row.low, row.close)
    if _messages(row) == 1 and rates[1:] == (None, None, None):
        rates = (row.open,) * 4
    return row.sold, row.bought, *rates


def recounted_statistics(url: str) -> Buckets:
    """Return the statistics, recounted from the stored events."""
    groups: dict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
    ordered = sorted(read_table(url, events), key=lambda row: (row.received_at, row.id))
    newest = ordered[-1].received_at if ordered else 0
    for row in ordered:
        for key in _keys(row, _widths(row.received_at, newest)):
            groups[key].append(row)
    return {key: (*_count(group), *(_money(group) if key[3] else (None,) * 6)) for key, group in groups.items()}


def _widths(at: int, newest: int) -> tuple[int, ...]:
    """Return the widths of the buckets that have an event.

    The store adds a minute to its hour and day only when a newer minute begins, and a day to its four weeks only when a
    newer day begins.
    """
    second = 1_000_000
    if at // (60 * second) == newest // (60 * second):
        return (60,)
    is_newest_day = at // (86_400 * second) == newest // (86_400 * second)
    return (60, 3600, 86_400) if is_newest_day else (60, 3600, 86_400, 28 * 86_400)


def _keys(row: Row[Any], widths: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    for width in widths:
        start = row.received_at // 1_000_000 // width * width
        yield "all", width, start, "", "", ""
        yield "country", width, start, "", "", row.originating_country
        yield "pair", width, start, row.currency_from, row.currency_to, ""
        yield "both", width, start, row.currency_from, row.currency_to, row.originating_country


def _count(group: list[Row[Any]]) -> tuple[int, int]:
    return len(group), sum(row.flags != "" for row in group)


def _money(group: list[Row[Any]]) -> tuple[Decimal, ...]:
    rates = [Decimal(row.rate) for row in group]
    sold = _sum(Decimal(row.amount_sell) for row in group)
    bought = _sum(Decimal(row.amount_buy) for row in group)
    return sold, bought, rates[0], max(rates), min(rates), rates[-1]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(prec=60):
        return sum(amounts, Decimal(0))
