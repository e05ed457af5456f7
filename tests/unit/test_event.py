"""Trade events: encoding, decoding, and how ids are made."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import example
from tests.unit.helpers import FIELDS, MESSAGE, NOW, decode_trade, event_id, event_json, with_field
from tradewire import event, invisible, trade
from tradewire.errors import InvalidEvent
from tradewire.trade import to_texts

ID = "0190a0b0-c0d0-7e0f-8a1b-2c3d4e5f6071"
TRADE = decode_trade(MESSAGE)
EVENT = event.encode(TRADE, ID, NOW)


def with_value(name: str, text: bytes) -> bytes:
    """Return an event with one field's value replaced by literal JSON text."""
    return msgspec.json.encode(msgspec.json.decode(EVENT) | {name: msgspec.Raw(text)})


def test_an_event_is_encoded_with_exact_amounts_and_utc_times() -> None:
    trade = decode_trade(with_field("amountBuy", "747.10"))
    assert event.encode(trade, ID, datetime(2024, 6, 1, 2, 3, 4, 50, tzinfo=UTC)) == (
        b'{"id":"0190a0b0-c0d0-7e0f-8a1b-2c3d4e5f6071","receivedAt":"2024-06-01T02:03:04.000050Z",'
        b'"userId":"134259","currencyFrom":"EUR","currencyTo":"GBP","amountSell":"1000","amountBuy":"747.10",'
        b'"rate":"0.7471","timePlaced":"2015-01-24T10:27:44Z","originatingCountry":"FR","flags":[]}'
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("1e17", "1" + "0" * 17), ("1e-12", "0." + "0" * 11 + "1"), ("1.50e1", "15.0")]
)
def test_an_amount_is_encoded_without_an_exponent(text: str, expected: str) -> None:
    trade = decode_trade(with_field("amountSell", text))
    assert event.decode(event.encode(trade, ID, NOW)).amount_sell == expected


def test_a_time_survives_the_conversion_to_microseconds_and_back() -> None:
    latest = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert event.to_microseconds(latest) == 253_402_300_799_999_999
    assert event.from_microseconds(event.to_microseconds(latest)) == latest


def test_the_time_received_always_has_six_fractional_digits() -> None:
    assert event.decode(EVENT).received_at == "2024-06-01T00:00:00.000000Z"


def test_an_event_has_the_flags_of_its_trade() -> None:
    trade = decode_trade(example(amountBuy=1))
    assert event.decode(event.encode(trade, ID, NOW)).flags == ["rate-mismatch"]


visible = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Z"]), min_size=1, max_size=64)


@given(visible.filter(lambda text: not invisible.first(text)))
def test_an_encoded_event_is_one_line_and_decodes_to_the_original(user_id: str) -> None:
    encoded = event.encode(decode_trade(example(userId=user_id)), ID, NOW)
    assert len(encoded.splitlines()) == 1
    decoded = event.decode(encoded)
    assert (decoded.id, decoded.user_id, Decimal(decoded.rate)) == (ID, user_id, TRADE.rate)


def test_unknown_fields_are_ignored() -> None:
    assert event.decode(event_json(7, pad=3)).id == event_id(7)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="an empty body"),
        pytest.param(b"hello", id="plain text"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" + EVENT + b"]", id="an array"),
        pytest.param(EVENT[:-1], id="truncated"),
        pytest.param(EVENT + b"}", id="trailing garbage"),
        pytest.param(EVENT + EVENT, id="two events"),
        pytest.param(MESSAGE, id="a message without id and time"),
        pytest.param(b"\xef\xbb\xbf" + EVENT, id="a byte order mark"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(EVENT[:-1] + b',"x":' + b"[" * 100_000, id="deep nesting in an unknown field"),
        pytest.param(EVENT[:-1] + b',"x":"\xff"}', id="an unknown field that is not UTF-8"),
        pytest.param(EVENT[:-1] + b',"x":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(EVENT[:-1] + b',"\xff":1}', id="a key that is not UTF-8"),
        pytest.param(EVENT.replace(b"EUR", b"E\xffR"), id="a value that is not UTF-8"),
        pytest.param(EVENT[:-1] + rb',"x":"\q"}', id="an unknown field with an invalid escape"),
        pytest.param(EVENT[:-1] + b',"x":"\x01"}', id="an unknown field with a control character"),
        pytest.param(EVENT[:-1] + b',"x":NaN}', id="an unknown field that is NaN"),
        pytest.param(EVENT.replace(b'"id"', b'"ID"'), id="no id"),
        pytest.param(with_value("id", b'""'), id="an empty id"),
        pytest.param(with_value("id", b"7"), id="an id that is a number"),
        pytest.param(with_value("id", ID.upper().encode().join([b'"'] * 2)), id="an id in capitals"),
        pytest.param(with_value("id", ID.replace("-", "").encode().join([b'"'] * 2)), id="an id without dashes"),
        pytest.param(with_value("id", b'"%b "' % ID.encode()), id="an id with a space"),
        pytest.param(with_value("id", rb'"%b\n"' % ID.encode()), id="an id with a line break"),
        pytest.param(with_value("amountSell", b"1000"), id="an amount that is not a string"),
        pytest.param(with_value("userId", b'"%b"' % (b"x" * 65)), id="a user id of 65 characters"),
        pytest.param(with_value("flags", b"null"), id="flags that are not a list"),
        pytest.param(with_value("flags", b"[1]"), id="a flag that is not a string"),
    ],
)
def test_a_line_that_is_not_exactly_one_event_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        event.decode(body)


