"""Exact arithmetic on amounts. SQLite stores amounts as text, since its numbers are floats."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, literal_column, tuple_

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import ColumnElement

CONTEXT: Final = Context(prec=100)
"""Wide enough that no sum of amounts is ever rounded."""

_POINT: Final[ColumnElement[str]] = literal_column("'.'")


def comparable(amount: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return an expression that compares amounts as numbers.

    For SQLite it compares the position of the decimal point, then the text. Amounts that are equal but written
    differently, such as 1, 1.0 and 1.00, compare as text: the shorter text is less.

    Args:
        amount: A column or other expression of an amount.
        dialect: The name of SQLAlchemy's dialect.
    """
    return amount if dialect == "postgresql" else tuple_(*comparable_columns(amount, dialect))


def comparable_columns(amount: ColumnElement[Any], dialect: str) -> list[ColumnElement[Any]]:
    """Return the expressions that `comparable` compares one after the other, to sort by them."""
    return [amount] if dialect == "postgresql" else [func.instr(amount.concat(_POINT), _POINT), amount]


def comparable_values(amount: str, dialect: str) -> list[Decimal | int | str]:
    """Return the values of an amount for `comparable_columns`."""
    return [Decimal(amount)] if dialect == "postgresql" else [len(amount.partition(".")[0]) + 1, amount]


def add_exact_sum(connection: sqlite3.Connection) -> None:
    """Add the SQL function `exact_sum(a, b)` to a SQLite connection."""
    connection.create_function("exact_sum", 2, _sum, deterministic=True)


def _sum(a: str | None, b: str | None) -> str | None:
    if a is None or b is None:  # a bucket without a pair has no amounts
        return None
    return format(CONTEXT.add(Decimal(a), Decimal(b)), "f")
