"""The trade message as a whole: what can be read at all, how it is folded, and that every fault is named."""

from __future__ import annotations

import msgspec
import pytest

from tests.support import EXAMPLE, WIDELY_COPIED, example
from tests.unit.helpers import MESSAGE, NOW, accepted, refused, with_field, with_more
from tradewire import trade
from tradewire.errors import InvalidTrade

DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b" \r\n\t ", "empty", id="white space"),
        pytest.param(b"hello", "not-json", id="words"),
        pytest.param(b'{"userId":NaN}', "not-json", id="NaN, which JSON does not have"),
        pytest.param(b'{"userId":-Infinity}', "not-json", id="Infinity, which JSON does not have"),
        pytest.param(MESSAGE + MESSAGE, "not-json", id="two messages"),
        pytest.param(MESSAGE.replace(b"134259", b"13\x0042"), "not-json", id="a bare NUL"),
        pytest.param(b"[]", "not-an-object", id="an array"),
        pytest.param(b"null", "not-an-object", id="null"),
        pytest.param(b"7", "not-an-object", id="a number"),
        pytest.param(b'"userId"', "not-an-object", id="a string"),
        pytest.param(b"[" * DEEP, "too-deep", id="open arrays"),
        pytest.param(b'{"a":' * DEEP, "too-deep", id="open objects"),
        pytest.param(b"[" * DEEP + b"]" * DEEP, "too-deep", id="nested arrays"),
        pytest.param(with_more('"x":' + "[" * DEEP + "]" * DEEP), "too-deep", id="a deep unknown field"),
        pytest.param(b"\xff\xfe", "not-utf-8", id="no UTF-8 at all"),
        pytest.param(MESSAGE.replace(b"134259", b"\xe9"), "not-utf-8", id="a value in Latin-1"),
        pytest.param(MESSAGE.replace(b"userId", b"us\xe9r"), "not-utf-8", id="a key in Latin-1"),
        pytest.param(MESSAGE.replace(b"134259", b"\xed\xa0\x80"), "not-utf-8", id="a surrogate in UTF-8"),
        pytest.param(with_field("userId", r'"\ud800"'), "lone-surrogate", id="a high surrogate"),
        pytest.param(with_field("userId", r'"\uDC00"'), "lone-surrogate", id="a low surrogate"),
        pytest.param(with_field("userId", r'"\ud83d\u0041"'), "lone-surrogate", id="a pair with a wrong half"),
        pytest.param(with_more(r'"\ud800":1'), "lone-surrogate", id="a surrogate in a key"),
        pytest.param(with_more(r'"x":["\ud800"]'), "lone-surrogate", id="a surrogate in an unknown field"),
    ],
)
def test_a_body_that_is_no_message_is_refused_with_the_reason(body: bytes, code: str) -> None:
    assert refused(body) == [(None, code)]


@pytest.mark.parametrize("end", range(1, len(MESSAGE)))
def test_a_truncated_message_is_no_json(end: int) -> None:
    assert refused(MESSAGE[:end]) == [(None, "not-json")]


def test_the_byte_that_is_not_utf_8_is_named_by_its_place_in_the_body() -> None:
    body = MESSAGE.replace(b"134259", b"\xff")
    with pytest.raises(InvalidTrade, match=f"at byte {body.index(0xFF)}"):
        trade.decode(body, NOW)


def test_a_whole_pair_of_surrogates_is_a_character() -> None:
    assert accepted(with_field("userId", r'"\ud83d\ude00"')).user_id == "😀"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (with_field("userId", r'"a\u0000b"'), ("userId", "nul")),
        (with_field("rate", r'"\u00001"'), ("rate", "nul")),
        (with_more(r'"note":"\u0000"'), ("note", "nul")),
        (
            MESSAGE.replace(b"timePlaced", b"time Placed").replace(b"24-J", rb"24\u0000-J"),
            ("timePlaced", "nul"),
        ),
    ],
)
def test_a_nul_in_a_string_is_a_fault_of_its_field_alone(body: bytes, fault: tuple[str, str]) -> None:
    assert refused(body) == [fault]


def test_a_key_with_a_nul_is_shown_without_it() -> None:
    assert refused(with_more(r'"no\u0000te":1')) == [("no?te", "nul")]


def test_the_widely_copied_example_is_taken_for_what_it_means() -> None:
    assert trade.decode(WIDELY_COPIED, NOW) == (accepted(MESSAGE), [])


