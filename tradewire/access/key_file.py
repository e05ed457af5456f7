"""The file of API keys.

Example:
    with changing(settings.keys, readers) as keys:
        keys.append(key)
"""

from __future__ import annotations

from typing import Any, Final

from tradewire.access.key import Key, Role
from tradewire.access.name import is_name
from tradewire.access.record_file import RecordFile


def _encode(key: Key) -> dict[str, Any]:
    return {**vars(key), "roles": sorted(key.roles), "digest": key.digest.hex()}


def _decode(item: dict[str, Any]) -> Key:
    roles = frozenset(Role(role) for role in item["roles"])
    key = Key(**{**item, "roles": roles, "digest": bytes.fromhex(item["digest"])})
    if not all(isinstance(each, str) for each in (key.id, key.issuer, key.subject)):
        raise TypeError("a key's id or certificate is no text")
    if not is_name(key.name):
        raise ValueError(f"{key.name!r} is no name of a key")
    if not all(isinstance(each, int) for each in (key.slot, key.created, key.expires or 0, key.rate)):
        raise TypeError("a key's number is no number")
    return key


_FILE: Final = RecordFile("keys", _encode, _decode)
read = _FILE.read
changing = _FILE.changing
