"""Explains to producers why a body could not be decoded."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tradewire.errors import Fault

_LONE_SURROGATE: Final = re.compile(
    rb"""\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"""
)


def decoding_fault(body: bytes, error: Exception) -> Fault:
    """Explain why a body could not be decoded, in the producer's terms.

    Args:
        body: The body that was posted.
        error: The exception that msgspec's decoder raised.
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
    return Fault(None, "not-json", f"The body is not JSON: {error}.")
