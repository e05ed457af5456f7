"""The chain: the form of a line, and the HMACs that bind each line to the one before.

A line is a JSON object. `n` comes first and counts the records from 1. `mac` comes last: the HMAC-SHA256 of the `mac`
of the record before and of everything in this line before `,"mac"`.

Example:
    line, head = append_to(START, {"action": "key-added"}, keys)
    assert head == head_of(line)
    assert is_next(START, line, keys)
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES: Final = 32
_LINE: Final = re.compile(rb'(\{"n":([1-9][0-9]{0,15}),.*),"mac":"([0-9a-f]{64})"\}\n')


@dataclass(frozen=True)
class Head:
    """The last record of a chain. It stands for the whole chain before it."""

    count: int
    """How many records there are, which is also the last one's `n`."""
    mac: str
    """The last record's HMAC: 64 hexadecimal digits."""


START: Final = Head(0, "0" * 64)
"""The head of an empty chain."""


class Keys(NamedTuple):
    """The keys of a host, derived from its secret: each serves one purpose."""

    chain: bytes
    user: bytes

    @classmethod
    def of(cls, secret: bytes) -> Keys:
        """Derive the keys.

        Args:
            secret: At least KEY_BYTES random bytes.

        Raises:
            ValueError: The secret is too short.
        """
        if len(secret) < KEY_BYTES:
            raise ValueError(f"the audit key has {len(secret)} bytes, and needs {KEY_BYTES}")
        return cls(*(hmac.digest(secret, purpose, "sha256") for purpose in (b"chain", b"user")))


def append_to(head: Head, fields: Mapping[str, Any], keys: Keys) -> tuple[bytes, Head]:
    """Make the line of the record that follows a head.

    Args:
        head: The present head.
        fields: The record without `n` and `mac`.
        keys: The host's keys.

    Returns:
        The line with its end, and the new head.
    """
    count = head.count + 1
    body = json.dumps({"n": count, **fields}, separators=(",", ":")).encode()[:-1]
    mac = _mac(head, body, keys)
    return b'%s,"mac":"%s"}\n' % (body, mac.encode()), Head(count, mac)


def head_of(line: bytes) -> Head | None:
    """Return the head that a line makes. None if the line has not the form of a record. Its HMAC is not checked."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        json.loads(line)
    except ValueError:  # the disk has kept only some of its blocks
        return None
    return Head(int(match[2]), match[3].decode())


def is_next(head: Head, line: bytes, keys: Keys) -> bool:
    """Return whether a line is the record that follows a head, as it was written."""
    match = _LINE.fullmatch(line)
    return (
        match is not None
        and int(match[2]) == head.count + 1
        and hmac.compare_digest(_mac(head, match[1], keys).encode(), match[3])
    )


def pseudonym(user_id: str, keys: Keys) -> str:
    """Return the name that stands for a user's id in records. Only the holder of the host's key can make it."""
    return f"user-{hmac.digest(keys.user, user_id.encode(errors='surrogatepass'), 'sha256').hex()[:32]}"


def _mac(head: Head, body: bytes, keys: Keys) -> str:
    return hmac.digest(keys.chain, head.mac.encode() + body, "sha256").hex()
