"""Ids in the database: 16 bytes in SQLite, `UUID` in PostgreSQL, and text of 36 characters to all who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

Stored = bytes | str
"""An id as SQLite or PostgreSQL is given it; both are in the order of the text."""


def stored(id_: str, dialect: str) -> Stored:
    """Give an id as this database is given it, for rows that go there as they are."""
    return bytes.fromhex(id_.replace("-", "")) if dialect == "sqlite" else id_


class Id(TypeDecorator[str]):
    """The type of a column of ids."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Let PostgreSQL keep them as what they are."""
        uuid = postgresql.UUID(as_uuid=False)
        return dialect.type_descriptor(uuid if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Stored | None:
        """Give what a statement is given."""
        return None if value is None else stored(value, dialect.name)

    def process_result_value(self, value: Stored | None, _dialect: Dialect) -> str | None:
        """Give the text again."""
        if not isinstance(value, bytes):
            return value
        digits = value.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
