"""The trade message as a whole: unreadable bodies, normalization of white space and case, and faults."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.support import EXAMPLE, EXAMPLE_WITH_TYPOS, example
from tests.unit.helpers import FIELDS, MESSAGE, NOW, decode_trade, fault_codes, with_extra_fields, with_field
from tradewire import trade
from tradewire.errors import InvalidTrade

DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "empty", id="an empty body"),
        pytest.param(b" \r\n\t ", "empty", id="white space"),
        pytest.param(b"hello", "not-json", id="plain text"),
        pytest.param(b'{"userId":NaN}', "not-json", id="NaN, which JSON does not have"),
        pytest.param(b'{"userId":-Infinity}', "not-json", id="Infinity, which JSON does not have"),
        pytest.param(MESSAGE + MESSAGE, "not-json", id="two messages"),
        pytest.param(MESSAGE.replace(b"134259", b"13\x0042"), "not-json", id="an unescaped NUL"),
        pytest.param(b"\xef\xbb\xbf", "empty", id="a byte order mark"),
        pytest.param("\ufeff{\u00ad".encode(), "not-json", id="a byte order mark before half an object"),
        pytest.param(b"\xef\xbb\xbf[]", "not-an-object", id="a byte order mark before an array"),
        pytest.param("\u200b{}".encode(), "not-json", id="a zero-width space"),
        pytest.param("\u00ad".encode() + b'"' + rb"\"" * 30_000, "not-json", id="a string without an end"),
        pytest.param(b"userId=134259&currencyFrom=EUR", "not-json", id="a form"),
        pytest.param(b'--x\r\nContent-Disposition: form-data; name="userId"', "not-json", id="a multipart form"),
        pytest.param(b"[]", "not-an-object", id="an array"),
        pytest.param(b"null", "not-an-object", id="null"),
        pytest.param(b"7", "not-an-object", id="a number"),
        pytest.param(b'"userId"', "not-an-object", id="a string"),
        pytest.param(b"[" * DEEP, "too-deep", id="unclosed arrays"),
        pytest.param(b'{"a":' * DEEP, "too-deep", id="unclosed objects"),
        pytest.param(b"[" * DEEP + b"]" * DEEP, "too-deep", id="nested arrays"),
        pytest.param(with_extra_fields('"x":' + "[" * DEEP + "]" * DEEP), "too-deep", id="a deep unknown field"),
        pytest.param(b"\xff\xfe", "not-utf-8", id="a body that is not UTF-8"),
        pytest.param(MESSAGE.replace(b"134259", b"\xe9"), "not-utf-8", id="a value in Latin-1"),
        pytest.param(MESSAGE.replace(b"userId", b"us\xe9r"), "not-utf-8", id="a key in Latin-1"),
        pytest.param(MESSAGE.replace(b"134259", b"\xed\xa0\x80"), "not-utf-8", id="a surrogate in UTF-8"),
        pytest.param(with_field("userId", r'"\ud800"'), "lone-surrogate", id="a high surrogate"),
        pytest.param(with_field("userId", r'"\uDC00"'), "lone-surrogate", id="a low surrogate"),
        pytest.param(with_field("userId", r'"\ud83d\u0041"'), "lone-surrogate", id="a high surrogate before a letter"),
        pytest.param(with_extra_fields(r'"\ud800":1'), "lone-surrogate", id="a surrogate in a key"),
        pytest.param(with_extra_fields(r'"x":["\ud800"]'), "lone-surrogate", id="a surrogate in an unknown field"),
    ],
)
def test_an_unreadable_body_is_refused_with_a_code(body: bytes, code: str) -> None:
    assert fault_codes(body) == [(None, code)]


@pytest.mark.parametrize("end", range(1, len(MESSAGE)))
def test_a_truncated_message_is_refused(end: int) -> None:
    assert fault_codes(MESSAGE[:end]) == [(None, "not-json")]


def test_the_fault_gives_the_position_of_the_first_byte_that_is_not_utf_8() -> None:
    body = MESSAGE.replace(b"134259", b"\xff")
    with pytest.raises(InvalidTrade, match=f"at byte {body.index(0xFF)}"):
        trade.decode(body, NOW)


def test_a_surrogate_pair_is_one_character() -> None:
    assert decode_trade(with_field("userId", r'"\ud83d\ude00"')).user_id == "😀"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (with_field("userId", r'"a\u0000b"'), ("userId", "nul")),
        (with_field("rate", r'"\u00001"'), ("rate", "nul")),
        (with_extra_fields(r'"note":"\u0000"'), ("note", "nul")),
        (
            MESSAGE.replace(b"timePlaced", b"time Placed").replace(b"24-J", rb"24\u0000-J"),
            ("timePlaced", "nul"),
        ),
    ],
)
def test_a_nul_in_a_string_is_a_fault_of_its_field(body: bytes, fault: tuple[str, str]) -> None:
    assert fault_codes(body) == [fault]


def test_a_nul_in_a_field_name_is_replaced_in_the_fault() -> None:
    assert fault_codes(with_extra_fields(r'"no\u0000te":1')) == [("no?te", "nul")]


def test_the_widely_copied_example_with_typos_is_accepted() -> None:
    assert trade.decode(EXAMPLE_WITH_TYPOS, NOW) == (decode_trade(MESSAGE), [])


def test_surrounding_white_space_and_case_are_normalized() -> None:
    untidy = {
        "userId": " 134259\n",
        "currencyFrom": "\teur ",
        "currencyTo": "gBp",
        "amountSell": " 1000 ",
        "amountBuy": "747.1",
        "rate": "\u00a00.7471",
        "timePlaced": " 24-jan-15 10:27:44 ",
        "originatingCountry": "fr\r\n",
    }
    assert decode_trade(example(**untidy)) == decode_trade(MESSAGE)


@pytest.mark.parametrize(
    "space", [" ", "\t", "\u00a0", "\u2003", " \r\n ", "\u00ad", "\ufeff", "\u200b", "\u202e", "\u3164"]
)
@pytest.mark.parametrize("field", FIELDS)
def test_white_space_and_invisible_characters_anywhere_in_a_field_name_is_removed(field: str, space: str) -> None:
    spaced = {space + space.join(key) + space if key == field else key: EXAMPLE[key] for key in EXAMPLE}
    assert trade.decode(msgspec.json.encode(spaced), NOW) == (decode_trade(MESSAGE), [])


@pytest.mark.parametrize("hidden", ["\u00ad", "\ufeff", "\u00a0", "\u00ad \ufeff"])
def test_soft_hyphens_and_byte_order_marks_count_as_white_space(hidden: str) -> None:
    around = {key: f"{hidden}{value}{hidden}" for key, value in EXAMPLE.items()}
    assert trade.decode(msgspec.json.encode(around), NOW) == (decode_trade(MESSAGE), [])
    between = hidden.join(re.split('(?<=[{}:,"])(?=["}{])', MESSAGE.decode()))
    assert trade.decode(f"{hidden}{between}{hidden}".encode(), NOW) == (decode_trade(MESSAGE), [])


def test_characters_in_strings_are_never_folded_with_those_between_tokens() -> None:
    body = f'\ufeff{MESSAGE.decode()[:-1]},"\u00ad\\"x\u00ad":"\\\\"}}'.encode()
    assert trade.decode(body, NOW)[1] == ['\u00ad"x\u00ad']


def test_white_space_inside_a_value_is_kept() -> None:
    assert fault_codes(example(currencyFrom="E UR")) == [("currencyFrom", "unknown-currency")]


def test_unknown_fields_are_ignored_and_reported_as_written() -> None:
    body = with_extra_fields('"my note":{"deep":[1,null]},"USERID":"x"')
    assert trade.decode(body, NOW) == (decode_trade(MESSAGE), ["my note", "USERID"])


def test_only_the_first_of_many_unknown_fields_are_reported_and_long_names_are_cut() -> None:
    names = [f"{number:04d}{'x' * 100}" for number in range(300)]
    body = with_extra_fields(",".join(f'"{name}":0' for name in names))
    assert trade.decode(body, NOW) == (decode_trade(MESSAGE), [name[:64] for name in names[: trade.IGNORED_MAX]])


def test_the_first_ten_faults_are_reported_those_of_known_fields_first_and_the_others_are_counted() -> None:
    nul_names = ",".join(f'"{number:04d}\\u0000":0' for number in range(1000))
    duplicates = ",".join(f'"{" " * spaces}rate":0' for spaces in range(1, 1000))
    body = with_extra_fields(f'{nul_names},{duplicates},"user\\u0000Id":7').replace(b"FR", b"FX")
    assert fault_codes(body) == [
        *(("rate", "duplicate-field"), ("originatingCountry", "unknown-country")),
        *((f"{number:04d}?", "nul") for number in range(8)),
    ]
    with pytest.raises(InvalidTrade) as caught:
        decode_trade(body)
    assert caught.value.more == 993


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_given_twice_after_normalization_is_a_fault(field: str) -> None:
    assert fault_codes(example(**{f" {field}": EXAMPLE[field]})) == [(field, "duplicate-field")]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("again", ['"{0}":1', '"{0}":"x"', '"{0}":null', '"{0}":["\\""]', '"{0}":{{}}'])
def test_a_field_given_twice_in_the_same_spelling_is_a_fault(field: str, again: str) -> None:
    first = b"{" + again.format(field).encode() + b"," + MESSAGE[1:]
    assert fault_codes(first) == [(field, "duplicate-field")]
    escaped = again.format(f"\\u{ord(field[0]):04x}{field[1:]}")
    assert (field, "duplicate-field") in fault_codes(with_extra_fields(escaped))


@pytest.mark.parametrize(
    "extra",
    [
        r'"note":"\"rate\":1,\"rate\":2"',
        r'"note":"\\"',
        r'"\"rate\"":"\\\""',
        '"note":{"rate":1,"rate":2}',
        '"note":[{"rate":"a","rate":"b"},"rate"]',
        '"note":{"a":{"a":["a","a"]}}',
        '"note":1,"note":2',
    ],
)
def test_names_of_fields_in_other_values_and_repeated_unknown_fields_are_no_fault(extra: str) -> None:
    assert fault_codes(with_extra_fields(extra)) == []


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_reported(field: str) -> None:
    incomplete = {key: value for key, value in EXAMPLE.items() if key != field}
    assert fault_codes(msgspec.json.encode(incomplete)) == [(field, "missing")]


@pytest.mark.parametrize("value", ["null", "true", "[]", "{}", '["EUR"]'])
@pytest.mark.parametrize("field", FIELDS)
def test_a_value_that_is_neither_string_nor_number_is_refused(field: str, value: str) -> None:
    assert fault_codes(with_field(field, value)) == [(field, "wrong-type")]


@pytest.mark.parametrize("value", ["1.5", "1e3"])
@pytest.mark.parametrize("field", ["userId", "currencyFrom", "currencyTo", "timePlaced", "originatingCountry"])
def test_a_fractional_number_is_refused_in_a_text_field(field: str, value: str) -> None:
    assert fault_codes(with_field(field, value)) == [(field, "wrong-type")]


def test_all_faults_are_reported_at_once() -> None:
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
    assert fault_codes(body) == [
        ("userId", "empty"),
        ("currencyFrom", "unknown-currency"),
        ("currencyTo", "wrong-type"),
        ("amountSell", "not-positive"),
        ("amountBuy", "too-large"),
        ("rate", "not-a-number"),
        ("timePlaced", "bad-time"),
        ("originatingCountry", "unknown-country"),
    ]


def test_every_field_is_missing_from_an_empty_object() -> None:
    assert fault_codes(b"{}") == [(field, "missing") for field in FIELDS]
