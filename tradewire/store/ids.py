"""Ids in the database: 16 bytes in SQLite, `UUID` in PostgreSQL. Python code gets them as text of 36 characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Dialect

EncodedId = bytes | str
"""An id as it is passed to SQLite (bytes) or PostgreSQL (text). Both sort like the text."""


def encode_id(id_: str, dialect: str) -> EncodedId:
    """Return an id in the form that the database takes, for rows that bypass SQLAlchemy's types."""
    return _pack(id_) if dialect == "sqlite" else id_


def _pack(id_: str) -> bytes:
    return bytes.fromhex(id_.replace("-", ""))


def _unpack(packed: bytes | None) -> str | None:
    if packed is None:
        return None
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _PackedId(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BLOB"

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], bytes | None]:  # noqa: ARG002 - SQLite's
        return lambda id_: None if id_ is None else _pack(id_)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes | None], str | None]:  # noqa: ARG002 - SQLite's
        return _unpack


Id: Final = _PackedId().with_variant(postgresql.UUID(as_uuid=False), "postgresql")
"""The column type of ids."""
