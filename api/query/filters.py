"""The parameters that select messages, the same for messages, exports and statistics."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from api.http import parameter_types
from api.http.parameter_types import of_field
from api.http.parameters import Query, parameter
from tradewire.errors import Fault
from tradewire.fields import FILTERS
from tradewire.store.reading_stats import step_seconds
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

_SECOND: Final = 1_000_000
WORDS_PARAMETER: Final = "q"


class TimeRange(NamedTuple):
    """A range of times of receipt, in microseconds since 1970. None sets no bound."""

    since: int | None
    until: int | None
    """Not included."""


def window_range(window: int, now: int) -> TimeRange:
    """Return the time range of a window up to now: whole minutes, hours or days, as suit its length.

    Args:
        window: Seconds.
        now: Microseconds since 1970.
    """
    since = now - window * _SECOND
    step = step_seconds(since, now) * _SECOND
    return TimeRange(max(0, since // step * step), -(-now // step) * step)


if TYPE_CHECKING:
    _FieldQuery = Query
else:
    _FieldQuery = make_dataclass(
        "_FieldQuery",
        [
            (field.name, "str | None", parameter(filter_.parameter, of_field(field.type), filter_.description))
            for field, filter_ in FILTERS
        ],
        bases=(Query,),
        frozen=True,
        kw_only=True,
    )
    """Has a parameter for each field of a trade by which messages can be selected."""


@dataclass(frozen=True, kw_only=True)
class FilterQuery(_FieldQuery):
    """The parameters that select messages."""

    flag: str | None = parameter("flag", parameter_types.FLAG, "A flag that the message has, such as rate-mismatch.")
    min_sold: Decimal | None = parameter(
        "min",
        parameter_types.AMOUNT,
        "The minimum amount sold. It is in the currency `from`; without `from`, it is in each message's own currency.",
    )
    max_sold: Decimal | None = parameter(
        "max", parameter_types.AMOUNT, "The maximum amount sold, in the same currency as `min`."
    )
    words: tuple[str, ...] = parameter(
        WORDS_PARAMETER,
        parameter_types.WORDS,
        "Words that must all match. A word matches a currency, the country or a flag, or the start of the user's or "
        "the message's id. Case is ignored.",
        default=(),
    )
    window: int | None = parameter(
        "window",
        parameter_types.WINDOW,
        "Received in the time up to now, such as 15m, 24h or 30d. It begins with a whole minute, hour or day, "
        "depending on its length.",
    )
    since: int | None = parameter(
        "since", parameter_types.TIMESTAMP, "Received at this time or later.", example="2026-01-01T00:00:00Z"
    )
    until: int | None = parameter(
        "until", parameter_types.TIMESTAMP, "Received before this time.", example="2026-02-01T00:00:00Z"
    )

    def conflicts(self) -> Iterator[Fault]:
        """Yield the faults of parameters that are valid alone, but not together."""
        if self.window is not None and (self.since, self.until) != (None, None):
            yield Fault("window", "not-together", "window can't be used with since or until.")
        if self.since is not None and self.until is not None and self.since >= self.until:
            yield Fault("until", "empty-range", "until is not later than since.")
        if self.min_sold is not None and self.max_sold is not None and self.min_sold > self.max_sold:
            yield Fault("max", "empty-range", "max is less than min.")

    def time_range(self, now: int) -> TimeRange:
        """Return the time range. `now` is in microseconds since 1970."""
        return TimeRange(self.since, self.until) if self.window is None else window_range(self.window, now)

    def filter(self, time_range: TimeRange) -> Filter:
        """Return the conditions for the store."""
        values = {field.name: getattr(self, field.name) for field, _ in FILTERS}
        equal = {name: value for name, value in values.items() if value is not None}
        return Filter(equal, self.flag, self.min_sold, self.max_sold, self.words, *time_range)
