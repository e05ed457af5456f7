"""How messages are found: by one index from the newest down, and by rows that are looked at, which are bounded."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, and_, cast, func, literal_column, or_, select, tuple_

from tradewire.event import TradeEvent, format_time, from_microseconds
from tradewire.store.exact import comparable
from tradewire.store.rows import user_group
from tradewire.store.schema import events, receipts
from tradewire.store.views import Page, Position, ReceiptView, Trace
from tradewire.trade import FRACTION_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from sqlalchemy import ColumnElement, Connection

    from tradewire.store.views import Filter

ROWS_MAX: Final = 10_000
"""Rows that one page may look at: ten or twenty milliseconds."""
ENTRIES_MAX: Final = 100_000
"""Entries of an index that one page may look at, where the index tells which rows it needs: as long."""

_LEAST_ID: Final = "00000000-0000-0000-0000-000000000000"
_GREATEST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_columns: Final = events.c
_place: Final = tuple_(_columns.received_at, _columns.id)
_downward: Final = (_columns.received_at.desc(), _columns.id.desc())
_event_columns: Final = (
    _columns.id,
    _columns.received_at,
    _columns.user_id,
    _columns.currency_from,
    _columns.currency_to,
    # Python would write small numbers with an exponent.
    cast(_columns.amount_sell, Text),
    cast(_columns.amount_buy, Text),
    cast(_columns.rate, Text),
    _columns.time_placed,
    _columns.country,
    _columns.flags,
)
_comparable: Final = comparable(_columns.amount_sell, "sqlite")
"""That 1, 1.0 and 1.00 are the same amount is left to the other side: it is written as the first of them to be the
least, and with more zeros than any amount has to be the most."""


def page(connection: Connection, wanted: Filter, after: Position | None, limit: int) -> Page:
    """Give one page; see StoreReader.page."""
    leading, others = _split(wanted, connection.dialect.name)
    lower = Position(wanted.since, _LEAST_ID) if wanted.since is not None else None
    upper = Position(wanted.until, _LEAST_ID) if wanted.until is not None else None
    if after:
        upper = min(after, upper or after)
    in_index_alone = len(others) == 1 and wanted.user is not None
    rows_max = ENTRIES_MAX if in_index_alone else ROWS_MAX
    floor = _floor(connection, [*leading, *_between(lower, upper)], rows_max) if others else None
    conditions = (*leading, *_between(floor or lower, upper), *others)
    rows = connection.execute(select(*_event_columns).where(*conditions).order_by(*_downward).limit(limit + 1)).all()
    if len(rows) > limit:
        return Page(_events(rows[:limit]), Position(rows[limit - 1].received_at, rows[limit - 1].id))
    return Page(_events(rows), floor)


def trace(connection: Connection, message_id: str) -> Trace | None:
    """Give all that is known of one message; None where nothing is."""
    if not _UUID.fullmatch(message_id):
        return None
    found = connection.execute(
        select(*_event_columns, _columns.archived_at).where(_columns.id == message_id)
    ).one_or_none()
    found_receipts = connection.execute(
        select(receipts.c.kind, receipts.c.tube, receipts.c.at, receipts.c.browsers, receipts.c.reason)
        .where(receipts.c.id == message_id)
        .order_by(receipts.c.at, receipts.c.tube, receipts.c.kind)
    ).all()
    if not found and not found_receipts:
        return None
    message, archived_at = (_events([found[:-1]])[0], found.archived_at) if found else (None, None)
    return Trace(message, archived_at, [ReceiptView(*row) for row in found_receipts])


def _events(rows: Any) -> list[TradeEvent]:
    return [
        TradeEvent(
            id_,
            _timestamp(received_at),
            user,
            sold,
            bought,
            amount_sell,
            amount_buy,
            rate,
            placed,
            country,
            flags.split(",") if flags else [],
        )
        for id_, received_at, user, sold, bought, amount_sell, amount_buy, rate, placed, country, flags in rows
    ]


@lru_cache(maxsize=1024)  # messages that were posted together share theirs
def _timestamp(received_at: int) -> str:
    return format_time(from_microseconds(received_at))


def _split(wanted: Filter, dialect: str) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Give the condition that one index serves, and those that the rows found by it are held against."""
    group = None if wanted.user is None else user_group(wanted.user)
    columns = (_columns.user_group, _columns.currency_from, _columns.currency_to, _columns.country)
    values = (group, wanted.currency_from, wanted.currency_to, wanted.country)
    equal = [(column, value) for column, value in zip(columns, values, strict=True) if value is not None]
    leading = [column == value for column, value in equal[:1]]
    # Without the concatenation the database might choose another index, and read as many rows as there are.
    others = [column.concat("") == value for column, value in equal[1:]]
    if wanted.user is not None:
        others.append(_columns.user_id == wanted.user)
    if wanted.flag is not None:
        leading = leading or [_columns.flags != literal_column("''")]  # as written in the index
        others.append(_is_flagged(wanted.flag))
    others += [_matches(word) for word in wanted.words]
    if wanted.least is not None:
        others.append(_at_least(wanted.least, dialect))
    if wanted.most is not None:
        others.append(_at_most(wanted.most, dialect))
    return leading, others


def _between(lower: Position | None, upper: Position | None) -> Iterator[ColumnElement[bool]]:
    """Bound what is read: one bound a side, as an index takes no more."""
    if lower:
        yield _place >= lower
    if upper:
        yield _place < upper


def _floor(connection: Connection, in_reach: list[ColumnElement[bool]], rows_max: int) -> Position | None:
    """Give the place of the last row that a page may look at; None where it may look at all that are in reach."""
    statement = select(_columns.received_at, _columns.id).where(*in_reach).order_by(*_downward)
    row = connection.execute(statement.offset(rows_max - 1).limit(1)).one_or_none()
    return Position(*row) if row else None


def _matches(word: str) -> ColumnElement[bool]:
    """Hold a row against one word. Never by LIKE: what a stranger writes is no pattern."""
    code, lower = func.upper(word), func.lower(word)
    return or_(
        _columns.currency_from == code,
        _columns.currency_to == code,
        _columns.country == code,
        func.lower(func.substr(_columns.user_id, 1, len(word))) == lower,
        *_begins_id(word.lower()),
        and_(_columns.flags != "", _is_flagged(word.lower())),
    )


def _begins_id(word: str) -> Iterator[ColumnElement[bool]]:
    if _UUID.fullmatch(least := word + _LEAST_ID[len(word) :]):
        yield _columns.id.between(least, word + _GREATEST_ID[len(word) :])


def _is_flagged(flag: str) -> ColumnElement[bool]:
    marked = literal_column("','").concat(_columns.flags).concat(",")
    return func.replace(marked, f",{flag},", "") != marked


def _at_least(amount: Decimal, dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return _columns.amount_sell >= amount
    whole, fraction = _digits(amount)
    return _comparable >= (len(whole) + 1, f"{whole}.{fraction}".rstrip("0").rstrip("."))


def _at_most(amount: Decimal, dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return _columns.amount_sell <= amount
    whole, fraction = _digits(amount)
    return _comparable <= (len(whole) + 1, f"{whole}.{fraction:0<{FRACTION_DIGITS}}")


def _digits(amount: Decimal) -> tuple[str, str]:
    whole, _, fraction = format(amount, "f").partition(".")
    return whole, fraction
