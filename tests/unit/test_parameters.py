"""Query parameters: their values, and all faults of a query at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from api.http import parameter_types
from api.http.parameters import ParameterType, Query, parameter, parse_query
from api.query.cursor import CURSOR, Cursor, encode
from api.query.filters import FilterQuery
from api.query.messages import MessagesQuery
from api.query.stats import StatsQuery
from tradewire.errors import BadValue, InvalidQuery
from tradewire.event import format_time, from_microseconds, to_microseconds
from tradewire.field_types import USER_ID
from tradewire.store.views import Position

USER = parameter_types.of_field(USER_ID)


@dataclass(frozen=True, kw_only=True)
class SampleQuery(Query):
    """A query with two parameters."""

    sold: str | None = parameter("from", parameter_types.CURRENCY, "A currency.")
    limit: int = parameter("limit", parameter_types.integer(1, 10), "A number.", default=3)


def faults(query: type[Query], *pairs: tuple[str, str], **defaults: Any) -> set[tuple[str | None, str]]:
    """Return the field and code of every fault of a query. The set is empty for a valid one."""
    try:
        parse_query(query, MultiDict(pairs), **defaults)
    except InvalidQuery as error:
        return {(fault.field, fault.code) for fault in error.faults}
    return set()


def fault_code(parameter_type: ParameterType, text: str) -> str:
    """Return the fault code of an invalid value."""
    with pytest.raises(BadValue) as caught:
        parameter_type.parse(text)
    return caught.value.code


def test_given_parameters_are_read_and_the_others_have_defaults() -> None:
    assert parse_query(SampleQuery, MultiDict([("from", " eur")])) == SampleQuery(sold="EUR", limit=3)
    assert parse_query(SampleQuery, MultiDict([("limit", "7")]), sold="USD") == SampleQuery(sold="USD", limit=7)


def test_all_faults_are_reported_at_once() -> None:
    pairs = [("from", "EUR"), ("from", "EUR"), ("limit", "11"), ("form", "x")]
    assert faults(SampleQuery, *pairs) == {
        ("from", "repeated-parameter"),
        ("limit", "out-of-range"),
        ("form", "unknown-parameter"),
    }


def test_of_many_unknown_parameters_the_first_ten_are_reported_and_the_others_counted() -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_query(SampleQuery, MultiDict((f"a{number}", "") for number in range(2000)))
    assert ([fault.field for fault in caught.value.faults], caught.value.more) == ([f"a{n}" for n in range(10)], 1990)
    assert len(str(caught.value)) < 1000


def test_a_long_unknown_name_is_shortened_in_the_error() -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_query(SampleQuery, MultiDict([("x" * 5000, "")]))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31t12:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 13:00:00.000001+01:00", datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-23:59", datetime(9998, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_timestamp_is_iso_8601_with_an_offset_and_clamped_to_the_supported_range(
    text: str, expected: datetime
) -> None:
    assert parameter_types.TIMESTAMP.parse(text) == to_microseconds(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-01-31", "2026-01-31T12:00:00", "20260131T120000Z", "1767225600", "2026-02-30T00:00:00Z"),
        *(
            "2026-01-31T24:60:00Z",
            "2026-01-31T12:00:00 01:00",
            "2026-01-31T12:00:00+25:00",
            "\u0662026-01-31T12:00:00Z",
        ),
    ],
)
def test_an_invalid_timestamp_is_refused(text: str) -> None:
    assert fault_code(parameter_types.TIMESTAMP, text) == "bad-time"


@pytest.mark.parametrize(
    ("parameter_type", "text", "code"),
    [
        (parameter_types.CURRENCY, "", "unknown-currency"),
        (parameter_types.CURRENCY, "XYZ", "unknown-currency"),
        (parameter_types.CURRENCY, "u\u017fd", "unknown-currency"),
        (parameter_types.COUNTRY, "XX", "unknown-country"),
        (USER, "", "empty"),
        (USER, "x" * 65, "too-long"),
        (USER, "a\0", "control-character"),
        (USER, "a\n", "control-character"),
        (parameter_types.WORDS, "x" * 129, "too-long"),
        (parameter_types.WORDS, "a\tb", "control-character"),
        (parameter_types.FLAG, "", "bad-flag"),
        (parameter_types.FLAG, "Rate,", "bad-flag"),
        (parameter_types.FLAG, "rate-mismatch\n", "bad-flag"),
        (parameter_types.AMOUNT, "-1", "bad-amount"),
        (parameter_types.AMOUNT, "1e5", "bad-amount"),
        (parameter_types.AMOUNT, "NaN", "bad-amount"),
        (parameter_types.AMOUNT, "1.", "bad-amount"),
        (parameter_types.AMOUNT, "1\n", "bad-amount"),
        (parameter_types.AMOUNT, "\u0661", "bad-amount"),
        (parameter_types.AMOUNT, "1" * 19, "bad-amount"),
        (parameter_types.WINDOW, "0m", "bad-window"),
        (parameter_types.WINDOW, "1w", "bad-window"),
        (parameter_types.WINDOW, "10000d", "bad-window"),
        (parameter_types.WINDOW, "m", "bad-window"),
        (parameter_types.integer(1, 5), "0", "out-of-range"),
        (parameter_types.integer(1, 5), "6", "out-of-range"),
        (parameter_types.integer(1, 5), "1.0", "out-of-range"),
        (parameter_types.integer(1, 5), "9" * 5000, "out-of-range"),
        (parameter_types.integer(1, 5), "\u0661", "out-of-range"),
        (parameter_types.one_of("a", "b"), "A", "unknown-value"),
        (CURSOR, "", "bad-cursor"),
        (CURSOR, "A" * 31, "bad-cursor"),
        (CURSOR, "A" * 33, "bad-cursor"),
        (CURSOR, "A" * 31 + "=", "bad-cursor"),
        (CURSOR, "A" * 31 + "+", "bad-cursor"),
        (CURSOR, "A" * 32 + "\n", "bad-cursor"),
    ],
)
def test_an_invalid_value_is_refused_with_a_code(parameter_type: ParameterType, text: str, code: str) -> None:
    assert fault_code(parameter_type, text) == code


@pytest.mark.parametrize(
    ("parameter_type", "text", "value"),
    [
        (parameter_types.COUNTRY, "fr", "FR"),
        (USER, "=1+1 \u00e9", "=1+1 \u00e9"),
        (parameter_types.WORDS, "  eur  rate-mismatch eur ", ("eur", "rate-mismatch")),
        (parameter_types.WORDS, "", ()),
        (parameter_types.AMOUNT, "747.10", Decimal("747.10")),
        (parameter_types.AMOUNT, "0", Decimal(0)),
        (parameter_types.WINDOW, "15m", 900),
        (parameter_types.WINDOW, "24h", 86400),
        (parameter_types.WINDOW, "9999d", 9999 * 86400),
    ],
)
def test_a_valid_value_of_each_type_is_read(parameter_type: ParameterType, text: str, value: object) -> None:
    assert parameter_type.parse(text) == value


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=64)


@given(st.integers(-(2**63), 2**63 - 1), st.uuids(), VALUES)
def test_a_cursor_decodes_to_its_position_and_value(received_at: int, number: object, value: str) -> None:
    position = Cursor(Position(received_at, str(number)), value)
    assert CURSOR.parse(encode(position)) == position
    assert len(encode(position._replace(value=""))) == 32


@pytest.mark.parametrize("text", ["", "A" * 31, "A" * 33, "A" * 34, "A" * 400, "!" * 32, "A" * 32 + "_w"])
def test_another_text_is_no_cursor(text: str) -> None:
    assert fault_code(CURSOR, text) == "bad-cursor"


@pytest.mark.parametrize(
    ("sort", "missing"),
    [
        ("amountSell", {"from"}),
        ("-amountSell", {"from"}),
        ("amountBuy", {"to"}),
        ("-rate", {"from", "to"}),
        ("timePlaced", set()),
        ("-userId", set()),
        ("receivedAt", set()),
    ],
)
def test_amounts_are_sorted_in_one_currency_only(sort: str, missing: set[str]) -> None:
    assert faults(MessagesQuery, ("sort", sort), format="json") == {(name, "missing") for name in missing}
    pair = ("from", "EUR"), ("to", "GBP")
    assert faults(MessagesQuery, ("sort", sort), *pair, format="json") == set()
    assert faults(MessagesQuery, ("sort", sort), *pair, format="csv") == {("sort", "not-with-format")}


@pytest.mark.parametrize(
    ("sort", "value"), [("-amountSell", ""), ("-amountSell", "1e3"), ("userId", ""), ("receivedAt", "7")]
)
def test_a_cursor_of_another_order_is_refused(sort: str, value: str) -> None:
    text = encode(Cursor(Position(1, str(UUID(int=1))), value))
    query = ("sort", sort), ("from", "EUR"), ("cursor", text)
    assert faults(MessagesQuery, *query, format="json") == {("cursor", "not-together")}


REVERSED_RANGE = ("since", "2026-01-02T00:00:00Z"), ("until", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("query", [MessagesQuery, StatsQuery])
def test_contradictory_parameters_are_refused(query: type[FilterQuery]) -> None:
    defaults = {"format": "json"} if query is MessagesQuery else {}
    assert faults(query, *REVERSED_RANGE, ("min", "2"), ("max", "1"), **defaults) == {
        ("until", "empty-range"),
        ("max", "empty-range"),
    }
    for bound in REVERSED_RANGE:
        assert faults(query, bound, ("window", "1h"), **defaults) == {("window", "not-together")}
        assert faults(query, bound, **defaults) == set()


def test_messages_and_statistics_have_the_same_filters() -> None:
    shared = FilterQuery.parameters()
    assert {parameter.name for parameter in shared.values()} == {
        *("user", "from", "to", "country", "producer", "flag", "min", "max", "q", "window", "since", "until"),
    }
    assert StatsQuery.parameters() == shared
    assert MessagesQuery.parameters().items() >= shared.items()


def test_only_pages_have_a_maximum_limit_and_a_cursor() -> None:
    assert faults(MessagesQuery, ("limit", "1001"), format="json") == {("limit", "out-of-range")}
    assert faults(MessagesQuery, ("limit", "1001"), format="csv") == set()
    assert faults(MessagesQuery, ("cursor", "A" * 32), format="json") == set()
    assert faults(MessagesQuery, ("cursor", "A" * 32), format="csv") == {("cursor", "not-with-format")}


def test_only_csv_has_a_separator_and_it_is_a_comma_or_a_semicolon() -> None:
    for separator in (",", ";"):
        assert faults(MessagesQuery, ("separator", separator), format="csv") == set()
        for other in ("json", "ndjson"):
            assert faults(MessagesQuery, ("separator", separator), format=other) == {("separator", "not-with-format")}
    assert faults(MessagesQuery, ("separator", "|"), format="csv") == {("separator", "unknown-value")}


NOW = to_microseconds(datetime(2026, 1, 2, 12, 0, 30, tzinfo=UTC))


def time_range(query: type[FilterQuery], **texts: str) -> tuple[str | None, ...]:
    """Return the bounds of a query's time range at NOW, without the date if it is today."""
    defaults = {"format": "json"} if query is MessagesQuery else {}
    bounds = parse_query(query, MultiDict(texts.items()), **defaults).time_range(NOW)
    return tuple(None if bound is None else short(bound) for bound in bounds)


