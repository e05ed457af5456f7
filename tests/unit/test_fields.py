"""The declaration of a trade's fields, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.query.exports import FILE_FORMATS
from api.query.messages import MessagesQuery
from tests.generate_fields import TARGET, page_fields
from tests.unit.helpers import NOW
from tradewire import event, field_types
from tradewire.errors import BadValue
from tradewire.fields import FIELDS, FILTERS, OPTIONAL, REQUIRED
from tradewire.store.rows import EventRow
from tradewire.store.schema import events


def test_the_page_has_the_declared_fields() -> None:
    assert TARGET.read_text() == page_fields()


def test_optional_fields_come_last() -> None:
    assert FIELDS == REQUIRED + OPTIONAL


def test_every_optional_field_has_a_label_for_the_page() -> None:
    assert [field.name for field in OPTIONAL if not field.label] == []


def test_every_filter_is_a_parameter_with_a_name_of_its_own() -> None:
    names = [parameter.name for parameter in MessagesQuery.parameters().values()]
    assert len(names) == len(set(names))
    assert {filter_.parameter for _, filter_ in FILTERS} <= set(names)


def test_a_row_has_the_columns_of_its_table() -> None:
    assert EventRow._fields == tuple(events.columns.keys())  # type: ignore[attr-defined]


def test_the_csv_header_names_every_member_of_an_event() -> None:
    header = FILE_FORMATS["csv"].header.decode("utf-8-sig").strip().split(",")
    assert header == list(event.TradeEvent.__struct_encode_fields__)


@pytest.mark.parametrize("value", ["x", "x" * 16, "two words", "é"])
def test_a_text_has_up_to_a_given_number_of_characters(value: str) -> None:
    assert field_types.text(16).parse(f" {value}\t", NOW) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [("", "empty"), (" ", "empty"), ("x" * 17, "too-long"), ("a\nb", "control-character"), (7, "wrong-type")],
)
def test_a_text_that_is_empty_too_long_or_unprintable_is_refused(value: object, code: str) -> None:
    with pytest.raises(BadValue) as caught:
        field_types.text(16).parse(value, NOW)
    assert caught.value.code == code


@pytest.mark.parametrize("microsecond", [0, 1, 500_000])
def test_a_time_is_written_with_the_digits_that_it_needs(microsecond: int) -> None:
    time = datetime(2024, 6, 1, 2, 3, 4, microsecond, tzinfo=UTC)
    assert field_types.TIME.to_text
    assert field_types.TIME.to_text(time) == event.format_time(time, "auto")
