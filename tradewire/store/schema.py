"""The archive's tables, for SQLite and PostgreSQL alike. `migrations/` is how a database gets there.

Moments are microseconds since 1970, UTC, as integers: exact, sortable, and the same in both databases. Amounts are
exact decimals: `NUMERIC` in PostgreSQL, text in SQLite, whose own numbers are floats; both give back `747.10`.

What is written for a message must not grow with the archive. So all that it adds to lies at few places, the newest of
each key, whose pages are written again and again: no index begins with what has many values.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
)

from tradewire.store.ids import Id

metadata: Final = MetaData()

_Amount: Final = Text().with_variant(Numeric(asdecimal=True), "postgresql")
_Timestamp: Final = BigInteger()
_Flags: Final = Text()
"""Words joined by commas; empty where there are none."""

events: Final = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("received_at", _Timestamp, nullable=False),
    Column("archived_at", _Timestamp, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("currency_from", String(3), nullable=False),
    Column("currency_to", String(3), nullable=False),
    Column("amount_sell", _Amount, nullable=False),
    Column("amount_buy", _Amount, nullable=False),
    Column("rate", _Amount, nullable=False),
    Column("time_placed", Text, nullable=False),
    Column("country", String(2), nullable=False),
    Column("flags", _Flags, nullable=False),
    Column("user_group", SmallInteger, nullable=False),
    # Every way to read goes from the newest down; each index serves one filter in that order.
    Index("events_by_time", "received_at", "id"),
    # The user is there so that those of others in the group are passed by without a look at their rows.
    Index("events_by_user_group", "user_group", "received_at", "id", "user_id"),
    Index("events_by_from", "currency_from", "received_at", "id"),
    Index("events_by_to", "currency_to", "received_at", "id"),
    Index("events_by_country", "country", "received_at", "id"),
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
"""Retries of a message under its Idempotency-Key: accepted once more, and archived once."""

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
"""What became of a message beyond the archive. The first of a kind stands."""

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
"""Sums over a minute, an hour or a day.

`kind` says by what: `all`, `country`, `pair`, or `both` (pair and country); a column that is not part of it is empty.
`width` and `start` are seconds. Money and rates are there only where a pair is: euros and yen have no sum.
"""
_OF_BOTH: Final = and_(stats.c.country != "", stats.c.currency_from != "")
# The pairs of one country: the key has the country last, behind all pairs.
Index(
    "stats_by_country",
    *(stats.c.country, stats.c.width, stats.c.start),
    sqlite_where=_OF_BOTH,
    postgresql_where=_OF_BOTH,
)

counters: Final = Table(
    "counters",
    metadata,
    Column("stack", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""What each stack has brought here, counted in the transaction that brought it: the store's side of the ledger."""
