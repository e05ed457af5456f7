"""The time of a trade message: both formats, the limit in the future, and independence of locale and time zone."""

from __future__ import annotations

import calendar
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import ROOT, example
from tests.unit.helpers import NOW, decode_trade, fault_codes
from tradewire import trade
from tradewire.errors import InvalidTrade

PLACED = datetime(2015, 1, 24, 10, 27, 44, tzinfo=UTC)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@pytest.mark.parametrize(
    "text",
    [
        "24-JAN-15 10:27:44",
        "24-Jan-15 10:27:44",
        " 24-jan-15 10:27:44 ",
        "2015-01-24T10:27:44Z",
        "2015-01-24 10:27:44Z",
        "2015-01-24T10:27:44+00:00",
        "2015-01-24T10:27:44.000Z",
        "2015-01-24T12:27:44+02:00",
        "2015-01-23T22:57:44-11:30",
        "20150124T102744Z",
        "24-JAN-2015 10:27:44",
        "24-January-15 10:27:44",
        "24\u00adJAN\u00ad15 10:27:44",
        "24\u00ad-JAN-\u00ad15\u00a010:27:44",
        "24\u2011JAN\u201015 10:27:44",
        "2015\u00ad01\u00ad24 10:27:44Z",
        "24-Jan.-15 10:27:44",
        "2015-01-24t10:27:44z",
        "2015-01-24T11:27:44+01:00[Europe/Paris]",
        "2015-01-24T10:27:44Z[UTC]",
        "2015-01-24T05:57:44.000000000-04:30[America/Argentina/ComodRivadavia]",
    ],
)
def test_a_time_in_either_format_is_converted_to_utc(text: str) -> None:
    placed = decode_trade(example(timePlaced=text)).time_placed
    assert (placed, placed.tzinfo) == (PLACED, UTC)


@pytest.mark.parametrize(("month", "name"), list(enumerate(MONTHS, start=1)))
def test_every_english_month_is_known_by_its_abbreviation_and_its_full_name(month: int, name: str) -> None:
    for spelling in (name, name.capitalize(), calendar.month_name[month], calendar.month_name[month].upper()):
        assert decode_trade(example(timePlaced=f"03-{spelling}-15 00:00:00")).time_placed.month == month


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("24-SEPT-15 10:27:44", datetime(2015, 9, 24, 10, 27, 44, tzinfo=UTC)),
        ("1-AUG-12 8:02:01", datetime(2012, 8, 1, 8, 2, 1, tzinfo=UTC)),
        ("10-JUN-2015 23:58:42", datetime(2015, 6, 10, 23, 58, 42, tzinfo=UTC)),
        ("31-DEC-1999 0:00:00", datetime(1999, 12, 31, tzinfo=UTC)),
        ("1-September-2015 08:02:01", datetime(2015, 9, 1, 8, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_time_may_have_single_digits_a_whole_year_and_other_english_month_names(text: str, placed: datetime) -> None:
    assert decode_trade(example(timePlaced=text)).time_placed == placed


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:59:59+01:00"])
def test_a_time_before_1970_is_implausible(text: str) -> None:
    assert fault_codes(example(timePlaced=text)) == [("timePlaced", "implausible-time")]


def test_the_first_second_of_1970_is_accepted() -> None:
    assert decode_trade(example(timePlaced="1970-01-01T00:00:00Z")).time_placed == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("year", "full"), [("00", 2000), ("15", 2015), ("24", 2024)])
def test_a_two_digit_year_is_in_this_century(year: str, full: int) -> None:
    assert decode_trade(example(timePlaced=f"01-JAN-{year} 00:00:00")).time_placed.year == full


def test_the_year_99_means_2099() -> None:
    assert fault_codes(example(timePlaced="01-JAN-99 00:00:00")) == [("timePlaced", "in-the-future")]


def test_a_leap_day_is_accepted_in_a_leap_year() -> None:
    assert decode_trade(example(timePlaced="29-FEB-24 00:00:00")).time_placed.day == 29


def test_a_fraction_of_a_second_has_at_most_19_digits() -> None:
    assert decode_trade(example(timePlaced=f"2015-01-24T10:27:44.{'0' * 19}Z")).time_placed == PLACED
    for digits in (20, 60_000):
        assert fault_codes(example(timePlaced=f"2015-01-24T10:27:44.{'0' * digits}Z")) == [("timePlaced", "bad-time")]


def test_microseconds_are_kept() -> None:
    placed = decode_trade(example(timePlaced="2015-01-24T10:27:44.123456Z")).time_placed
    assert placed == PLACED + timedelta(microseconds=123456)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "24-MAI-15 10:27:44",
        "24-JANV-15 10:27:44",
        "31-FEB-15 10:27:44",
        "29-FEB-15 10:27:44",
        "00-JAN-15 10:27:44",
        "24-JAN-15 24:00:00",
        "24-JAN-15 10:60:44",
        "24-JAN-15 10:27:60",
        "24-JAN-15",
        "24-JAN-15T10:27:44",
        "24-JAN-15 10:27:44Z",
        "24-JAN-15  10:27:44",
        "24-JAN-015 10:27:44",
        "124-JAN-15 10:27:44",
        "24-JANU-15 10:27:44",
        "24-J\u00adAN-15 10:27:44",
        "24-JAN-15\u200b10:27:44",
        "24\u2013JAN\u201315 10:27:44",
        "24-SEPTE-15 10:27:44",
        "24-JAN-15 10:27:44[Europe/Paris]",
        "2015-01-24T10:27:44[Europe/Paris]",
        "2015-01-24T10:27:44Z[]",
        "2015-01-24T10:27:44Z[Europe/Paris][u-ca=hebrew]",
        "24.01.2015 10:27:44",
        "01/02/2015 10:27:44",
        "٢٤-JAN-15 10:27:44",
        "2015-01-24T10:27:44",
        "2015-01-24",
        "2015-02-29T00:00:00Z",
        "2015-01-24T25:00:00Z",
        "2015-01-24T10:27:44+25:00",
        "1422095264",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "24-JAN-15 10:27:44" * 1000,
    ],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    assert fault_codes(example(timePlaced=text)) == [("timePlaced", "bad-time")]


