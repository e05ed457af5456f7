"""The types of fields: which values they take, and how they write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from jsonschema_rs import Draft202012Validator

from tests.unit.helpers import NOW
from tradewire import event, field_types
from tradewire.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable


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


@pytest.mark.parametrize("value", ["x", "x" * 16, "x" * 17, "", "two words", "a\nb", 7])
def test_the_schemas_of_a_text_agree_with_its_parsers_on_length_and_control_characters(value: object) -> None:
    type_ = field_types.text(16)
    assert type_.filter
    assert takes(lambda: type_.parse(value, NOW)) == Draft202012Validator(type_.schema).is_valid(value)
    if isinstance(value, str):
        filter_ = type_.filter
        assert takes(lambda: filter_.parse(value)) == Draft202012Validator(filter_.schema).is_valid(value)


def takes(parse: Callable[[], object]) -> bool:
    """Return whether a parser takes its value."""
    try:
        parse()
    except BadValue:
        return False
    return True


def test_a_filter_compares_with_the_text_as_it_is_while_a_message_may_have_white_space_around_it() -> None:
    type_ = field_types.text(16)
    assert type_.filter
    assert (type_.parse(" x ", NOW), type_.filter.parse(" x ")) == ("x", " x ")


def test_the_page_knows_the_kind_and_the_length_of_a_text() -> None:
    assert (field_types.text(16).kind, field_types.text(16).max_chars) == ("text", 16)
    assert field_types.text().max_chars == 64
