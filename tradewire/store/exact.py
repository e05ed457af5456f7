"""Exact arithmetic on amounts. SQLite has them as text: its own numbers are floats."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, literal_column, tuple_

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import ColumnElement

CONTEXT: Final = Context(prec=100)
"""So wide that no sum of amounts is ever rounded."""

_POINT: Final[ColumnElement[str]] = literal_column("'.'")


def comparable(amount: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Give an amount so that it is compared as a number is: text by where its point is, then digit by digit.

    1, 1.0 and 1.00 are the same amount, and not the same text: of them, the shorter one is the less.
    """
    return amount if dialect == "postgresql" else tuple_(func.instr(amount.concat(_POINT), _POINT), amount)


def add_exact_sum(connection: sqlite3.Connection) -> None:
    """Teach SQLite exact sums."""
    connection.create_function("exact_sum", 2, _sum, deterministic=True)


def _sum(a: str | None, b: str | None) -> str | None:
    if a is None or b is None:  # a bucket without money
        return None
    return format(CONTEXT.add(Decimal(a), Decimal(b)), "f")
