"""The cursor: a place in the archive's order, as text for an address."""

from __future__ import annotations

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from api.http.parameter_types import string
from api.http.parameters import BadValue
from tradewire.store.views import Position

_POSITION: Final = struct.Struct(">q16s")
"""Microseconds since 1970, and the id: 24 bytes, which are 32 characters, and each 32 characters are a place."""
_PATTERN: Final = r"^[A-Za-z0-9_-]{32}$"


def encode(place: Position) -> str:
    """Write a place."""
    return urlsafe_b64encode(_POSITION.pack(place.received_at, UUID(place.id).bytes)).decode()


def _decode(cursor: str) -> Position:
    if not re.fullmatch(_PATTERN, cursor):
        raise BadValue("bad-cursor", "is none that this API gave")
    received_at, id_bytes = _POSITION.unpack(urlsafe_b64decode(cursor))
    return Position(received_at, str(UUID(bytes=id_bytes)))


CURSOR: Final = string(_decode, pattern=_PATTERN)
"""As a Position."""
