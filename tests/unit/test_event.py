"""The event: what is encoded, what is taken for one, and how ids come about."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import example
from tests.unit.helpers import MESSAGE, NOW, accepted, event_id, line, with_field
from tradewire import event
from tradewire.errors import InvalidEvent

ID = "0190a0b0-c0d0-7e0f-8a1b-2c3d4e5f6071"
TRADE = accepted(MESSAGE)
EVENT = event.encode(TRADE, ID, NOW)


def with_member(name: str, text: bytes) -> bytes:
    """Give an event with one member's value written exactly so."""
    return msgspec.json.encode(msgspec.json.decode(EVENT) | {name: msgspec.Raw(text)})


def test_an_event_is_encoded_as_its_exact_texts() -> None:
    trade = accepted(with_field("amountBuy", "747.10"))
    assert event.encode(trade, ID, datetime(2024, 6, 1, 2, 3, 4, 50, tzinfo=UTC)) == (
        b'{"id":"0190a0b0-c0d0-7e0f-8a1b-2c3d4e5f6071","receivedAt":"2024-06-01T02:03:04.000050Z",'
        b'"userId":"134259","currencyFrom":"EUR","currencyTo":"GBP","amountSell":"1000","amountBuy":"747.10",'
        b'"rate":"0.7471","timePlaced":"2015-01-24T10:27:44Z","originatingCountry":"FR","flags":[]}'
    )


@pytest.mark.parametrize(
    ("written", "shown"), [("1e17", "1" + "0" * 17), ("1e-12", "0." + "0" * 11 + "1"), ("1.50e1", "15.0")]
)
def test_an_exponent_is_never_shown(written: str, shown: str) -> None:
    trade = accepted(with_field("amountSell", written))
    assert event.decode(event.encode(trade, ID, NOW)).amount_sell == shown


def test_a_moment_without_a_fraction_of_a_second_has_six_digits_all_the_same() -> None:
    assert event.decode(EVENT).received_at == "2024-06-01T00:00:00.000000Z"


def test_a_flag_of_the_trade_is_in_its_update() -> None:
    trade = accepted(example(amountBuy=1))
    assert event.decode(event.encode(trade, ID, NOW)).flags == ["rate-mismatch"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=64))
def test_an_event_is_one_line_and_decodes_to_what_was_encoded(user_id: str) -> None:
    encoded = event.encode(accepted(example(userId=user_id)), ID, NOW)
    assert len(encoded.splitlines()) == 1
    decoded = event.decode(encoded)
    assert (decoded.id, decoded.user_id, Decimal(decoded.rate)) == (ID, user_id, TRADE.rate)