def test_a_time_as_a_number_is_refused() -> None:
    assert fault_codes(example(timePlaced=1422095264)) == [("timePlaced", "wrong-type")]


@pytest.mark.parametrize("now", [NOW, NOW + timedelta(microseconds=1), NOW.replace(year=2099)])
def test_a_time_up_to_5_minutes_in_the_future_is_accepted(now: datetime) -> None:
    edge = now + timedelta(minutes=5)
    placed, _ = trade.decode(example(timePlaced=edge.isoformat()), now)
    assert placed.time_placed == edge


@pytest.mark.parametrize("offset", [0, 14, -12])
def test_a_time_more_than_5_minutes_in_the_future_is_refused_in_any_time_zone(offset: int) -> None:
    too_late = NOW + timedelta(minutes=5, microseconds=1)
    text = (too_late + timedelta(hours=offset)).replace(tzinfo=None).isoformat() + f"{offset:+03d}:00"
    with pytest.raises(InvalidTrade, match="5 minutes") as caught:
        trade.decode(example(timePlaced=text), NOW)
    assert [(fault.field, fault.code) for fault in caught.value.faults] == [("timePlaced", "in-the-future")]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns"])
@pytest.mark.parametrize("locale", ["de_DE.UTF-8", "tr_TR.UTF-8", "C"])
def test_the_result_does_not_depend_on_locale_and_time_zone(zone: str, locale: str) -> None:
    program = (
        "import contextlib, locale\n"
        "with contextlib.suppress(locale.Error):\n"
        "    locale.setlocale(locale.LC_ALL, '')\n"
        "from tests.support import example\n"
        "from tests.unit.helpers import decode_trade\n"
        "print(decode_trade(example(timePlaced='24-may-15 10:27:44')).time_placed)\n"
    )
    env = {"TZ": zone, "LC_ALL": locale, "LANG": locale}
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert result.stdout == "2015-05-24 10:27:44+00:00\n"
