"""What follows from the declaration of a field, here for an invented message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tradewire import fields
from tradewire.field_types import CURRENCY, text
from tradewire.fields import REQUIRED, Field, Filter, declared_fields

if TYPE_CHECKING:
    import pytest

VENUE = Filter("venue", "The venue.")


class Declaration:
    """Two required fields and an optional one."""

    currency: Annotated[str, Field(type=CURRENCY, column="code")]
    place_of_venue: Annotated[str, Field(type=text(4), filter=VENUE, label="Venue", example="XLON", is_free_text=True)]
    note: Annotated[str | None, Field(type=text())] = None


def test_the_names_of_a_field_follow_from_the_declared_name() -> None:
    names = [(field.name, field.json_name, field.column) for field in declared_fields(Declaration)]
    assert names == [
        ("currency", "currency", "code"),
        ("place_of_venue", "placeOfVenue", "place_of_venue"),
        ("note", "note", "note"),
    ]


def test_a_field_with_a_default_is_optional() -> None:
    assert [field.is_optional for field in declared_fields(Declaration)] == [False, False, True]


def test_everything_else_is_as_declared() -> None:
    currency, venue, _ = declared_fields(Declaration)
    assert (currency.type, currency.filter, currency.label, currency.is_free_text) == (CURRENCY, None, "", False)
    assert (venue.filter, venue.label, venue.example, venue.is_free_text) == (VENUE, "Venue", "XLON", True)


def test_a_struct_has_its_optional_fields_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "OPTIONAL", declared_fields(Declaration)[-1:])
    made: Any = fields.struct(
        "Made", "A struct.", str, head=[("head", int)], tail=[("tail", bytes)], namespace={"seven": 7}, frozen=True
    )
    names = [field.name for field in REQUIRED]
    described = [(field.name, field.type, field.default) for field in msgspec.structs.fields(made)]
    assert described == [
        ("head", int, msgspec.NODEFAULT),
        *((name, str, msgspec.NODEFAULT) for name in names),
        ("tail", bytes, msgspec.NODEFAULT),
        ("note", str | None, None),
    ]
    assert (made.__name__, made.__doc__, made.seven, made.__struct_config__.frozen) == ("Made", "A struct.", 7, True)


def test_a_struct_needs_no_other_members() -> None:
    made: Any = fields.struct("Made", "A struct.", str)
    assert made.__struct_fields__ == tuple(field.name for field in fields.FIELDS)
