"""The archive's tables, for both SQLite and PostgreSQL. The scripts in `migrations/` create them.

Times are integers, microseconds since 1970, UTC: exact, sortable, and the same in both databases. Amounts are exact
decimals: `NUMERIC` in PostgreSQL, text in SQLite, whose numbers are floats. Both return `747.10` as it was written.

The cost of saving an event must not grow with the archive. So, apart from the primary key, every index begins with the
time or with a column of few values. New entries then go to few places, and the same pages are written again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    or_,
)

from tradewire.fields import FILTERS, OPTIONAL, REQUIRED
from tradewire.store.ids import Id

if TYPE_CHECKING:
    from tradewire.fields import Field

metadata: Final = MetaData()

_Amount: Final = Text().with_variant(Numeric(asdecimal=True), "postgresql")
_Timestamp: Final = BigInteger()
_Flags: Final = Text()
"""Flags joined by commas. Empty if there are none."""


def _column(field: Field) -> Column[Any]:
    text = Text() if field.type.code_chars is None else String(field.type.code_chars)
    column_type = _Amount if field.type.kind == "amount" else text
    return Column(field.column, column_type, key=field.name, nullable=field.is_optional)


events: Final = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("received_at", _Timestamp, nullable=False),
    Column("archived_at", _Timestamp, nullable=False),
    *map(_column, REQUIRED),
    Column("flags", _Flags, nullable=False),
    Column("user_group", SmallInteger, nullable=False),
    *map(_column, OPTIONAL),
    # Queries read from the newest event down. Each index serves one filter in this order.
    Index("events_by_time", "received_at", "id"),
    # With the user in the index, events of other users in the group are skipped without reading their rows.
    Index("events_by_user_group", "user_group", "received_at", "id", "user_id"),
)
for _field, _filter in FILTERS:
    if _field.name != "user_id":  # served by the group
        _has_value = events.c[_field.name].is_not(None) if _field.is_optional else None
        Index(
            f"events_by_{_filter.parameter}",
            *(events.c[name] for name in (_field.name, "received_at", "id")),
            sqlite_where=_has_value,
            postgresql_where=_has_value,
        )
Index(
    "events_flagged",
    events.c.received_at,
    events.c.id,
    sqlite_where=events.c.flags != "",
    postgresql_where=events.c.flags != "",
)

duplicates: Final = Table(
    "duplicates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("received_at", _Timestamp, primary_key=True),
)
"""Retries under an Idempotency-Key. The API accepted the message again, but it is archived once."""
Index("duplicates_by_time", duplicates.c.received_at)

receipts: Final = Table(
    "receipts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tube", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("at", _Timestamp, nullable=False),
    Column("browsers", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What became of an event in each tube. Only the first receipt of a kind is kept."""

stats: Final = Table(
    "stats",
    metadata,
    Column("kind", String(7), primary_key=True),
    Column("width", Integer, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("currency_from", String(3), primary_key=True),
    Column("currency_to", String(3), primary_key=True),
    Column("country", String(2), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("flagged", BigInteger, nullable=False),
    Column("sold", _Amount),
    Column("bought", _Amount),
    Column("open", _Amount),
    Column("open_at", _Timestamp),
    Column("open_id", Id),
    Column("high", _Amount),
    Column("low", _Amount),
    Column("close", _Amount),
    Column("close_at", _Timestamp),
    Column("close_id", Id),
    sqlite_with_rowid=False,
)
"""Statistics in buckets of a minute, an hour, a day or four weeks.

`kind` says how they are grouped: `all`, `country`, `pair`, or `both` (pair and country). A column that is not part of
the kind is empty. `width` and `start` are seconds. Amounts and rates are NULL without a pair: euros and yen can't be
added. With one message, its rate, time and id are in the columns of `open` only, and the columns from `high` on are
NULL: most buckets of a quiet archive have one message. `statistics.content` reads both forms.
"""
_OF_BOTH: Final = and_(stats.c.country != "", stats.c.currency_from != "")
# For the pairs of one country. In the primary key, the country comes last, after all pairs.
Index(
    "stats_by_country",
    *(stats.c.country, stats.c.width, stats.c.start),
    sqlite_where=_OF_BOTH,
    postgresql_where=_OF_BOTH,
)
# For one currency bought. In the primary key, it comes after the currency sold. Most rows are of the kind `both` and of
# a minute: with them in the index, a message would cost a tenth more.
_BY_CURRENCY_TO: Final = and_(stats.c.currency_to != "", or_(stats.c.country == "", stats.c.width > 60))  # noqa: PLR2004 - a minute
Index(
    "stats_by_currency_to",
    *(stats.c.currency_to, stats.c.kind, stats.c.width, stats.c.start),
    sqlite_where=_BY_CURRENCY_TO,
    postgresql_where=_BY_CURRENCY_TO,
)

user_summaries: Final = Table(
    "user_summaries",
    metadata,
    Column("user_group", SmallInteger, primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("since", _Timestamp, nullable=False),
    Column("until", _Timestamp, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Statistics of one busy user in some time; `until` is not included.

Level 0 has a summary for each window of the user's group in which the user was busy. Each further level adds up
summaries of the level below. `number` counts the windows of the group, or how often they were added up, from 0.
`content` is a `Part` of `tradewire/store/sums.py` in MessagePack.
"""
Index("user_summaries_by_user", *(user_summaries.c[name] for name in ("user_id", "since", "until")))

summarized: Final = Table(
    "summarized",
    metadata,
    Column("user_group", SmallInteger, primary_key=True, autoincrement=False),
    Column("windows", Integer, nullable=False),
    Column("until", _Timestamp, nullable=False),
)
"""The number of summarized windows of each user group, and the end of the last one."""

outdated_summaries: Final = Table(
    "outdated_summaries",
    metadata,
    Column("level", SmallInteger, primary_key=True),
    Column("user_group", SmallInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("since", _Timestamp, nullable=False),
    Column("until", _Timestamp, nullable=False),
)
"""The summaries that were deleted because a late event was not in them. They are made again in the order of the key."""

counters: Final = Table(
    "counters",
    metadata,
    Column("stack", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""The store's side of the ledger: counters for each stack, updated in the transaction that saves the counted rows."""

outdated: Final = Table(
    "outdated",
    metadata,
    Column("id", Id, primary_key=True),
    Column("received_at", _Timestamp, primary_key=True),
    Column("at", _Timestamp, nullable=False),
    Column("was_archived", Boolean, nullable=False),
    # What is forgotten first comes first.
    Index("outdated_by_time", "at"),
    sqlite_with_rowid=False,
)
"""Messages of a time whose messages are deleted, and that might come again. Each row is a receipt.

A message that retention deleted is in here if a retry under its Idempotency-Key, or a late redelivery, could otherwise
store it again. A message that came when those of its time had been deleted is in here, because it was refused.
"""

retention: Final = Table(
    "retention",
    metadata,
    Column("only", SmallInteger, primary_key=True),
    Column("kept_since", _Timestamp, nullable=False),
    Column("figures_since", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("checked_at", _Timestamp, nullable=False),
)
"""How far retention has got: the only row, whose key is 1.

No message received before `kept_since` is added any more. The messages before it are deleted, apart from those of the
same microsecond, which may follow a moment later. `figures_since` is the same for statistics, in seconds and at the
beginning of a day. `deleted` counts the messages that were deleted. `checked_at` says when all limits were last found
to be kept.
"""