def test_codes_and_values_are_folded() -> None:
    slips = {
        "userId": " 134259\n",
        "currencyFrom": "\teur ",
        "currencyTo": "gBp",
        "amountSell": " 1000 ",
        "amountBuy": "747.1",
        "rate": "\u00a00.7471",
        "timePlaced": " 24-jan-15 10:27:44 ",
        "originatingCountry": "fr\r\n",
    }
    assert accepted(example(**slips)) == accepted(MESSAGE)


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0", "\u2003", " \r\n "])
@pytest.mark.parametrize("field", trade.FIELDS)
def test_white_space_anywhere_in_a_key_is_folded(field: str, space: str) -> None:
    spaced = {space + space.join(key) + space if key == field else key: EXAMPLE[key] for key in EXAMPLE}
    assert trade.decode(msgspec.json.encode(spaced), NOW) == (accepted(MESSAGE), [])


def test_white_space_within_a_value_is_not_folded() -> None:
    assert refused(example(currencyFrom="E UR")) == [("currencyFrom", "unknown-currency")]


def test_unknown_fields_are_ignored_and_named_as_they_were_written() -> None:
    body = with_more('"my note":{"deep":[1,null]},"USERID":"x"')
    assert trade.decode(body, NOW) == (accepted(MESSAGE), ["my note", "USERID"])


def test_of_very_many_unknown_fields_the_first_are_named_and_long_names_are_cut() -> None:
    names = [f"{number:04d}{'x' * 100}" for number in range(300)]
    body = with_more(",".join(f'"{name}":0' for name in names))
    assert trade.decode(body, NOW) == (accepted(MESSAGE), [name[:64] for name in names[: trade.IGNORED_MAX]])


def test_of_very_many_odd_names_the_first_ten_are_told_and_every_fault_of_the_fields_that_are_known() -> None:
    odd = ",".join(f'"{number:04d}\\u0000":0' for number in range(1000))
    again = ",".join(f'"{" " * spaces}rate":0' for spaces in range(1, 1000))
    faults = refused(with_more(f'{odd},{again},"user\\u0000Id":7').replace(b"FR", b"FX"))
    assert faults == [
        *((f"{number:04d}?", "nul") for number in range(10)),
        *(("rate", "duplicate"), ("originatingCountry", "unknown-country")),
    ]


@pytest.mark.parametrize("field", trade.FIELDS)
def test_a_field_given_twice_after_folding_is_a_fault_of_it(field: str) -> None:
    assert refused(example(**{f" {field}": EXAMPLE[field]})) == [(field, "duplicate")]


@pytest.mark.parametrize("field", trade.FIELDS)
def test_a_missing_field_is_named(field: str) -> None:
    lacking = {key: value for key, value in EXAMPLE.items() if key != field}
    assert refused(msgspec.json.encode(lacking)) == [(field, "missing")]


@pytest.mark.parametrize("value", ["null", "true", "[]", "{}", '["EUR"]'])
@pytest.mark.parametrize("field", trade.FIELDS)
def test_a_value_of_a_type_that_no_field_has_is_refused(field: str, value: str) -> None:
    assert refused(with_field(field, value)) == [(field, "wrong-type")]


@pytest.mark.parametrize("value", ["1.5", "1e3"])
@pytest.mark.parametrize("field", ["userId", "currencyFrom", "currencyTo", "timePlaced", "originatingCountry"])
def test_a_number_with_a_point_or_an_exponent_is_no_text(field: str, value: str) -> None:
    assert refused(with_field(field, value)) == [(field, "wrong-type")]


def test_every_fault_is_named_at_once() -> None:
    body = example(
        userId="",
        currencyFrom="EURO",
        currencyTo=None,
        amountSell=0,
        amountBuy="1e9999999",
        rate="NaN",
        timePlaced="yesterday",
        originatingCountry="ZZ",
    )
    assert refused(body) == [
        ("userId", "empty"),
        ("currencyFrom", "unknown-currency"),
        ("currencyTo", "wrong-type"),
        ("amountSell", "not-positive"),
        ("amountBuy", "too-large"),
        ("rate", "not-a-number"),
        ("timePlaced", "bad-time"),
        ("originatingCountry", "unknown-country"),
    ]


def test_an_empty_object_lacks_every_field() -> None:
    assert refused(b"{}") == [(field, "missing") for field in trade.FIELDS]


def test_each_fault_tells_a_person_which_field_it_means() -> None:
    with pytest.raises(InvalidTrade) as raised:
        trade.decode(b"{}", NOW)
    assert all(fault.field and fault.field in fault.detail for fault in raised.value.faults)