def test_members_that_nobody_knows_are_let_be() -> None:
    assert event.decode(line(7, pad=3)).id == event_id(7)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="words"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" + EVENT + b"]", id="an array"),
        pytest.param(EVENT[:-1], id="truncated"),
        pytest.param(EVENT + b"}", id="trailing garbage"),
        pytest.param(EVENT + EVENT, id="two events"),
        pytest.param(MESSAGE, id="a message that was never accepted"),
        pytest.param(b"\xef\xbb\xbf" + EVENT, id="a byte order mark"),
        pytest.param(b"[" * 100_000, id="nested deep"),
        pytest.param(EVENT[:-1] + b',"x":' + b"[" * 100_000, id="an unknown member nested deep"),
        pytest.param(EVENT[:-1] + b',"x":"\xff"}', id="an unknown member that is not UTF-8"),
        pytest.param(EVENT[:-1] + b',"x":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(EVENT[:-1] + b',"\xff":1}', id="a key that is not UTF-8"),
        pytest.param(EVENT.replace(b"EUR", b"E\xffR"), id="a value that is not UTF-8"),
        pytest.param(EVENT[:-1] + rb',"x":"\q"}', id="an unknown member with a bad escape"),
        pytest.param(EVENT[:-1] + b',"x":"\x01"}', id="an unknown member with a control character"),
        pytest.param(EVENT[:-1] + b',"x":NaN}', id="an unknown member that is NaN"),
        pytest.param(EVENT.replace(b'"id"', b'"ID"'), id="no id"),
        pytest.param(with_member("id", b'""'), id="an empty id"),
        pytest.param(with_member("id", b"7"), id="an id that is a number"),
        pytest.param(with_member("id", ID.upper().encode().join([b'"'] * 2)), id="an id in capitals"),
        pytest.param(with_member("id", ID.replace("-", "").encode().join([b'"'] * 2)), id="an id without dashes"),
        pytest.param(with_member("id", b'"%b "' % ID.encode()), id="an id with a space"),
        pytest.param(with_member("id", rb'"%b\n"' % ID.encode()), id="an id with a line end"),
        pytest.param(with_member("amountSell", b"1000"), id="an amount that is no text"),
        pytest.param(with_member("userId", b'"%b"' % (b"x" * 65)), id="a user id of 65 characters"),
        pytest.param(with_member("flags", b"null"), id="flags that are no list"),
        pytest.param(with_member("flags", b"[1]"), id="a flag that is no text"),
    ],
)
def test_what_is_not_exactly_one_event_is_bad(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        event.decode(body)


@pytest.mark.parametrize("name", event.TradeEvent.__struct_encode_fields__)
def test_an_event_that_lacks_a_member_is_bad_and_the_reason_names_it(name: str) -> None:
    members = msgspec.json.decode(EVENT)
    del members[name]
    with pytest.raises(InvalidEvent, match=name):
        event.decode(msgspec.json.encode(members))


def test_the_reason_names_the_byte_that_is_not_utf_8() -> None:
    bad = EVENT.replace(b"EUR", b"E\xffR")
    with pytest.raises(InvalidEvent, match=f"not UTF-8.* at byte {bad.index(0xFF)}$"):
        event.decode(bad)


def test_the_keys_of_many_events_are_their_ids_in_sixteen_bytes() -> None:
    events = [line(number, pad=number) for number in range(1, 50)]
    assert event.packed_ids(events) == [number.to_bytes(16, "big") for number in range(1, 50)]
    assert event.packed_ids([EVENT]) == [uuid.UUID(ID).bytes]


@pytest.mark.parametrize(
    "wrong",
    [ID.upper(), ID[:-1], ID + "0", f"{ID},{ID}", f"{ID}\n", ID.replace("-", ""), " " + ID[1:], "\u0661" + ID[1:]],
)
def test_one_wrong_id_among_many_is_bad(wrong: str) -> None:
    bad = with_member("id", msgspec.json.encode(wrong))
    for lines in ([bad], [line(1), bad], [bad, line(1), line(2)]):
        with pytest.raises(InvalidEvent, match="not an event"):
            event.packed_ids(lines)


def test_ids_that_are_right_only_together_are_bad() -> None:
    halves = [with_member("id", msgspec.json.encode(half)) for half in (ID[:-1], ID[-1] + ID)]
    with pytest.raises(InvalidEvent):
        event.packed_ids(halves)


def test_letters_that_are_right_only_together_are_bad() -> None:
    euro = "€".encode()
    cut = [with_member("pad", b'"' + part + b'"') for part in (euro[:1], euro[1:])]
    with pytest.raises(InvalidEvent, match="UTF-8"):
        event.packed_ids(cut)


def test_the_origins_of_events_are_their_ids_and_how_many_came_at_which_moment() -> None:
    later = event.encode(TRADE, event_id(3), datetime(2024, 6, 2, tzinfo=UTC))
    ids, received = event.ids_and_times([line(1), line(2), later])
    assert ids == [event_id(1), event_id(2), event_id(3)]
    assert received == {"2024-06-01T00:00:00.000000Z": 2, "2024-06-02T00:00:00.000000Z": 1}


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    made = uuid.UUID(event.new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_new_ids_differ_and_are_in_the_order_in_which_they_were_made() -> None:
    made = [event.new_id() for _ in range(1000)]
    assert made == sorted(set(made))


def test_a_keyed_id_is_a_uuid_of_version_8() -> None:
    for place in range(100):
        made = uuid.UUID(event.keyed_id("key", place, TRADE))
        assert (made.version, made.variant) == (8, uuid.RFC_4122)


@pytest.mark.parametrize("make", [event.new_id, lambda: event.keyed_id("key", 0, TRADE)])
def test_an_event_takes_an_id_of_either_kind(make: object) -> None:
    assert callable(make)
    made = make()
    assert event.decode(event.encode(TRADE, made, NOW)).id == made


def test_a_retry_has_the_same_id() -> None:
    assert event.keyed_id("key", 3, TRADE) == event.keyed_id("key", 3, accepted(MESSAGE))


def test_a_keyed_id_is_the_same_in_every_process_and_release() -> None:
    assert event.keyed_id("key", 0, TRADE) == "b7f4a6f8-02f7-83d0-804d-184d34f23b1a"


@pytest.mark.parametrize(
    "retry",
    [
        pytest.param(with_field("amountSell", '"1000"'), id="an amount as a string"),
        pytest.param(with_field("amountSell", "1e3"), id="an amount with an exponent"),
        pytest.param(with_field("timePlaced", '"2015-01-24T11:27:44+01:00"'), id="the time in another zone"),
        pytest.param(with_field("currencyFrom", '" eur "'), id="a code in small letters"),
        pytest.param(with_field("userId", "134259"), id="the user id as a number"),
    ],
)
def test_a_retry_that_is_written_differently_has_the_same_id(retry: bytes) -> None:
    assert event.keyed_id("key", 0, accepted(retry)) == event.keyed_id("key", 0, TRADE)


@pytest.mark.parametrize(
    ("key", "place", "body"),
    [
        pytest.param("key2", 0, MESSAGE, id="key"),
        pytest.param("Key", 0, MESSAGE, id="the key's capitals"),
        pytest.param("key", 1, MESSAGE, id="place"),
        pytest.param("key", 0, example(userId="134258"), id="user"),
        pytest.param("key", 0, example(currencyFrom="USD"), id="currency sold"),
        pytest.param("key", 0, example(currencyTo="USD"), id="currency bought"),
        pytest.param("key", 0, example(amountSell=1001), id="amount sold"),
        pytest.param("key", 0, example(amountBuy=747.2), id="amount bought"),
        pytest.param("key", 0, with_field("amountBuy", "747.10"), id="an amount's last zero, which is shown"),
        pytest.param("key", 0, example(rate=0.7472), id="rate"),
        pytest.param("key", 0, example(timePlaced="24-JAN-15 10:27:45"), id="time"),
        pytest.param("key", 0, example(originatingCountry="DE"), id="country"),
    ],
)
def test_another_key_place_or_trade_is_another_message(key: str, place: int, body: bytes) -> None:
    assert event.keyed_id(key, place, accepted(body)) != event.keyed_id("key", 0, TRADE)


def test_a_key_and_a_place_do_not_run_together() -> None:
    assert event.keyed_id("key", 10, TRADE) != event.keyed_id("key1", 0, TRADE)


@pytest.mark.parametrize(
    ("received_at", "found"),
    [
        ('"2026-01-02T03:04:05.000006Z"', datetime(2026, 1, 2, 3, 4, 5, 6, UTC)),
        ('"2026-01-02T03:04:05"', None),
        ('"yesterday"', None),
        ("7", None),
    ],
)
def test_the_head_tells_which_event_it_is_and_when_it_was_received_where_that_can_be_told(
    received_at: str, found: datetime | None
) -> None:
    id_ = event.new_id()
    assert event.peek(f'{{"id":"{id_}","receivedAt":{received_at}}}'.encode()) == event.EventHeader(id_, found)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"id":7}', b'{"id":"seven"}', b"\xff", b"[" * 100_000])
def test_what_names_no_event_has_no_head(line: bytes) -> None:
    assert event.peek(line) is None


def test_an_id_that_is_none_is_refused_in_plain_words() -> None:
    with pytest.raises(InvalidEvent, match=r"^not an event: Expected a UUID - at `\$\.id`$"):
        event.decode(with_member("id", b'"x"'))
