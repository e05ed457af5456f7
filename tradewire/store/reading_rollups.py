"""Adds up the statistics of whole minutes from a few buckets.

Buckets of hours and days lack the newest minute that has events, and those of four weeks lack the newest day. If the
range includes them, they are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sqlalchemy import any_, func, literal_column, or_, select, tuple_

from tradewire.store.buckets import DAY, FOUR_WEEKS, MINUTE, WIDTHS
from tradewire.store.schema import stats as buckets
from tradewire.store.statistics import content, day_of
from tradewire.store.sums import Part, Sums, dated, joined, total
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

_columns: Final = buckets.c
_overall: Final = buckets.alias("overall").c
_PRIMARY_KEY: Final = tuple_(*buckets.primary_key)
_EMPTY: Final[ColumnElement[str]] = literal_column("''")
_content: Final = content(_columns)
_counts: Final = tuple(total(_content[name]) for name in ("count", "flagged"))
_pair_sums: Final = (
    *_counts,
    *(joined(_content[name]) for name in ("sold", "bought", "high", "low")),
    func.min(dated(_content["open_at"], _content["open"])),
    func.max(dated(_content["close_at"], _content["close"])),
)
_By = Literal["pair", "country", "step"]
# Grouped by the bare column, SQLite would read the primary key, and all pairs in it, to find the groups in order.
_START: Final = _columns.start + literal_column("0")
_KEYS: Final[dict[_By, tuple[ColumnElement[Any], ...]]] = {
    "pair": (_columns.currency_from, _columns.currency_to),
    "country": (_columns.country,),
    "step": (_START,),
}


class Selection(NamedTuple):
    """The values that buckets are selected by. Empty for all, as in the table."""

    currency_from: str
    currency_to: str
    country: str

    @property
    def is_of_pair(self) -> bool:
        """True if both currencies are selected."""
        return bool(self.currency_from and self.currency_to)

    @property
    def is_of_currency(self) -> bool:
        """True if one currency is selected, or both."""
        return bool(self.currency_from or self.currency_to)


class Span(NamedTuple):
    """Adjacent buckets of one width."""

    width: int
    """Seconds."""
    since: int
    """Seconds since 1970, a multiple of the width."""
    until: int
    """The same. Not included."""


def selection(filters: Filter) -> Selection | None:
    """Return the selection of a filter, apart from its time range. None if buckets can't tell what it matches."""
    names = ("currency_from", "currency_to", "originating_country")
    if filters._replace(equal={}, since=None, until=None) != Filter({}) or not filters.equal.keys() <= set(names):
        return None
    return Selection(*(filters.equal.get(name, "") for name in names))


