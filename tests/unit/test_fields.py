"""The declaration of a trade's fields, and what follows from it."""

from __future__ import annotations

from api.query.exports import FILE_FORMATS
from api.query.messages import MessagesQuery
from tests.generate_fields import TARGET, page_fields
from tradewire import event
from tradewire.fields import FIELDS, FILTERS, OPTIONAL, POSTED, REQUIRED
from tradewire.store.rows import EventRow
from tradewire.store.schema import events


def test_the_page_has_the_declared_fields() -> None:
    assert TARGET.read_text() == page_fields()


def test_optional_fields_come_last() -> None:
    assert FIELDS == REQUIRED + OPTIONAL


def test_every_optional_field_of_a_message_has_a_label_for_the_page() -> None:
    assert [field.name for field in OPTIONAL if not field.label and not field.is_stamped] == []


def test_the_api_sets_the_producer_and_no_other_field() -> None:
    assert [field.name for field in FIELDS if field not in POSTED] == ["producer"]


def test_every_filter_is_a_parameter_with_a_name_of_its_own() -> None:
    names = [parameter.name for parameter in MessagesQuery.parameters().values()]
    assert len(names) == len(set(names))
    assert {filter_.parameter for _, filter_ in FILTERS} <= set(names)


def test_a_row_has_the_columns_of_its_table() -> None:
    assert EventRow._fields == tuple(events.columns.keys())  # type: ignore[attr-defined]


def test_the_csv_header_names_every_member_of_an_event() -> None:
    header = FILE_FORMATS["csv"].header.decode("utf-8-sig").strip().split(",")
    assert header == list(event.TradeEvent.__struct_encode_fields__)
