"""The orders of messages, and what each needs: amounts of different currencies can't be compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from api.http import parameter_types
from tradewire.field_types import FRACTION_DIGITS, WHOLE_DIGITS
from tradewire.fields import FILTERS, REQUIRED
from tradewire.store.views import Sort

if TYPE_CHECKING:
    from api.query.cursor import Cursor

BY_TIME: Final = "receivedAt"
NEWEST_FIRST: Final = f"-{BY_TIME}"
_CURRENCIES: Final = {
    "amount_sell": ("currency_from",),
    "amount_buy": ("currency_to",),
    "rate": ("currency_from", "currency_to"),
}
"""The fields that say in which currency an amount is. An amount without an entry can't be sorted by."""
_SORTABLE: Final = [field for field in REQUIRED if field.type.kind != "amount" or field.name in _CURRENCIES]
SORTS: Final = {
    sign + field.json_name: Sort(field.name, is_descending=sign == "-") for field in _SORTABLE for sign in ("", "-")
}
"""The orders by a field, by their text."""
SORT: Final = parameter_types.one_of(BY_TIME, NEWEST_FIRST, *SORTS)
_AMOUNT: Final = rf"[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{FRACTION_DIGITS}}})?"
_PARAMETERS: Final = {field.name: filter_.parameter for field, filter_ in FILTERS}


def currency_parameters(order: str) -> dict[str, str]:
    """Return the parameters that an order needs, by the name of their field."""
    sort = SORTS.get(order)
    return {name: _PARAMETERS[name] for name in _CURRENCIES.get(sort.field, ())} if sort else {}


def is_of(cursor: Cursor, order: str) -> bool:
    """Return True if a cursor may be of a page in this order."""
    if order in {BY_TIME, NEWEST_FIRST}:
        return not cursor.value
    return bool(re.fullmatch(_AMOUNT, cursor.value)) if currency_parameters(order) else bool(cursor.value)
