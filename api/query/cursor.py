"""The cursor of a page: a position in the archive's order, encoded for a URL."""

from __future__ import annotations

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from api.http.parameter_types import string
from tradewire.errors import BadValue
from tradewire.store.views import Position

_POSITION: Final = struct.Struct(">q16s")
"""Microseconds since 1970 and the id: 24 bytes, so 32 characters. Any 32 characters of base64url are a position."""
_PATTERN: Final = r"^[A-Za-z0-9_-]{32}$"


def encode(position: Position) -> str:
    """Encode a position."""
    return urlsafe_b64encode(_POSITION.pack(position.received_at, UUID(position.id).bytes)).decode()


def _decode(cursor: str) -> Position:
    if not re.fullmatch(_PATTERN, cursor):
        raise BadValue("bad-cursor", "is not a cursor of this API")
    received_at, id_bytes = _POSITION.unpack(urlsafe_b64decode(cursor))
    return Position(received_at, str(UUID(bytes=id_bytes)))


CURSOR: Final = string(_decode, pattern=_PATTERN)
"""Value: a Position."""