def short(microseconds: int) -> str:
    return format_time(from_microseconds(microseconds), "auto").removeprefix("2026-01-02T")


@pytest.mark.parametrize("query", [MessagesQuery, StatsQuery])
def test_a_window_has_whole_steps_up_to_now(query: type[FilterQuery]) -> None:
    assert time_range(query, window="15m") == ("11:45:00Z", "12:01:00Z")
    assert time_range(query, window="25h") == ("2026-01-01T11:00:00Z", "12:01:00Z")
    assert time_range(query, window="2d") == ("2025-12-31T12:00:00Z", "13:00:00Z")
    assert time_range(query, window="365d") == ("2025-01-02T00:00:00Z", "2026-01-03T00:00:00Z")


@pytest.mark.parametrize("query", [MessagesQuery, StatsQuery])
def test_a_range_is_exactly_from_since_to_until(query: type[FilterQuery]) -> None:
    since, until = "2026-01-02T10:00:00.25Z", "2026-01-02T11:00:00.75Z"
    assert time_range(query, since=since, until=until) == ("10:00:00.250000Z", "11:00:00.750000Z")


def test_messages_have_no_bounds_by_default_and_statistics_the_last_24_hours() -> None:
    assert time_range(MessagesQuery) == (None, None)
    assert time_range(StatsQuery) == ("2026-01-01T12:00:00Z", "12:01:00Z")
    assert time_range(StatsQuery, since="2026-01-02T10:00:00Z") == ("10:00:00Z", "12:00:30Z")
    assert time_range(StatsQuery, until="2026-01-02T10:00:00Z") == ("1970-01-01T00:00:00Z", "10:00:00Z")
    assert time_range(StatsQuery, since="2026-01-02T14:00:00Z") == ("14:00:00Z", "14:00:00Z")
