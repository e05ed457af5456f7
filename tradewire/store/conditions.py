"""The SQL conditions of a filter on the table `events`: those that an index serves, and those checked on its rows."""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import and_, collate, func, literal_column, or_, select, tuple_

from tradewire.field_types import FRACTION_DIGITS
from tradewire.fields import FILTERS
from tradewire.store.exact import comparable
from tradewire.store.rows import user_group
from tradewire.store.schema import events
from tradewire.store.views import Basis, Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from sqlalchemy import ColumnElement, Connection

    from tradewire.store.views import Filter

ROWS_MAX: Final = 200_000
"""Events read to answer a query about all that match a filter. They take about half a second."""
ENTRIES_MAX: Final = 1_000_000
"""Index entries read to find the events of one user. They take about a tenth of a second."""

MIN_ID: Final = "00000000-0000-0000-0000-000000000000"
_MAX_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_TO_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_TO_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)
_IDS: Final = 2**128
"""Number of possible ids."""
ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_columns: Final = events.c
event_position: Final = tuple_(_columns.received_at, _columns.id)
NEWEST_FIRST: Final = (_columns.received_at.desc(), _columns.id.desc())
OLDEST_FIRST: Final = (_columns.received_at, _columns.id)
_comparable: Final = comparable(_columns.amount_sell, "sqlite")
"""Equal amounts such as 1, 1.0 and 1.00 differ here. So a lower bound is written in the shortest form, which is the
least of them, and an upper bound with all FRACTION_DIGITS, which is the greatest."""


class Conditions(NamedTuple):
    """The conditions of a filter, apart from its time range."""

    indexed: list[ColumnElement[bool]]
    """Select a part of an index that is in the archive's order. Empty if all events are candidates."""
    in_index: list[ColumnElement[bool]]
    """Checked on the entries of the index."""
    others: list[ColumnElement[bool]]
    """Checked on the rows."""


class Candidates(NamedTuple):
    """Events to read, of a bounded number."""

    found: list[ColumnElement[bool]]
    """Select the events to read. An index serves them."""
    others: list[ColumnElement[bool]]
    """Further conditions of the filter, checked on the rows."""
    basis: Basis | None
    """None if there are no further events that may match."""


def conditions(filters: Filter, dialect: str) -> Conditions:
    """Return the conditions of a filter.

    Args:
        filters: The filter. Its time range is left out.
        dialect: The name of SQLAlchemy's dialect.
    """
    equal: list[tuple[ColumnElement[Any], Any]] = [
        (_columns[field.name], filters.equal[field.name])
        for field, _ in FILTERS
        if field.name in filters.equal and field.name != "user_id"
    ]
    user = filters.equal.get("user_id")
    if user is not None:
        equal.insert(0, (_columns.user_group, user_group(user)))
    indexed = [column == value for column, value in equal[:1]]
    in_index = [_columns.user_id == user] if user is not None else []
    # Without the concatenation, the database might choose another index, and read an unbounded number of rows.
    others = [column.concat("") == value for column, value in equal[1:]]
    if filters.flag is not None:
        indexed = indexed or [_columns.flags != literal_column("''")]  # the same expression as in the index
        others.append(_is_flagged(filters.flag))
    others += [_matches(word, dialect) for word in filters.words]
    if filters.min_amount is not None:
        others.append(_at_least(filters.min_amount, dialect))
    if filters.max_amount is not None:
        others.append(_at_most(filters.max_amount, dialect))
    return Conditions(indexed, in_index, others)


def between(lower: Position | None, upper: Position | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for a range of positions. An index can use only one bound on each side."""
    if lower:
        yield event_position >= lower
    if upper:
        yield event_position < upper


def start(received_at: int | None) -> Position | None:
    """Return the first position of a time, in microseconds since 1970. None for None."""
    return None if received_at is None else _first(received_at)


def _first(received_at: int) -> Position:
    return Position(received_at, MIN_ID)


def next_position(position: Position) -> Position:
    """Return the next position that an event could have."""
    number = UUID(position.id).int + 1
    return Position(position.received_at, str(UUID(int=number))) if number < _IDS else _first(position.received_at + 1)


def nth(
    connection: Connection, candidates: Sequence[ColumnElement[bool]], number: int, *, oldest_first: bool = False
) -> Position | None:
    """Return the position of a candidate. None if there are fewer.

    Args:
        connection: A connection.
        candidates: Conditions that an index serves.
        number: The candidate's number, counted from the newest one, which has the number 1.
        oldest_first: Count from the oldest one.
    """
    order = OLDEST_FIRST if oldest_first else NEWEST_FIRST
    statement = select(_columns.received_at, _columns.id).where(*candidates).order_by(*order)
    row = connection.execute(statement.offset(number - 1).limit(1)).one_or_none()
    return Position(*row) if row else None


def candidates(connection: Connection, filters: Filter) -> Candidates:
    """Return the newest events that may be read to answer a query about all that match a filter.

    Events with the same time are all among them, or none is. So they are those of a time range.

    Args:
        connection: A connection.
        filters: The filter.
    """
    indexed, in_index, others = conditions(filters, connection.dialect.name)
    since: int | None = None
    limits = [(ENTRIES_MAX, indexed), (ROWS_MAX, [*indexed, *in_index])] if in_index else [(ROWS_MAX, indexed)]
    for limit, counted in limits:
        window = between(start(since or filters.since), start(filters.until))
        if first_unread := nth(connection, [*counted, *window], limit + 1):
            since = first_unread.received_at + 1
    found = [*indexed, *between(start(since or filters.since), start(filters.until)), *in_index]
    if since is None:
        return Candidates(found, others, None)
    newest = connection.execute(select(func.count()).select_from(events).where(*found)).scalar_one()
    return Candidates(found, others, Basis(newest, since))


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
    if ID.fullmatch(first := prefix + MIN_ID[len(prefix) :]):
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
