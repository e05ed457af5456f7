"""GET /api/stats: totals over a time range, by pair, by country and by step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Context
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import Flask, Response, request
from msgspec import UNSET, Meta, UnsetType

from api.http import parameter_types
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import json_response_with_etag
from api.http.timestamps import Timestamp, timestamp_from_seconds
from tradewire.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Money, Stats, Step

_DEFAULT_WINDOW_SECONDS: Final = 24 * 3600
_MICROSECONDS_PER_SECOND: Final = 1_000_000
_VWAP_CONTEXT: Final = Context(prec=12)
"""The quotient has 12 digits; the sums are exact."""

Amount = Annotated[str, Meta(description="An exact decimal number", pattern=r"^[0-9]+(\.[0-9]+)?$")]


@dataclass(frozen=True, kw_only=True)
class StatsQuery(Query):
    """The parameters of GET /api/stats."""

    window: int | None = parameter("window", parameter_types.WINDOW, "The time up to now, such as 15m, 24h or 30d.")
    since: int | None = parameter(
        "since", parameter_types.TIMESTAMP, "Received at this time or later.", example="2026-01-01T00:00:00Z"
    )
    until: int | None = parameter(
        "until",
        parameter_types.TIMESTAMP,
        "Received before this time; by default, now.",
        example="2026-02-01T00:00:00Z",
    )
    currency_from: str | None = parameter("from", parameter_types.CURRENCY, "The currency sold. Requires `to`.")
    currency_to: str | None = parameter("to", parameter_types.CURRENCY, "The currency bought. Requires `from`.")
    country: str | None = parameter("country", parameter_types.COUNTRY, "The originating country.")

    def conflicts(self) -> Iterator[Fault]:
        """Yield the faults of parameters that are valid alone, but not together."""
        if self.window is not None and (self.since, self.until) != (None, None):
            yield Fault("window", "not-together", "window can't be used with since or until.")
        elif self.since is None and self.until is not None:
            yield Fault("since", "missing", "since is required with until.")
        if self.since is not None and self.until is not None and self.since >= self.until:
            yield Fault("until", "empty-range", "until is not later than since.")
        if (self.currency_from is None) != (self.currency_to is None):
            missing, present = ("to", "from") if self.currency_from else ("from", "to")
            yield Fault(missing, "missing", f"{missing} is required with {present}.")

    def time_range(self, now: int) -> tuple[int, int]:
        """Return the start and the end of the time range. All times are in seconds since 1970."""
        if self.since is None:
            return now - (self.window or _DEFAULT_WINDOW_SECONDS), now
        since = self.since // _MICROSECONDS_PER_SECOND
        until = now if self.until is None else -(-self.until // _MICROSECONDS_PER_SECOND)
        return since, max(until, since + 1)


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
    """Totals from `since` to `until`, which are rounded outward to whole steps."""

    since: Timestamp
    until: Timestamp
    step: Annotated[int, Meta(description="The length of a step of the series in seconds: 60, 3600 or 86400.")]
    total: Total
    pairs: Annotated[list[PairStats], Meta(description="The 1,000 pairs with the most messages, most first.")]
    more_pairs: Annotated[int, Meta(description="The number of other pairs.")]
    countries: Annotated[list[CountryStats], Meta(description="Most messages first.")]
    series: Annotated[list[StepStats], Meta(description="Oldest first. Steps without a message are omitted.")]


def add_routes(app: Flask, store: StoreReader) -> None:
    """Add the route."""

    @app.get("/api/stats")
    def stats() -> Response:
        query = parse_query(StatsQuery, request.args)
        pair = (query.currency_from, query.currency_to) if query.currency_from and query.currency_to else None
        return json_response_with_etag(
            _statistics(store.stats(*query.time_range(int(time.time())), pair, query.country))
        )


def _statistics(stats: Stats) -> Statistics:
    return Statistics(
        since=timestamp_from_seconds(stats.since),
        until=timestamp_from_seconds(stats.until),
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
