"""Receipts: encoding, decoding, and the distinction from events."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.helpers import event_id, event_json
from tradewire import receipt
from tradewire.errors import InvalidEvent
from tradewire.receipt import Receipt

SHOWN = Receipt("shown", "2026-01-02T03:04:05.000006Z", [event_id(1), event_id(2)], browsers=3)
FIELDS = msgspec.to_builtins(SHOWN)

receipts = st.builds(
    Receipt,
    receipt=st.sampled_from(["shown", "expired", "dead-lettered", "discarded"]),
    at=st.text(max_size=1000),
    ids=st.lists(st.uuids().map(str), max_size=50),
    tube=st.text(max_size=1000),
    browsers=st.integers(0, 2**31 - 1),
    reason=st.text(max_size=1000),
)


@given(receipts)
def test_a_receipt_is_encoded_as_one_line_and_decodes_to_the_original(original: Receipt) -> None:
    encoded = receipt.encode(original)
    assert b"\n" not in encoded
    assert receipt.is_receipt(encoded)
    assert receipt.decode(encoded) == original


def test_default_values_are_not_encoded() -> None:
    assert receipt.encode(SHOWN) == (
        b'{"receipt":"shown","at":"2026-01-02T03:04:05.000006Z",'
        b'"ids":["00000000-0000-0000-0000-000000000001","00000000-0000-0000-0000-000000000002"],"browsers":3}'
    )


def test_an_event_is_not_a_receipt() -> None:
    assert not receipt.is_receipt(event_json(1))
    assert not receipt.is_receipt(b"")


INVALID = {
    "truncated": receipt.encode(SHOWN)[:-1],
    "not UTF-8": receipt.encode(SHOWN)[:-1] + b',"reason":"\xff"}',
    "two receipts": receipt.encode(SHOWN) * 2,
    "deep nesting": b'{"receipt":' + b"[" * 100_000,
    "unknown kind": msgspec.json.encode(FIELDS | {"receipt": "lost"}),
    "no ids": msgspec.json.encode({name: value for name, value in FIELDS.items() if name != "ids"}),
    "malformed id": msgspec.json.encode(FIELDS | {"ids": ["1"]}),
    "id with a line break": msgspec.json.encode(FIELDS | {"ids": [event_id(1) + "\n"]}),
    "fractional number of browsers": msgspec.json.encode(FIELDS | {"browsers": 0.5}),
    "negative number of browsers": msgspec.json.encode(FIELDS | {"browsers": -1}),
    "too many browsers": msgspec.json.encode(FIELDS | {"browsers": 2**31}),
    "reason too long": msgspec.json.encode(FIELDS | {"reason": "x" * 1001}),
    "event": event_json(1),
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)
def test_a_line_that_is_not_exactly_one_receipt_is_refused_with_a_reason(invalid: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"^not a receipt: ."):
        receipt.decode(invalid)


def test_a_receipt_has_no_reason_unless_one_is_given() -> None:
    ids = [event_id(1)]
    [without] = receipt.encode_all("discarded", "live", ids)
    [with_reason] = receipt.encode_all("discarded", "live", ids, "evicted")
    assert b'"reason"' not in without
    assert [receipt.decode(line).reason for line in (without, with_reason)] == ["", "evicted"]
