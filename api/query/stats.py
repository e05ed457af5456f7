"""GET /api/stats: totals over a time range, by pair, by country and by step."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import Flask, Response, request
from msgspec import UNSET, Meta, UnsetType

from api.http.parameters import parse_query
from api.http.responses import json_response_with_etag
from api.http.timestamps import (
    Timestamp,
    now_microseconds,
    timestamp_from_microseconds,
    timestamp_from_seconds,
)
from api.query.basis import Basis, basis_of
from api.query.filters import FilterQuery, TimeRange, window_range
from api.query.kept import KeptSince, kept_since

if TYPE_CHECKING:
    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Money, Stats, Step

_DEFAULT_WINDOW_SECONDS: Final = 24 * 3600
_VWAP_CONTEXT: Final = Context(prec=12)
"""The quotient has 12 digits; the sums are exact."""

Amount = Annotated[str, Meta(description="An exact decimal number", pattern=r"^[0-9]+(\.[0-9]+)?$")]


@dataclass(frozen=True, kw_only=True)
class StatsQuery(FilterQuery):
    """The parameters of GET /api/stats."""

    def time_range(self, now: int) -> TimeRange:
        """Return the time range: by default, a window of 24 hours, and no message is received after now."""
        if (self.window, self.since, self.until) == (None, None, None):
            return window_range(_DEFAULT_WINDOW_SECONDS, now)
        since, until = super().time_range(now)
        return TimeRange(since or 0, max(since or 0, now) if until is None else until)


class Total(msgspec.Struct):
    """The number of messages, and of those with a flag."""

    count: int
    flagged: int


class PairStats(msgspec.Struct, rename="camel"):
    """Totals of a currency pair. `open` and `last` are the first and the last rate by `receivedAt`."""

    currency_from: str
    currency_to: str
    count: int
    flagged: int
    sold: Amount
    bought: Amount
    vwap: Annotated[Amount, Meta(description="The volume-weighted average rate: bought / sold, to 12 digits.")]
    open: Amount
    high: Amount
    low: Amount
    close: Amount = msgspec.field(name="last")


class CountryStats(msgspec.Struct):
    """Totals of a country."""

    country: str
    count: int
    flagged: int


class StepStats(msgspec.Struct, omit_defaults=True):
    """One step of the series. Amounts and rates are given only if the query is for one pair."""

    start: Timestamp
    count: int
    flagged: int
    sold: Amount | UnsetType = UNSET
    bought: Amount | UnsetType = UNSET
    vwap: Amount | UnsetType = UNSET
    open: Amount | UnsetType = UNSET
    high: Amount | UnsetType = UNSET
    low: Amount | UnsetType = UNSET
    close: Amount | UnsetType = UNSET


class Statistics(msgspec.Struct, rename="camel"):
    """Totals of the messages that match, received from `since` to `until`."""

    since: Annotated[
        Timestamp,
        Meta(
            description="The start of the range. It is later than asked for where retention has deleted messages: of"
            " that time, figures are kept by the hour, since `keptSince`."
        ),
    ]
    until: Annotated[Timestamp, Meta(description="Not included. For the same reason, it may be earlier.")]
    kept_since: KeptSince
    basis: Annotated[
        Basis | None,
        Meta(
            description="Null if all figures are exact for the range. Otherwise the range has too many messages to read"
            " for this filter: all figures are exact for the time from the `since` in here to the end of the range."
        ),
    ]
    step: Annotated[
        int,
        Meta(
            description="The length of a step of the series in seconds: 60, 3600 or 86400. The shortest one with which"
            " the part of the range since the archive's first message has at most 1,500 steps."
        ),
    ]
    total: Annotated[Total, Meta(description="How many messages match.")]
    pairs: Annotated[list[PairStats], Meta(description="The 1,000 pairs with the most messages, most first.")]
    more_pairs: Annotated[int, Meta(description="The number of other pairs.")]
    countries: Annotated[list[CountryStats], Meta(description="Most messages first.")]
    series: Annotated[
        list[StepStats],
        Meta(
            description="Oldest first. Steps without a message are omitted. A step starts at a multiple of its length,"
            " so the first one may start before `since`."
        ),
    ]


def add_routes(app: Flask, store: StoreReader) -> None:
    """Add the route."""

    @app.get("/api/stats")
    def stats() -> Response:
        query = parse_query(StatsQuery, request.args)
        return json_response_with_etag(_statistics(store.stats(query.filter(query.time_range(now_microseconds())))))


def _statistics(stats: Stats) -> Statistics:
    return Statistics(
        since=timestamp_from_microseconds(stats.since),
        until=timestamp_from_microseconds(stats.until),
        kept_since=kept_since(stats.kept_since),
        basis=basis_of(stats.basis),
        step=stats.step,
        total=Total(*stats.total),
        pairs=[PairStats(sold, bought, *count, **_amounts(money)) for sold, bought, count, money in stats.pairs],
        more_pairs=stats.more_pairs,
        countries=[CountryStats(country, *count) for country, count in stats.countries],
        series=[_step(step) for step in stats.series],
    )


def _step(step: Step) -> StepStats:
    amounts = _amounts(step.money) if step.money else {}
    return StepStats(timestamp_from_seconds(step.start), *step.total, **amounts)


def _amounts(money: Money) -> dict[str, Any]:
    """Return the amounts and rates as text, by field."""
    numbers = money._asdict() | {"vwap": _VWAP_CONTEXT.divide(money.bought, money.sold)}
    return {name: format(number, "f") for name, number in numbers.items()}
