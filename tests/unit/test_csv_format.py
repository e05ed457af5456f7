"""Messages as CSV: no cell is a formula, however a spreadsheet splits the file, and amounts are numbers there."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from api.query import csv_format
from tests.unit.helpers import MESSAGE, NOW, decode_trade, event_id
from tradewire import event

EVENT = event.decode(event.encode(decode_trade(MESSAGE), event_id(1), NOW))


@pytest.mark.parametrize(
    "text", ["134259", "Ünïcode", "a-b", "user@example.org", "a, b", "x;y|z", "1+1=2", "ab'=c", ""]
)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert csv_format.disarm(text) == text


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\uff0b", "\uff0d", "\uff20", "\u2212"]
)
@pytest.mark.parametrize(
    "unseen",
    ["", " ", "\u200b", "\ufeff", "\u00ad", "\u202e", "\u3000", "\u2060 \u200d", "\ufe0f", '"', "\u3164", "\x00"],
)
@pytest.mark.parametrize("before", ["", "x;", "x,", "x|", "x\t", "a;b;", "x\n"])
def test_a_formula_is_disarmed_wherever_a_cell_may_begin(before: str, unseen: str, sign: str) -> None:
    assert csv_format.disarm(f"{before}{unseen}{sign}1+1") == f"{before}'{unseen}{sign}1+1"


def test_every_formula_of_a_text_is_disarmed() -> None:
    assert csv_format.disarm("=1;+2;x;\u200b@3") == "'=1;'+2;x;'\u200b@3"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx"])
def test_a_text_that_begins_with_a_control_character_is_disarmed(text: str) -> None:
    assert csv_format.disarm(text) == f"'{text}"


@pytest.mark.parametrize(("separator", "amount"), [(",", "747.10"), (";", "747,10")])
def test_amounts_have_the_decimal_sign_that_fits_the_separator(separator: str, amount: str) -> None:
    changed = msgspec.structs.replace(EVENT, user_id="a.b;c", amount_buy="747.10")
    body = csv_format.header(separator) + csv_format.rows(separator, [changed])
    [row] = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=separator)
    assert (row["amountBuy"], row["amountSell"], row["userId"]) == (amount, "1000", "a.b;c")
    assert row["receivedAt"] == EVENT.received_at
