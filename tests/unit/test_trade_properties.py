"""Properties of any body: it decodes to a trade or raises InvalidTrade, and amounts are kept exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support import EXAMPLE, example
from tests.unit.helpers import FIELDS, MESSAGE, NOW, decode_trade, event_json
from tradewire import event, trade
from tradewire.errors import InvalidEvent, InvalidTrade

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
near_misses = (
    json_values
    | st.from_regex(r"\A[+-]?[0-9]{0,20}\.?[0-9]{0,14}([eE][+-]?[0-9]{1,10})?\Z")
    | st.from_regex(r"\A[0-9]{2}-[A-Z]{3}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\Z")
    | st.datetimes(timezones=st.timezones() | st.none()).map(lambda time: time.isoformat())
    | st.sampled_from(list(EXAMPLE.values()))
)
keys = st.sampled_from([*FIELDS, *(f" {field}" for field in FIELDS)]) | st.text()


def assert_trade_or_faults(body: bytes) -> None:
    """Check that a body decodes to a valid trade or raises InvalidTrade with faults that can be encoded."""
    try:
        decoded, ignored = trade.decode(body, NOW)
    except InvalidTrade as invalid:
        faults = invalid.faults
    else:
        msgspec.json.encode(ignored)
        event.decode(event.encode(decoded, event.new_id(), NOW))
        return
    assert faults
    msgspec.json.encode(faults)


@given(st.binary())
def test_any_bytes_are_a_trade_or_have_faults(body: bytes) -> None:
    assert_trade_or_faults(body)


@given(st.data())
def test_a_message_with_any_bytes_inserted_is_a_trade_or_has_faults(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(MESSAGE)))
    end = data.draw(st.integers(start, len(MESSAGE)))
    assert_trade_or_faults(MESSAGE[:start] + data.draw(st.binary(max_size=20)) + MESSAGE[end:])


@given(json_values)
def test_any_json_is_a_trade_or_has_faults(value: Any) -> None:
    assert_trade_or_faults(msgspec.json.encode(value))


@given(st.dictionaries(keys, near_misses))
def test_any_field_values_are_a_trade_or_have_faults(changes: dict[str, Any]) -> None:
    assert_trade_or_faults(example(**changes))


@given(
    whole=st.text("0123456789", max_size=18),
    fraction=st.text("0123456789", max_size=12),
    quoted=st.booleans(),
)
def test_the_text_of_an_accepted_amount_is_kept(whole: str, fraction: str, *, quoted: bool) -> None:
    text = (whole.lstrip("0") or "0") + ("." + fraction if fraction else "")
    if Decimal(text) == 0:
        text = "1"
    body = example(rate=text if quoted else msgspec.Raw(text.encode()))
    assert event.decode(event.encode(decode_trade(body), event.new_id(), NOW)).rate == text


@given(st.integers(1, 10**18 - 1), st.integers(-12, 17))
def test_an_amount_with_an_exponent_is_encoded_without_one(number: int, exponent: int) -> None:
    text = f"{number}e{exponent}"
    assume(Decimal(text) < 10**18)
    decoded = decode_trade(example(amountSell=text))
    amount = event.decode(event.encode(decoded, event.new_id(), NOW)).amount_sell
    assert Decimal(amount) == Decimal(text)
    assert "e" not in amount.lower()


@given(st.binary())
def test_any_bytes_are_an_event_or_invalid(body: bytes) -> None:
    for candidate in (body, event_json(1)[:-1] + b',"x":"' + body + b'"}', event_json(1)[:-1] + b"," + body + b"}"):
        try:
            event.decode(candidate)
        except InvalidEvent:
            continue
        msgspec.json.decode(candidate)  # frames contain events unchanged, so all of it must be valid JSON
