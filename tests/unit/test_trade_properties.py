"""What holds for any body: it is a trade or InvalidTrade, never anything else; any amount is kept exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support import EXAMPLE, example
from tests.unit.helpers import MESSAGE, NOW, accepted, line
from tradewire import event, trade
from tradewire.errors import InvalidEvent, InvalidTrade

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
near_misses = (
    json_values
    | st.from_regex(r"\A[+-]?[0-9]{0,20}\.?[0-9]{0,14}([eE][+-]?[0-9]{1,10})?\Z")
    | st.from_regex(r"\A[0-9]{2}-[A-Z]{3}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\Z")
    | st.datetimes(timezones=st.timezones() | st.none()).map(lambda moment: moment.isoformat())
    | st.sampled_from(list(EXAMPLE.values()))
)
keys = st.sampled_from([*trade.FIELDS, *(f" {field}" for field in trade.FIELDS)]) | st.text()


def is_a_trade_or_invalid(body: bytes) -> None:
    """Decode a body; what is wrong with it must come out as InvalidTrade, with faults that can be sent."""
    try:
        placed, ignored = trade.decode(body, NOW)
    except InvalidTrade as invalid:
        faults = invalid.faults
    else:
        msgspec.json.encode(ignored)
        event.decode(event.encode(placed, event.new_id(), NOW))
        return
    assert faults
    msgspec.json.encode(faults)


@given(st.binary())
def test_any_bytes_are_a_trade_or_invalid(body: bytes) -> None:
    is_a_trade_or_invalid(body)


@given(st.data())
def test_any_bytes_in_the_middle_of_a_message_leave_it_a_trade_or_invalid(data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(MESSAGE)))
    end = data.draw(st.integers(begin, len(MESSAGE)))
    is_a_trade_or_invalid(MESSAGE[:begin] + data.draw(st.binary(max_size=20)) + MESSAGE[end:])


@given(json_values)
def test_any_json_is_a_trade_or_invalid(value: Any) -> None:
    is_a_trade_or_invalid(msgspec.json.encode(value))


@given(st.dictionaries(keys, near_misses))
def test_any_values_in_the_fields_are_a_trade_or_invalid(changes: dict[str, Any]) -> None:
    is_a_trade_or_invalid(example(**changes))


@given(
    whole=st.text("0123456789", max_size=18),
    fraction=st.text("0123456789", max_size=12),
    quoted=st.booleans(),
)
def test_the_text_of_any_amount_that_is_accepted_comes_out_as_it_went_in(
    whole: str, fraction: str, *, quoted: bool
) -> None:
    text = (whole.lstrip("0") or "0") + ("." + fraction if fraction else "")
    if Decimal(text) == 0:
        text = "1"
    body = example(rate=text if quoted else msgspec.Raw(text.encode()))
    assert event.decode(event.encode(accepted(body), event.new_id(), NOW)).rate == text


@given(st.integers(1, 10**18 - 1), st.integers(-12, 17))
def test_an_amount_written_with_an_exponent_is_shown_without_one(number: int, exponent: int) -> None:
    text = f"{number}e{exponent}"
    assume(Decimal(text) < 10**18)
    placed = accepted(example(amountSell=text))
    shown = event.decode(event.encode(placed, event.new_id(), NOW)).amount_sell
    assert Decimal(shown) == Decimal(text)
    assert "e" not in shown.lower()


@given(st.binary())
def test_any_bytes_are_an_event_or_bad(body: bytes) -> None:
    for candidate in (body, line(1)[:-1] + b',"x":"' + body + b'"}', line(1)[:-1] + b"," + body + b"}"):
        try:
            event.decode(candidate)
        except InvalidEvent:
            continue
        msgspec.json.decode(candidate)  # it goes into a frame as it is, so it must be JSON all through
