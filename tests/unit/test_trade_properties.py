"""Properties of any body: it decodes to a trade or raises InvalidTrade, and amounts are kept exactly."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support import EXAMPLE, example
from tests.unit.helpers import FIELDS, MESSAGE, NOW, decode_trade, event_json
from tradewire import event, trade
from tradewire.decoding import repeated_keys
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


class Members(list[Any]):
    """The members of an object, in order. Keys may be repeated."""


def write_json(value: Any, *, is_ascii: bool, comma: str) -> bytes:
    """Write JSON with repeated keys, and with or without escapes of characters beyond ASCII."""
    if isinstance(value, Members):
        members = [
            write_json(key, is_ascii=is_ascii, comma=comma) + b":" + write_json(inner, is_ascii=is_ascii, comma=comma)
            for key, inner in value
        ]
        return b"{" + comma.encode().join(members) + b"}"
    if isinstance(value, list):
        items = [write_json(item, is_ascii=is_ascii, comma=comma) for item in value]
        return b"[" + comma.encode().join(items) + b"]"
    return json.dumps(value, ensure_ascii=is_ascii).encode()


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


@given(st.integers(1, 10**40), st.integers(-60, 0))
def test_an_amount_of_any_length_is_rounded_as_decimal_arithmetic_does(number: int, exponent: int) -> None:
    text = f"{number}e{exponent}"
    with localcontext() as context:
        context.prec = 120
        expected = Decimal(text).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
    assume(len(text) <= 64 and 0 < expected < 10**18)
    decoded = decode_trade(example(amountSell=text))
    assert decoded.amount_sell == expected
    is_rounded = exponent < -12
    assert decoded.rounded == (["amountSell"] if is_rounded else [])
    written = event.decode(event.encode(decoded, event.new_id(), NOW)).amount_sell
    assert Decimal(written) == expected
    assert not (is_rounded and "." in written and written.endswith(("0", ".")))


positive_floats = st.floats(1e-6, 1e12)


@given(positive_floats, positive_floats)
def test_a_rate_that_was_computed_with_floats_is_no_mismatch(sell: float, buy: float) -> None:
    rate = buy / sell
    assume(1e-6 < rate < 1e12)
    decoded = decode_trade(example(amountSell=sell, amountBuy=buy, rate=rate))
    if decoded.rounded:
        assert "rate-mismatch" not in decoded.flags


simple_keys = st.sampled_from(["rate", "userId", "note", 'a"b', "a\\b", "\\", '"', "é", ""])
inner_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text('ab"\\{}:,[]é', max_size=4)
    | st.sampled_from(["rate", "userId"]),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(simple_keys, inner), max_size=3).map(Members),
    max_leaves=6,
)


@given(
    members=st.lists(st.tuples(simple_keys, inner_values), max_size=6),
    is_ascii=st.booleans(),
    is_spaced=st.booleans(),
)
def test_the_keys_that_a_slow_parser_finds_repeated_are_found(
    members: list[tuple[str, Any]],
    *,
    is_ascii: bool,
    is_spaced: bool,
) -> None:
    body = write_json(Members(members), is_ascii=is_ascii, comma=" , " if is_spaced else ",")
    decoded = msgspec.json.decode(body)
    keys = [key for key, _ in members]
    assert sorted(repeated_keys(body, decoded)) == sorted({key for key in keys if keys.count(key) > 1})


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
