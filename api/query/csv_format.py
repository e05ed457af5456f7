"""Messages as CSV that spreadsheets open as it is meant: each value in its cell, and none of them a formula."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING, Final
from unicodedata import category, normalize

from msgspec.structs import astuple

from tradewire.event import TradeEvent
from tradewire.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tradewire.fields import Field

COMMA: Final = ","
SEMICOLON: Final = ";"
"""With this separator, amounts have a decimal comma, as spreadsheets expect them where people write 747,10."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Without it, spreadsheets assume the system's own encoding."""
_MEMBERS: Final = TradeEvent.__struct_fields__
_FLAGS: Final = _MEMBERS.index("flags")


def _members(condition: Callable[[Field], bool]) -> list[int]:
    return [_MEMBERS.index(field.name) for field in FIELDS if condition(field)]


_FREE_TEXTS: Final = _members(lambda field: field.is_free_text)
_AMOUNTS: Final = _members(lambda field: field.type.kind == "amount")

_SIGNS: Final = frozenset("=+-@\N{MINUS SIGN}")
"""Spreadsheets take a cell that starts with one of these, or with its full-width form, for a formula."""
_SEPARATORS: Final = frozenset(",;|\t\r\n")
"""A spreadsheet may split a text at any of these, whatever separates the file's cells."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Mn", "Me", "Zl", "Zp", "Zs"})
"""Unicode's categories of characters that a spreadsheet may drop before it looks for a sign."""
_SKIPPED: Final = frozenset('"\u115f\u1160\u2800\u3164\uffa0')
"""The same for a quotation mark, and for letters that look like a space."""


def header(separator: str) -> bytes:
    """Return the beginning of a file."""
    return _BYTE_ORDER_MARK + _encode([TradeEvent.__struct_encode_fields__], separator)


def rows(separator: str, events: Iterable[TradeEvent]) -> bytes:
    """Return the rows of events."""
    return _encode(map(partial(_row, has_decimal_comma=separator == SEMICOLON), events), separator)


def _encode(lines: Iterable[Sequence[object]], separator: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(lines)  # RFC 4180; writes None as an empty cell
    return text.getvalue().encode()


def _row(event: TradeEvent, *, has_decimal_comma: bool) -> list[object]:
    row = [*astuple(event)]
    row[_FLAGS] = " ".join(event.flags)
    for index in _FREE_TEXTS:
        row[index] = row[index] and disarm(row[index])
    if has_decimal_comma:
        for index in _AMOUNTS:
            row[index] = row[index] and row[index].replace(".", ",")
    return row


def disarm(text: str) -> str:
    """Put an apostrophe before each formula that a spreadsheet could find in a text."""
    if text.isalnum():
        return text
    cells = [0] if text[:1] in _SEPARATORS else []
    start, is_at_start = 0, True
    for index, character in enumerate(text):
        if character in _SEPARATORS:
            start, is_at_start = index + 1, True
        elif is_at_start and character not in _SKIPPED and category(character) not in _UNSEEN:
            is_at_start = False
            if normalize("NFKC", character) in _SIGNS:
                cells.append(start)
    for start in reversed(cells):
        text = f"{text[:start]}'{text[start:]}"
    return text
