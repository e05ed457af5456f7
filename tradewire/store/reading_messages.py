"""Finds messages: one index gives the candidates, newest first, and the other conditions are checked on their rows.

The number of rows read for one page is bounded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, and_, cast, collate, func, literal_column, or_, select, tuple_

from tradewire.event import TradeEvent, format_time, from_microseconds
from tradewire.field_types import FRACTION_DIGITS
from tradewire.fields import FILTERS, OPTIONAL, REQUIRED
from tradewire.store.exact import comparable
from tradewire.store.rows import user_group
from tradewire.store.schema import events, receipts
from tradewire.store.views import Page, Position, ReceiptView, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from sqlalchemy import ColumnElement, Connection

    from tradewire.fields import Field
    from tradewire.store.views import Filter

ROWS_MAX: Final = 10_000
"""Rows read for one page. They take ten to twenty milliseconds."""
ENTRIES_MAX: Final = 100_000
"""Index entries read for one page, if the index alone tells which rows match. They take as long."""

_MIN_ID: Final = "00000000-0000-0000-0000-000000000000"
_MAX_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_TO_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_TO_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_columns: Final = events.c
_position: Final = tuple_(_columns.received_at, _columns.id)
_newest_first: Final = (_columns.received_at.desc(), _columns.id.desc())
_REQUIRED_COUNT: Final = len(REQUIRED)


def _selected(field: Field) -> ColumnElement[Any]:
    column = _columns[field.name]
    # Amounts as text, since Python would write small numbers with an exponent.
    return cast(column, Text) if field.type.kind == "amount" else column


_event_columns: Final = (
    _columns.id,
    _columns.received_at,
    *map(_selected, REQUIRED),
    _columns.flags,
    *map(_selected, OPTIONAL),
)
_comparable: Final = comparable(_columns.amount_sell, "sqlite")
"""Equal amounts such as 1, 1.0 and 1.00 differ here. So a lower bound is written in the shortest form, which is the
least of them, and an upper bound with all FRACTION_DIGITS, which is the greatest."""


def page(connection: Connection, filters: Filter, after: Position | None, limit: int) -> Page:
    """Return one page; see StoreReader.page."""
    indexed, others = _split(filters, connection.dialect.name)
    lower = Position(filters.since, _MIN_ID) if filters.since is not None else None
    upper = Position(filters.until, _MIN_ID) if filters.until is not None else None
    if after:
        upper = min(after, upper or after)
    index_suffices = len(others) == 1 and "user_id" in filters.equal
    rows_max = ENTRIES_MAX if index_suffices else ROWS_MAX
    floor = _floor(connection, [*indexed, *_between(lower, upper)], rows_max) if others else None
    conditions = (*indexed, *_between(floor or lower, upper), *others)
    rows = connection.execute(
        select(*_event_columns).where(*conditions).order_by(*_newest_first).limit(limit + 1)
    ).all()
    if len(rows) > limit:
        return Page(_events(rows[:limit]), Position(rows[limit - 1].received_at, rows[limit - 1].id))
    return Page(_events(rows), floor)


def trace(connection: Connection, message_id: str) -> Trace | None:
    """Return a message's trace; see StoreReader.trace."""
    if not _UUID.fullmatch(message_id):
        return None
    row = connection.execute(
        select(*_event_columns, _columns.archived_at).where(_columns.id == message_id)
    ).one_or_none()
    receipt_rows = connection.execute(
        select(receipts.c.kind, receipts.c.tube, receipts.c.at, receipts.c.browsers, receipts.c.reason)
        .where(receipts.c.id == message_id)
        .order_by(receipts.c.at, receipts.c.tube, receipts.c.kind)
    ).all()
    if not row and not receipt_rows:
        return None
    message, archived_at = (_events([row[:-1]])[0], row.archived_at) if row else (None, None)
    return Trace(message, archived_at, [ReceiptView(*receipt_row) for receipt_row in receipt_rows])


def _events(rows: Any) -> list[TradeEvent]:
    required, optional = slice(_REQUIRED_COUNT), slice(_REQUIRED_COUNT + 1, None)
    return [
        TradeEvent(
            id_,
            _timestamp(received_at),
            *values[required],
            flags.split(",") if (flags := values[_REQUIRED_COUNT]) else [],
            *values[optional],
        )
        for id_, received_at, *values in rows
    ]


@lru_cache(maxsize=1024)  # messages posted together have the same time of receipt
def _timestamp(received_at: int) -> str:
    return format_time(from_microseconds(received_at))


def _split(filters: Filter, dialect: str) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Return the condition that an index serves, if any, and the conditions to check on the rows it gives."""
    equal: list[tuple[ColumnElement[Any], Any]] = [
        (_columns[field.name], filters.equal[field.name])
        for field, _ in FILTERS
        if field.name in filters.equal and field.name != "user_id"
    ]
    user = filters.equal.get("user_id")
    if user is not None:
        equal.insert(0, (_columns.user_group, user_group(user)))
    indexed = [column == value for column, value in equal[:1]]
    # Without the concatenation, the database might choose another index, and read an unbounded number of rows.
    others = [column.concat("") == value for column, value in equal[1:]]
    if user is not None:
        others.append(_columns.user_id == user)
    if filters.flag is not None:
        indexed = indexed or [_columns.flags != literal_column("''")]  # the same expression as in the index
        others.append(_is_flagged(filters.flag))
    others += [_matches(word, dialect) for word in filters.words]
    if filters.min_amount is not None:
        others.append(_at_least(filters.min_amount, dialect))
    if filters.max_amount is not None:
        others.append(_at_most(filters.max_amount, dialect))
    return indexed, others


def _between(lower: Position | None, upper: Position | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for a range of positions. An index can use only one bound on each side."""
    if lower:
        yield _position >= lower
    if upper:
        yield _position < upper


def _floor(connection: Connection, conditions: list[ColumnElement[bool]], rows_max: int) -> Position | None:
    """Return the position of the last row that a page may read. None if it may read every row that qualifies."""
    statement = select(_columns.received_at, _columns.id).where(*conditions).order_by(*_newest_first)
    row = connection.execute(statement.offset(rows_max - 1).limit(1)).one_or_none()
    return Position(*row) if row else None


def _matches(word: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition for one word. It never uses LIKE, since a word may contain % and _.

    The case of ASCII letters is ignored, as in the page, and of no others.
    """
    code, lower = word.translate(_TO_UPPER), word.translate(_TO_LOWER)
    user: ColumnElement[str] = func.substr(_columns.user_id, 1, len(word))
    if dialect == "postgresql":
        user = collate(user, "C")  # with the database's own collation, other letters would lose their case, too
    return or_(
        _columns.currency_from == code,
        _columns.currency_to == code,
        _columns.originating_country == code,
        func.lower(user) == lower,
        *_id_begins_with(lower),
        and_(_columns.flags != "", _is_flagged(lower)),
    )


def _id_begins_with(prefix: str) -> Iterator[ColumnElement[bool]]:
    """Yield the condition for a prefix of an id. Yield nothing if no id begins with the text."""
    if _UUID.fullmatch(first := prefix + _MIN_ID[len(prefix) :]):
        yield _columns.id.between(first, prefix + _MAX_ID[len(prefix) :])


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
