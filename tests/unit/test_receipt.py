"""The receipt's line: told apart from an event, encoded and decoded, refused where it is not exactly one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.helpers import event_id, line
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
def test_a_receipt_comes_back_as_it_was_and_is_one_line_that_is_no_event(one: Receipt) -> None:
    encoded = receipt.encode(one)
    assert b"\n" not in encoded
    assert receipt.is_receipt(encoded)
    assert receipt.decode(encoded) == one


def test_what_is_usual_is_left_out_of_the_line() -> None:
    assert receipt.encode(SHOWN) == (
        b'{"receipt":"shown","at":"2026-01-02T03:04:05.000006Z",'
        b'"ids":["00000000-0000-0000-0000-000000000001","00000000-0000-0000-0000-000000000002"],"browsers":3}'
    )


def test_an_event_is_no_receipt() -> None:
    assert not receipt.is_receipt(line(1))
    assert not receipt.is_receipt(b"")


BAD = {
    "cut": receipt.encode(SHOWN)[:-1],
    "not UTF-8": receipt.encode(SHOWN)[:-1] + b',"reason":"\xff"}',
    "two": receipt.encode(SHOWN) * 2,
    "nested deep": b'{"receipt":' + b"[" * 100_000,
    "of no kind that there is": msgspec.json.encode(FIELDS | {"receipt": "lost"}),
    "without ids": msgspec.json.encode({name: value for name, value in FIELDS.items() if name != "ids"}),
    "of what has no id": msgspec.json.encode(FIELDS | {"ids": ["1"]}),
    "with an id and a line end": msgspec.json.encode(FIELDS | {"ids": [event_id(1) + "\n"]}),
    "of half a browser": msgspec.json.encode(FIELDS | {"browsers": 0.5}),
    "of fewer browsers than none": msgspec.json.encode(FIELDS | {"browsers": -1}),
    "of more browsers than there can be": msgspec.json.encode(FIELDS | {"browsers": 2**31}),
    "with a reason without end": msgspec.json.encode(FIELDS | {"reason": "x" * 1001}),
    "an event": line(1),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_line_that_is_not_exactly_a_receipt_is_refused_with_the_reason(bad: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"^not a receipt: ."):
        receipt.decode(bad)