@pytest.mark.parametrize("name", ["id", "receivedAt", *FIELDS, "flags"])
def test_an_event_without_a_field_is_invalid_and_the_reason_names_the_field(name: str) -> None:
    fields = msgspec.json.decode(EVENT)
    del fields[name]
    with pytest.raises(InvalidEvent, match=name):
        event.decode(msgspec.json.encode(fields))


def test_the_reason_gives_the_position_of_the_first_byte_that_is_not_utf_8() -> None:
    bad = EVENT.replace(b"EUR", b"E\xffR")
    with pytest.raises(InvalidEvent, match=f"not UTF-8.* at byte {bad.index(0xFF)}$"):
        event.decode(bad)


def test_the_reason_says_that_a_line_is_nested_too_deeply() -> None:
    with pytest.raises(InvalidEvent, match=r"^nested too deeply$"):
        event.decode(EVENT[:-1] + b',"x":' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("line", "torn"),
    [
        (EVENT[:40] + b"\0" * 40 + EVENT[80:], "; a part of it is zeros, as a power cut may leave it"),
        (EVENT[:40], ""),
    ],
)
def test_the_reason_says_if_a_part_of_the_line_is_zeros(line: bytes, torn: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        event.decode(line)
    assert re.fullmatch(f"not an event: [^;]*{torn}", str(caught.value))


def test_many_events_are_decoded_at_once_as_each_alone() -> None:
    events = [event_json(number, pad=number) for number in range(1, 50)]
    many = event.decode_all(events)
    assert [*map(msgspec.structs.astuple, many)] == [msgspec.structs.astuple(event.decode(line)) for line in events]
    assert event.decode_all([]) == []


def test_packed_ids_have_sixteen_bytes_each() -> None:
    events = [event_json(number, pad=number) for number in range(1, 50)]
    assert event.packed_ids(events) == [number.to_bytes(16, "big") for number in range(1, 50)]
    assert event.packed_ids([EVENT]) == [uuid.UUID(ID).bytes]


@pytest.mark.parametrize(
    "wrong",
    [ID.upper(), ID[:-1], ID + "0", f"{ID},{ID}", f"{ID}\n", ID.replace("-", ""), " " + ID[1:], "\u0661" + ID[1:]],
)
def test_one_malformed_id_makes_a_batch_invalid(wrong: str) -> None:
    bad = with_value("id", msgspec.json.encode(wrong))
    for lines in ([bad], [event_json(1), bad], [bad, event_json(1), event_json(2)]):
        with pytest.raises(InvalidEvent, match="not an event"):
            event.packed_ids(lines)


def test_ids_that_are_valid_only_when_concatenated_are_invalid() -> None:
    halves = [with_value("id", msgspec.json.encode(half)) for half in (ID[:-1], ID[-1] + ID)]
    with pytest.raises(InvalidEvent):
        event.packed_ids(halves)


def test_a_character_split_across_two_lines_is_invalid() -> None:
    euro = "€".encode()
    lines = [with_value("pad", b'"' + fragment + b'"') for fragment in (euro[:1], euro[1:])]
    with pytest.raises(InvalidEvent, match="UTF-8"):
        event.packed_ids(lines)


def test_ids_and_times_returns_all_ids_and_counts_events_by_time() -> None:
    later = event.encode(TRADE, event_id(3), datetime(2024, 6, 2, tzinfo=UTC))
    ids, counts = event.ids_and_times([event_json(1), event_json(2), later])
    assert ids == [event_id(1), event_id(2), event_id(3)]
    assert counts == {"2024-06-01T00:00:00.000000Z": 2, "2024-06-02T00:00:00.000000Z": 1}


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    id_ = uuid.UUID(event.new_id())
    assert (id_.version, id_.variant) == (7, uuid.RFC_4122)


def test_new_ids_are_unique_and_ascending() -> None:
    ids = [event.new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_a_keyed_id_is_a_uuid_of_version_8() -> None:
    for place in range(100):
        id_ = uuid.UUID(event.keyed_id("key", place, TRADE))
        assert (id_.version, id_.variant) == (8, uuid.RFC_4122)


@pytest.mark.parametrize("make", [event.new_id, lambda: event.keyed_id("key", 0, TRADE)])
def test_an_event_can_have_an_id_of_either_version(make: object) -> None:
    assert callable(make)
    id_ = make()
    assert event.decode(event.encode(TRADE, id_, NOW)).id == id_


def test_a_retry_has_the_same_id() -> None:
    assert event.keyed_id("key", 3, TRADE) == event.keyed_id("key", 3, decode_trade(MESSAGE))


GOLDEN_IDS = {
    "b7f4a6f8-02f7-83d0-804d-184d34f23b1a": ("key", 0, MESSAGE),
    "6536bb0e-0db7-8edf-b12d-6c45c6d59ca2": ("key", 999, MESSAGE),
    "3b2ac722-c899-8fe6-922e-cf170078c43a": ("!~" * 100, 1, MESSAGE),
    "6ee36eee-292a-87c8-972d-1ccb12467942": ("key", 0, example(userId='Zoë 中文 "quoted"')),
    "4a712f56-c426-8678-aaa7-aab38f63fdd2": ("key", 0, example(amountSell=1e17, amountBuy="1e-12", rate="1e-12")),
    "7c19fd82-4d10-87c7-869b-82ac7cea43ea": ("key", 0, with_field("amountBuy", "747.10")),
    "02de346d-89b4-8e30-acc9-db7e31c8750c": ("key", 0, example(timePlaced="2015-01-24T10:27:44.500+02:00")),
    "f20595eb-d01d-8244-b7f7-53a21a94ac30": (
        *("key", 0),
        example(currencyFrom="JPY", currencyTo="XOF", originatingCountry="XK"),
    ),
}
"""Ids from the first release, with the arguments that they are made of."""


@pytest.mark.parametrize(("expected", "arguments"), GOLDEN_IDS.items())
def test_a_keyed_id_never_changes_between_releases(expected: str, arguments: tuple[str, int, bytes]) -> None:
    key, place, body = arguments
    assert event.keyed_id(key, place, decode_trade(body)) == expected


@pytest.mark.parametrize(
    "retry",
    [
        pytest.param(with_field("amountSell", '"1000"'), id="an amount as a string"),
        pytest.param(with_field("amountSell", "1e3"), id="an amount with an exponent"),
        pytest.param(with_field("timePlaced", '"2015-01-24T11:27:44+01:00"'), id="the time in another zone"),
        pytest.param(with_field("currencyFrom", '" eur "'), id="a code in lower case"),
        pytest.param(with_field("userId", "134259"), id="the user id as a number"),
        pytest.param(with_field("rate", "0.74710000000000003"), id="a rate with the noise of a float"),
        pytest.param("\ufeff".encode() + MESSAGE, id="a byte order mark before the body"),
    ],
)
def test_a_retry_with_another_spelling_has_the_same_id(retry: bytes) -> None:
    assert event.keyed_id("key", 0, decode_trade(retry)) == event.keyed_id("key", 0, TRADE)


@pytest.mark.parametrize(
    ("key", "place", "body"),
    [
        pytest.param("key2", 0, MESSAGE, id="key"),
        pytest.param("Key", 0, MESSAGE, id="the key in another case"),
        pytest.param("key", 1, MESSAGE, id="place"),
        pytest.param("key", 0, example(userId="134258"), id="user"),
        pytest.param("key", 0, example(currencyFrom="USD"), id="currency sold"),
        pytest.param("key", 0, example(currencyTo="USD"), id="currency bought"),
        pytest.param("key", 0, example(amountSell=1001), id="amount sold"),
        pytest.param("key", 0, example(amountBuy=747.2), id="amount bought"),
        pytest.param("key", 0, with_field("amountBuy", "747.10"), id="a trailing zero, which is kept"),
        pytest.param("key", 0, example(rate=0.7472), id="rate"),
        pytest.param("key", 0, example(timePlaced="24-JAN-15 10:27:45"), id="time"),
        pytest.param("key", 0, example(originatingCountry="DE"), id="country"),
    ],
)
def test_another_key_place_or_trade_gives_another_id(key: str, place: int, body: bytes) -> None:
    assert event.keyed_id(key, place, decode_trade(body)) != event.keyed_id("key", 0, TRADE)


def posted_by(producer: str, body: bytes = MESSAGE) -> trade.Trade:
    return trade.decode(body, NOW, producer)[0]


def test_a_named_producer_has_ids_of_its_own() -> None:
    ids = [event.keyed_id("key", 0, posted_by(producer)) for producer in ("", "alice", "bob")]
    assert ids[0] == event.keyed_id("key", 0, TRADE)
    assert len(set(ids)) == 3
    assert ids[1] == "599a1936-9012-89c3-bf5c-988169126325"


@pytest.mark.parametrize(
    ("key", "place", "body"), [("k", 0, MESSAGE), ("key", 1, MESSAGE), ("key", 0, example(rate=1))]
)
def test_a_named_producer_has_an_id_for_each_key_place_and_trade(key: str, place: int, body: bytes) -> None:
    one = event.keyed_id("key", 0, posted_by("alice"))
    assert event.keyed_id(key, place, posted_by("alice", body)) != one


def test_a_producers_event_has_its_name_and_no_other_event_has_the_member() -> None:
    named = event.encode(posted_by("alice"), event.new_id(), NOW)
    assert event.decode(named).producer == "alice"
    assert b'"producer":"alice"' in named
    assert b"producer" not in event.encode(TRADE, event.new_id(), NOW)


def test_an_optional_field_counts_by_name_and_value_if_it_is_present(monkeypatch: pytest.MonkeyPatch) -> None:
    def id_with(**optional: str | None) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(event, "_OPTIONAL_NAMES", ["producer", *optional])
            patch.setattr(event, "to_texts", lambda trade: [*to_texts(trade), *optional.values()])
            return event.keyed_id("key", 0, TRADE)

    assert id_with(venue=None, note=None) == event.keyed_id("key", 0, TRADE)
    assert id_with(venue="x", note=None) == id_with(venue="x")
    assert id_with(venue="x", note="y") == id_with(note="y", venue="x")
    assert (
        len({id_with(), id_with(venue="x"), id_with(venue="y"), id_with(note="x"), id_with(venue="x", note="x")}) == 5
    )


def test_key_and_place_are_kept_apart() -> None:
    assert event.keyed_id("key", 10, TRADE) != event.keyed_id("key1", 0, TRADE)


@pytest.mark.parametrize(
    ("received_at", "expected"),
    [
        ('"2026-01-02T03:04:05.000006Z"', datetime(2026, 1, 2, 3, 4, 5, 6, UTC)),
        ('"2026-01-02T03:04:05"', None),
        ('"yesterday"', None),
        ("7", None),
    ],
)
def test_peek_returns_the_id_and_the_time_received_if_it_is_valid(received_at: str, expected: datetime | None) -> None:
    id_ = event.new_id()
    assert event.peek(f'{{"id":"{id_}","receivedAt":{received_at}}}'.encode()) == event.EventHeader(id_, expected)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"id":7}', b'{"id":"seven"}', b"\xff", b"[" * 100_000])
def test_peek_returns_none_for_a_line_without_a_valid_id(line: bytes) -> None:
    assert event.peek(line) is None


def test_the_reason_for_a_malformed_id_is_readable() -> None:
    with pytest.raises(InvalidEvent, match=r"^not an event: Expected a UUID - at `\$\.id`$"):
        event.decode(with_value("id", b'"x"'))
