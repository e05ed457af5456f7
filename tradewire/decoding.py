"""Decodes the JSON that producers post, and explains to them why a body could not be decoded."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from tradewire import invisible
from tradewire.errors import Fault, InvalidTrade
from tradewire.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")

_EXAMPLE: Final = msgspec.json.encode(
    {field.json_name: field.example for field in FIELDS if field.example is not None}
).decode()
_LONE_SURROGATE: Final = re.compile(
    rb"""\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"""
)
_URL_ENCODED: Final = re.compile(rb"\s*([\w.%+*\[\]-]+=|%7[bB])")
"""Matches the start of a form as browsers encode it, and of JSON that was encoded in the same way."""
_MULTIPART: Final = re.compile(rb"\s*--\S+\s+content-", re.IGNORECASE)
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
"""Matches the place of the fault in msgspec's errors."""
_FOLDED: Final = f"[{''.join(char for char in invisible.FOLDED if not char.isascii())}]"
_STRING_OR_FOLDED: Final = re.compile(rf'"(?:[^"\\]|\\.)*+"?|{_FOLDED}', re.DOTALL)


def decode(decoder: msgspec.json.Decoder[_T], body: bytes) -> tuple[_T, bytes]:
    """Decode a body. Between its tokens it may have white space of any kind, soft hyphens and byte order marks.

    Args:
        decoder: The decoder of the expected type.
        body: What was posted.

    Returns:
        The value, and the body that it was decoded from, which has spaces in place of such characters.

    Raises:
        InvalidTrade: The body can't be decoded.
    """
    try:
        return decoder.decode(body), body
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        folded = _fold(body)
        if folded == body:
            raise InvalidTrade([_fault(body, error)]) from None
    return decode(decoder, folded)


def repeated_keys(body: bytes, decoded: dict[str, Any]) -> list[str]:
    """Return the keys that a JSON object has more than once. Decoders keep only the last value of each.

    Counting is ten times as fast as decoding again: if no key is repeated, the body has two quotes for each key and
    each string that was decoded.

    Args:
        body: The object as it was posted.
        decoded: The same object, decoded.

    Raises:
        InvalidTrade: The object is nested too deeply.
    """
    if _quotes(body) == 2 * _strings(decoded):
        return []
    try:
        keys: list[str] = _key_decoder.decode(body.decode())
    except RecursionError as error:
        raise InvalidTrade([_fault(body, error)]) from None
    return [key for key, count in Counter(keys).items() if count > 1]


def _quotes(body: bytes) -> int:
    """Count the quotes that begin and end strings."""
    if b"\\" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return body.count(b'"')


def _strings(decoded: dict[str, Any]) -> int:
    """Count keys and strings at all depths."""
    count = 0
    containers: list[Any] = [decoded]
    for container in containers:  # it grows meanwhile
        values = container
        if type(container) is dict:
            count += len(container)
            values = container.values()
        for value in values:
            kind = type(value)
            if kind is str:
                count += 1
            elif kind is dict or kind is list:
                containers.append(value)
    return count


def _first_members(pairs: Iterable[tuple[str, Any]]) -> list[str]:
    return [key for key, _ in pairs]


_key_decoder: Final = json.JSONDecoder(object_pairs_hook=_first_members, parse_int=bool, parse_float=bool)
"""Decodes an object to its keys. Numbers become bool, since Python refuses integers with many digits."""


def _fold(body: bytes) -> bytes:
    """Replace white space that JSON does not have, soft hyphens and byte order marks by spaces, except in strings.

    The other characters keep their places, so errors tell the same position in both bodies.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    return _STRING_OR_FOLDED.sub(_to_spaces, text).encode() if re.search(_FOLDED, text) else body


def _to_spaces(match: re.Match[str]) -> str:
    text = match[0]
    return text if text.startswith('"') else " " * len(text.encode())


def _fault(body: bytes, error: Exception) -> Fault:
    """Explain why a body could not be decoded, in the producer's terms.

    Args:
        body: The body that was posted.
        error: The exception that the decoder raised.
    """
    if not body.strip():
        return Fault(None, "empty", "The body is empty.")
    try:
        body.decode()
    except UnicodeDecodeError as invalid:
        return Fault(None, "not-utf-8", f"The body is not UTF-8: {invalid.reason} at byte {invalid.start}.")
    if isinstance(error, RecursionError):
        return Fault(None, "too-deep", "The body is nested too deeply.")
    if isinstance(error, msgspec.ValidationError):
        return Fault(None, "number-too-long", "The body contains an integer with too many digits.")
    if _LONE_SURROGATE.search(body):
        return Fault(None, "lone-surrogate", "The body contains half of a surrogate pair, which is not a character.")
    return Fault(None, "not-json", _not_json(body, str(error)))


def _not_json(body: bytes, reason: str) -> str:
    for form, pattern in (("a URL-encoded form", _URL_ENCODED), ("a multipart form", _MULTIPART)):
        if pattern.match(body):
            return f"The body is {form}, not JSON. Post the JSON object itself: {_EXAMPLE}"
    place = _BYTE.search(reason)
    char = body[int(place[1]) :].decode(errors="replace")[:1] if place else ""
    named = "" if char.isascii() and char.isprintable() else f", {invisible.describe(char)}"
    return f"The body is not JSON: {reason}{named}."
