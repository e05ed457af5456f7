"""The time at which a trade was placed, as producers write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from tradewire.errors import BadValue

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Times before this are those of clocks and variables that were never set."""
_FUTURE_TOLERANCE: Final = timedelta(minutes=5)
"""How far a time may lie in the future, since clocks differ."""

_MONTHS: Final = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE"),
    *("JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)
_MONTH_NUMBERS: Final = {
    name: number for number, month in enumerate(_MONTHS, start=1) for name in (month[:3], month)
} | {"SEPT": 9}
"""By abbreviation and by full name. SEPT is Java's abbreviation in British and Irish English."""
_CLASSIC: Final = re.compile(r"(\d\d?)-([A-Za-z]{3,9})\.?-(\d\d(?:\d\d)?) (\d\d?):(\d\d):(\d\d)", re.ASCII)
_WITH_ZONE: Final = re.compile(r"(.{1,40}(?:Z|[+-]\d\d(?::?\d\d)?))\[[\w+/-]{1,64}\]", re.ASCII | re.IGNORECASE)
"""ISO 8601 as Java writes it: with the name of a time zone behind the offset. The offset alone decides."""
_DOCUMENT_HYPHEN: Final = re.compile("-?[\u00ad\u2010\u2011]-?")
"""The hyphens that a text copied from a document may have, alone or beside an ordinary one."""
_CHARS_MAX: Final = 40
_THIS_CENTURY: Final = 2000
_FORMS: Final = (
    "is neither D-MON-YY H:MM:SS, such as 24-JAN-15 10:27:44, nor ISO 8601 with an offset, such as 2015-01-24T10:27:44Z"
)


def parse(text: str, now: datetime) -> datetime:
    """Read a time.

    Args:
        text: The time as a producer wrote it, without white space around it.
        now: The current time, to refuse times in the future.

    Returns:
        The time in UTC.

    Raises:
        BadValue: The text is no time, or one at which no trade can have been placed.
    """
    if not text.isascii():
        text = " ".join(_DOCUMENT_HYPHEN.sub("-", text).split())
    if text.endswith("]") and (with_zone := _WITH_ZONE.fullmatch(text)):
        text = with_zone[1]
    if len(text) > _CHARS_MAX:  # a fraction may have any number of digits, and _read caches the text
        raise BadValue("bad-time", f"is longer than {_CHARS_MAX} characters")
    time = _read(text)
    if time < _EARLIEST:
        raise BadValue("implausible-time", "is before 1970, as if it had never been set")
    if time > now + _FUTURE_TOLERANCE:
        raise BadValue("in-the-future", "is more than 5 minutes in the future")
    return time


@lru_cache(1024)  # many trades are placed in the same second
def to_text(time: datetime) -> str:
    """Write a time as ISO 8601 in UTC, with the fractional digits that it needs."""
    return time.isoformat().removesuffix("+00:00") + "Z"


@lru_cache(1024)  # trades arrive roughly in order of time, many in the same second
def _read(text: str) -> datetime:
    classic = _CLASSIC.fullmatch(text)
    if classic:
        return _from_classic(*classic.groups())
    try:
        time = datetime.fromisoformat(text.upper())
        if time.tzinfo is None:
            raise BadValue("bad-time", "has no offset from UTC: append one, such as Z or +01:00")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or outside the years 1 to 9999 in UTC
        raise BadValue("bad-time", _FORMS) from None


def _from_classic(day: str, month: str, year: str, hour: str, minute: str, second: str) -> datetime:
    if month.upper() not in _MONTH_NUMBERS:
        raise BadValue("bad-time", "does not name an English month, such as JAN, SEPT or January")
    number = _MONTH_NUMBERS[month.upper()]
    century = _THIS_CENTURY if len(year) == len("YY") else 0
    try:
        return datetime(century + int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise BadValue("bad-time", "names a day or a time of day that does not exist") from None
