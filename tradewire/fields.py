"""The fields of a trade, declared once.

The trade, the event, the store's columns, exports, the OpenAPI document, filters and the page all follow from the
class `TradeFields`. `docs/howto/add-a-field.md` says how to add a field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, NamedTuple, TypeVar, get_type_hints

import msgspec

from tradewire import field_types

if TYPE_CHECKING:
    from collections.abc import Sequence

Amount = TypeVar("Amount", Decimal, str)
Time = TypeVar("Time", datetime, str)


class Filter(NamedTuple):
    """The parameter of `GET /api/messages` that selects messages by the exact value of a field."""

    parameter: str
    description: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """One field of a trade."""

    type: field_types.FieldType
    filter: Filter | None = None
    """None if messages can't be selected by this field. A field with a filter has an index. Amounts and times can't
    have a filter, since it compares texts."""
    is_free_text: bool = False
    """True if producers choose the text, so that a spreadsheet might take it for a formula."""
    is_stamped: bool = False
    """True if the API sets the field. A message can't: there, it is an unknown field."""
    label: str = ""
    """The name that the page shows. Empty if the page has its own rendering of the field."""
    example: str | float | None = None
    """The value in the documented example of a message."""
    column: str = ""
    """The column's name in the store, if it differs from the attribute's."""
    name: str = ""
    """The attribute of `Trade` and `TradeEvent`. Set by `declared_fields`."""
    is_optional: bool = False
    """Messages may lack the field. Set by `declared_fields`, if the declaration has the default None."""
    json_name: str = ""
    """The name in messages and events, in camelCase. Set by `declared_fields`."""


class TradeFields(Generic[Amount, Time]):
    """The declaration. `Amount` and `Time` differ: a trade has numbers and times, an event has text.

    Optional fields come last and have the type `Annotated[str | None, Field(…)] = None`. They are absent from the
    event's JSON, NULL in the store, and empty in CSV.
    """

    user_id: Annotated[
        str,
        Field(
            type=field_types.USER_ID,
            filter=Filter("user", "The user's id, matched exactly."),
            is_free_text=True,
            example="134259",
        ),
    ]
    currency_from: Annotated[
        str, Field(type=field_types.CURRENCY, filter=Filter("from", "The currency sold."), example="EUR")
    ]
    currency_to: Annotated[
        str, Field(type=field_types.CURRENCY, filter=Filter("to", "The currency bought."), example="GBP")
    ]
    amount_sell: Annotated[Amount, Field(type=field_types.AMOUNT, example=1000)]
    amount_buy: Annotated[Amount, Field(type=field_types.AMOUNT, example=747.10)]
    rate: Annotated[Amount, Field(type=field_types.AMOUNT, example=0.7471)]
    time_placed: Annotated[Time, Field(type=field_types.TIME, example="24-JAN-15 10:27:44")]
    originating_country: Annotated[
        str,
        Field(
            type=field_types.COUNTRY,
            filter=Filter("country", "The originating country."),
            column="country",
            example="FR",
        ),
    ]
    producer: Annotated[
        str | None,
        Field(
            type=field_types.text(64),
            filter=Filter("producer", "The name of the producer's key, matched exactly."),
            is_stamped=True,
            label="Producer",
        ),
    ] = None


def declared_fields(declaration: type) -> tuple[Field, ...]:
    """Return the fields that a class declares, with everything that follows from their names."""
    fields = []
    for name, hint in get_type_hints(declaration, include_extras=True).items():
        (declared,) = hint.__metadata__
        first, *others = name.split("_")
        fields.append(
            replace(
                declared,
                name=name,
                json_name=first + "".join(map(str.capitalize, others)),
                column=declared.column or name,
                is_optional=hasattr(declaration, name),
            )
        )
    return tuple(fields)


FIELDS: Final = declared_fields(TradeFields)
"""In the order of the declaration, so optional fields come last."""
REQUIRED: Final = tuple(field for field in FIELDS if not field.is_optional)
OPTIONAL: Final = tuple(field for field in FIELDS if field.is_optional)
POSTED: Final = tuple(field for field in FIELDS if not field.is_stamped)
"""The fields that a message may have."""
FILTERS: Final = tuple((field, field.filter) for field in FIELDS if field.filter)
"""The fields by which messages can be selected, each with its parameter."""


def struct(
    name: str,
    doc: str,
    text_type: Any,
    *,
    head: Sequence[tuple[str, Any]] = (),
    tail: Sequence[tuple[str, Any]] = (),
    **options: Any,
) -> Any:
    """Make a msgspec struct that has the fields of a trade. mypy knows it by a class that derives from `TradeFields`.

    Args:
        name: The name of the type.
        doc: Its docstring.
        text_type: The type of each field's value.
        head: Names and types of the members before the required fields.
        tail: Names and types of the members between the required and the optional fields.
        options: Passed on to `msgspec.defstruct`.
    """
    required = [(field.name, text_type) for field in REQUIRED]
    optional = [(field.name, text_type | None, None) for field in OPTIONAL]
    namespace = {"__doc__": doc, **options.pop("namespace", {})}
    return msgspec.defstruct(name, [*head, *required, *tail, *optional], namespace=namespace, **options)
