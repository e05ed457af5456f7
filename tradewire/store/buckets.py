"""Statistics of a batch: which buckets a message falls into, and how buckets are merged in the database."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store.schema import stats

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    from tradewire.store.rows import Message

WIDTHS: Final = (60, 3600, 86400)
"""Seconds that a bucket may span."""
_EXACT: Final = Context(prec=100)
"""So wide that no sum of amounts is ever rounded."""
_SECOND: Final = 1_000_000


KEY: Final = ("kind", "width", "start", "currency_from", "currency_to", "country")
"""Which bucket: the key of a row of `stats`."""
_Key = tuple[str, int, int, str, str, str]


class _Counts:
    """What a batch adds to one bucket."""

    __slots__ = ("count", "flagged")

    def __init__(self, _first: Message) -> None:
        self.count = 0
        self.flagged = 0

    def add(self, message: Message) -> None:
        self.count += 1
        self.flagged += bool(message.flags)

    def values(self) -> tuple[Any, ...]:
        """Give the columns that follow the key."""
        return (self.count, self.flagged, *_NO_MONEY)


class _Money(_Counts):
    """What a batch adds to one bucket of a pair."""

    __slots__ = ("bought", "first", "high", "last", "low", "sold")

    def __init__(self, first: Message) -> None:
        super().__init__(first)
        self.sold = self.bought = Decimal(0)
        self.first = self.last = first
        self.high = self.low = first.rate

    def add(self, message: Message) -> None:
        super().add(message)
        self.sold = _EXACT.add(self.sold, message.amount_sell)
        self.bought = _EXACT.add(self.bought, message.amount_buy)
        self.high = max(self.high, message.rate)
        self.low = min(self.low, message.rate)
        if (message.received_at, message.id) < (self.first.received_at, self.first.id):
            self.first = message
        if (message.received_at, message.id) > (self.last.received_at, self.last.id):
            self.last = message

    def values(self) -> tuple[Any, ...]:
        first, last = self.first, self.last
        return (
            *(self.count, self.flagged, format(self.sold, "f"), format(self.bought, "f")),
            *(format(first.rate, "f"), first.received_at, first.id),
            *(format(self.high, "f"), format(self.low, "f")),
            *(format(last.rate, "f"), last.received_at, last.id),
        )


_NO_MONEY: Final = (None,) * 10
"""Euros and yen have no sum: without a pair there are counts alone."""


def rows(messages: Iterable[Message]) -> list[tuple[Any, ...]]:
    """Give what these messages, each new to the archive, add to `stats`: a row for each bucket."""
    buckets: dict[_Key, _Counts] = {}
    for message in messages:
        for key, kind in _keys(message):
            bucket = buckets.get(key)
            if bucket is None:
                bucket = buckets[key] = kind(message)
            bucket.add(message)
    # In the table's order: neighbours share a page.
    return [key + buckets[key].values() for key in sorted(buckets)]


def upsert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Give the statement that merges such rows with those that are there."""
    insert = sqlite.insert(stats) if dialect == "sqlite" else postgresql.insert(stats)
    add = func.exact_sum if dialect == "sqlite" else func.numeric_add
    greater = func.exact_max if dialect == "sqlite" else func.greatest
    lesser = func.exact_min if dialect == "sqlite" else func.least
    old, new = stats.c, insert.excluded
    is_first = tuple_(new.open_at, new.open_id) < tuple_(old.open_at, old.open_id)
    is_last = tuple_(new.close_at, new.close_id) > tuple_(old.close_at, old.close_id)
    return insert.on_conflict_do_update(
        index_elements=KEY,
        set_={
            "count": old["count"] + new["count"],
            "flagged": old.flagged + new.flagged,
            "sold": add(old.sold, new.sold),
            "bought": add(old.bought, new.bought),
            "high": greater(old.high, new.high),
            "low": lesser(old.low, new.low),
            **{name: case((is_first, new[name]), else_=old[name]) for name in ("open", "open_at", "open_id")},
            **{name: case((is_last, new[name]), else_=old[name]) for name in ("close", "close_at", "close_id")},
        },
    )


def teach(connection: sqlite3.Connection) -> None:
    """Teach SQLite exact arithmetic: its own numbers are floats."""
    connection.create_function("exact_sum", 2, _on_decimals(_EXACT.add), deterministic=True)
    connection.create_function("exact_max", 2, _on_decimals(max), deterministic=True)
    connection.create_function("exact_min", 2, _on_decimals(min), deterministic=True)


def _on_decimals(call: Callable[[Decimal, Decimal], Decimal]) -> Callable[[str | None, str | None], str | None]:
    def on_texts(a: str | None, b: str | None) -> str | None:
        if a is None or b is None:  # a bucket without money
            return None
        return format(call(Decimal(a), Decimal(b)), "f")

    return on_texts


def _keys(message: Message) -> Iterator[tuple[_Key, type[_Counts]]]:
    sold, bought, country = message.currency_from, message.currency_to, message.country
    second = message.received_at // _SECOND
    for width in WIDTHS:
        start = second - second % width
        yield ("all", width, start, "", "", ""), _Counts
        yield ("country", width, start, "", "", country), _Counts
        yield ("pair", width, start, sold, bought, ""), _Money
        yield ("both", width, start, sold, bought, country), _Money
