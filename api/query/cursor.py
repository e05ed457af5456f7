"""The cursor of a page: a position in the order of its messages, encoded for a URL."""

from __future__ import annotations

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple
from uuid import UUID

from api.http.parameter_types import string
from tradewire.errors import BadValue
from tradewire.store.views import Position

_POSITION: Final = struct.Struct(">q16s")
"""Microseconds since 1970 and the id: 24 bytes, so 32 characters. The value follows, in UTF-8."""
_VALUE_CHARS_MAX: Final = 344
"""For a value of 64 characters, as the id of a user."""
_PATTERN: Final = rf"^[A-Za-z0-9_-]{{32,{32 + _VALUE_CHARS_MAX}}}$"


class Cursor(NamedTuple):
    """The position of a message in the order of the page before."""

    position: Position
    value: str = ""
    """The value that messages are sorted by. Empty if they are in order of time."""


def encode(cursor: Cursor) -> str:
    """Encode a cursor."""
    (received_at, id_), value = cursor
    packed = _POSITION.pack(received_at, UUID(id_).bytes) + value.encode()
    return urlsafe_b64encode(packed).decode().rstrip("=")


def _decode(text: str) -> Cursor:
    try:
        if not re.fullmatch(_PATTERN, text):
            raise ValueError
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        received_at, id_bytes = _POSITION.unpack(packed[: _POSITION.size])
        value = packed[_POSITION.size :].decode()
        if "\0" in value:
            raise ValueError
    except ValueError:
        raise BadValue("bad-cursor", "is not a cursor of this API") from None
    return Cursor(Position(received_at, str(UUID(bytes=id_bytes))), value)


CURSOR: Final = string(_decode, pattern=_PATTERN)
"""Value: a Cursor."""