def rollups(connection: Connection, selected: Selection, since: int, until: int, step: int, newest: int) -> Part:
    """Add up the buckets of a time range.

    Args:
        connection: A connection.
        selected: Which buckets to add up.
        since: Start of the range, in whole minutes, as seconds since 1970.
        until: End of the range. Not included.
        step: Length of a step of the series, in seconds: a minute, an hour or a day.
        newest: The newest minute that has events.

    Returns:
        The sums of the range.
    """
    if newest < until:  # no bucket holds anything beyond the range, so a single bucket is read instead of many
        until = -(-until // WIDTHS[-1]) * WIDTHS[-1]
    sums = list(_covering(since, until, WIDTHS, newest))
    series = list(_covering(since, until, [width for width in WIDTHS if width <= step], newest))

    def read(spans: Sequence[Span], by: _By) -> Iterator[tuple[Any, ...]]:
        return (row for span in spans for row in _read(connection, span, selected, by))

    return Part(
        list(read(sums, "pair")),
        list(read(sums, "country")),
        [(start // step * step, each) for start, each in read(series, "step")],
    )


def _covering(since: int, until: int, widths: Sequence[int], newest: int) -> Iterator[Span]:
    """Cover a time range with spans, in order of time. What wide buckets lack gets spans of its own."""
    spans = list(_spans(since, until, widths))
    yield from spans
    of_newest = {span.width for span in spans if span.since <= newest < span.until}
    if FOUR_WEEKS in of_newest:
        yield Span(DAY, day_of(newest), day_of(newest) + DAY)
    if of_newest and MINUTE not in of_newest:
        yield Span(MINUTE, newest, newest + MINUTE)


def _spans(since: int, until: int, widths: Sequence[int]) -> Iterator[Span]:
    """Cover a time range with the widest buckets that fit, in order: narrower ones are at both ends."""
    if since >= until:
        return
    *narrower, width = widths
    first, last = -(-since // width) * width, until // width * width
    if first < last:
        yield from _spans(since, first, narrower)
        yield Span(width, first, last)
        yield from _spans(last, until, narrower)
    else:
        yield from _spans(since, until, narrower)


def _read(connection: Connection, span: Span, selected: Selection, by: _By) -> Iterator[tuple[Any, ...]]:
    """Yield the sums of a span's buckets: the columns of the key, then Sums."""
    has_amounts = by == "pair" or (by == "step" and selected.is_of_pair)
    key = _KEYS[by]
    statement = select(*key, *(_pair_sums if has_amounts else _counts)).group_by(*key)
    dialect = connection.dialect.name
    conditions = [*_conditions(span, selected, by, dialect)]
    if dialect == "sqlite" and _is_by_country(selected, by) and selected.currency_to:
        # SQLite would look up each row of the country in the table before it compares the currency. But it is in the
        # index, together with all of the primary key.
        conditions = [_PRIMARY_KEY.in_(select(*buckets.primary_key).where(*conditions).correlate(None))]
    for row in connection.execute(statement.where(*conditions)):
        yield *row[: len(key)], Sums(*row[len(key) :])


def _conditions(span: Span, selected: Selection, by: _By, dialect: str) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for a selection's buckets, in total or by pair or country, so that no others are read."""
    of_pair = by == "pair" or selected.is_of_currency
    of_country = by == "country" or selected.country != ""
    yield _columns.width == span.width
    # Each index is chosen by the same words as in its declaration. With them, SQLite doesn't prefer the primary key.
    if _is_by_country(selected, by):
        yield _columns.country != _EMPTY
        yield _columns.currency_from != _EMPTY
        yield from _starts_in(_columns.start, span)
    elif selected.currency_to and not selected.currency_from and (span.width > MINUTE or not of_country):
        yield _columns.currency_to != _EMPTY
        is_wide = _columns.width > literal_column("60")
        yield or_(_columns.country == _EMPTY, is_wide)
        if span.width > MINUTE:  # without this, PostgreSQL would look for both in turn
            yield is_wide
        yield _columns.kind == _kind(of_pair=of_pair, of_country=of_country)
        yield from _starts_in(_columns.start, span)
    else:
        # In the primary key, the time comes before the pair, so the buckets of one pair are scattered among all others.
        # The buckets of kind `all` are adjacent, and their starts lead to the buckets of the pair.
        yield _columns.kind == _kind(of_pair=of_pair, of_country=of_country)
        starts = select(_overall.start).where(
            _overall.kind == "all", _overall.width == span.width, *_starts_in(_overall.start, span)
        )
        # Without an array, PostgreSQL would read the buckets of all time, and join them with the starts.
        is_array = dialect == "postgresql"
        yield _columns.start == any_(func.array(starts.scalar_subquery())) if is_array else _columns.start.in_(starts)
    if selected.currency_from or not of_pair:
        yield _columns.currency_from == selected.currency_from
    if selected.currency_to or not of_pair:
        yield _columns.currency_to == selected.currency_to
    if selected.country or not of_country:
        yield _columns.country == selected.country


def _is_by_country(selected: Selection, by: _By) -> bool:
    """Return whether the index by country serves a selection best: buckets of its country and of several pairs."""
    of_pair = by == "pair" or selected.is_of_currency
    return of_pair and selected.country != "" and not selected.currency_from


def _starts_in(start: ColumnElement[int], span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return start >= span.since, start < span.until


def _kind(*, of_pair: bool, of_country: bool) -> str:
    if of_pair:
        return "both" if of_country else "pair"
    return "country" if of_country else "all"
