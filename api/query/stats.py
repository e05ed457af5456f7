"""GET /api/stats: sums over any stretch of time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Context
from typing import TYPE_CHECKING, Annotated, Final

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

_WINDOW_SECONDS: Final = 24 * 3600
_SECOND: Final = 1_000_000
_QUOTIENT: Final = Context(prec=12)
"""Digits of what is divided; sums are exact."""

Amount = Annotated[str, Meta(description="An exact decimal number", pattern=r"^[0-9]+(\.[0-9]+)?$")]


@dataclass(frozen=True, kw_only=True)
class StatsQuery(Query):
    """Which statistics are asked for."""

    window: int | None = parameter("window", parameter_types.WINDOW, "The time up to now, such as 15m, 24h or 30d.")
    since: int | None = parameter(
        "since", parameter_types.TIMESTAMP, "Received then or later.", example="2026-01-01T00:00:00Z"
    )
    until: int | None = parameter(
        "until",
        parameter_types.TIMESTAMP,
        "Received before then; now, where it is not said.",
        example="2026-02-01T00:00:00Z",
    )
    currency_from: str | None = parameter(
        "from", parameter_types.CURRENCY, "The currency that was sold; together with `to`."
    )
    currency_to: str | None = parameter(
        "to", parameter_types.CURRENCY, "The currency that was bought; together with `from`."
    )
    country: str | None = parameter("country", parameter_types.COUNTRY, "The originating country.")

    def conflicts(self) -> Iterator[Fault]:
        """Give the faults of parameters that are fine each, and not together."""
        if self.window is not None and (self.since, self.until) != (None, None):
            yield Fault("window", "not-together", "window can't be given together with since or until.")
        elif self.since is None and self.until is not None:
            yield Fault("since", "missing", "since is missing where until is given.")
        if self.since is not None and self.until is not None and self.since >= self.until:
            yield Fault("until", "empty-range", "until is not later than since.")
        if (self.currency_from is None) != (self.currency_to is None):
            missing, given = ("to", "from") if self.currency_from else ("from", "to")
            yield Fault(missing, "missing", f"{missing} is missing where {given} is given.")

    def stretch(self, now: int) -> tuple[int, int]:
        """Give the time that is asked for, in seconds since 1970, as `now` is."""
        if self.since is None:
            return now - (self.window or _WINDOW_SECONDS), now
        since = self.since // _SECOND
        until = now if self.until is None else -(-self.until // _SECOND)
        return since, max(until, since + 1)


class Total(msgspec.Struct):
    """So many messages, so many of them flagged."""

    count: int
    flagged: int


class PairStats(msgspec.Struct, rename="camel"):
    """What one pair of currencies did; rates are in order of `receivedAt`."""

    currency_from: str
    currency_to: str
    count: int
    flagged: int
    sold: Amount
    bought: Amount
    vwap: Annotated[Amount, Meta(description="The mean rate, weighted by volume: bought / sold, to 12 digits.")]
    open: Amount
    high: Amount
    low: Amount
    last: Amount


class CountryStats(msgspec.Struct):
    """What came from one country."""

    country: str
    count: int
    flagged: int


class StepStats(msgspec.Struct, omit_defaults=True):
    """One step of the series; money and rates only where one pair is asked for."""

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
    """Sums from `since` to `until`, which are whole steps."""

    since: Timestamp
    until: Timestamp
    step: Annotated[int, Meta(description="Seconds of one step of the series: 60, 3600 or 86400.")]
    total: Total
    pairs: Annotated[list[PairStats], Meta(description="The thousand busiest, most messages first.")]
    more_pairs: Annotated[int, Meta(description="How many pairs there are besides.")]
    countries: Annotated[list[CountryStats], Meta(description="Most messages first.")]
    series: Annotated[list[StepStats], Meta(description="Oldest first; steps without a message are left out.")]


def add_routes(app: Flask, store: StoreReader) -> None:
    """Add the route."""

    @app.get("/api/stats")
    def stats() -> Response:
        asked = parse_query(StatsQuery, request.args)
        pair = (asked.currency_from, asked.currency_to) if asked.currency_from and asked.currency_to else None
        return json_response_with_etag(_statistics(store.stats(*asked.stretch(int(time.time())), pair, asked.country)))


def _statistics(stats: Stats) -> Statistics:
    return Statistics(
        since=timestamp_from_seconds(stats.since),
        until=timestamp_from_seconds(stats.until),
        step=stats.step,
        total=Total(*stats.total),
        pairs=[PairStats(sold, bought, *count, *_amounts(money)) for sold, bought, count, money in stats.pairs],
        more_pairs=stats.more_pairs,
        countries=[CountryStats(country, *count) for country, count in stats.countries],
        series=[_step(step) for step in stats.series],
    )


def _step(step: Step) -> StepStats:
    more = _amounts(step.money) if step.money else ()
    return StepStats(timestamp_from_seconds(step.start), *step.total, *more)


def _amounts(money: Money) -> tuple[str, str, str, str, str, str, str]:
    """Write sold, bought, vwap, open, high, low and close."""
    vwap = _QUOTIENT.divide(money.bought, money.sold)
    sold, bought, *rates = (format(number, "f") for number in money)
    open_, high, low, close = rates
    return sold, bought, format(vwap, "f"), open_, high, low, close
