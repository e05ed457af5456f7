"""Hashes of passwords. A check costs 64 MiB and about a tenth of a second of CPU time, so that guessing is slow."""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CHARS_MIN: Final = 12
CHARS_MAX: Final = 1024
"""Of a password, in characters."""
# RFC 9106's second choice, with one lane: each check has one core, whatever the machine.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_UNMATCHED: Final = "$argon2id$v=19$m=65536,t=3,p=1$XaR9h3H+HVq44ss3lCoDMg$jROund5WBVdOeBU871OQ5+rBCFUtTxipfC79anL3Okk"
"""No password has this hash. Checking it takes as long as checking that of a user."""


def hashed(password: str) -> str:
    """Return a password's hash, with a salt of its own."""
    return _HASHER.hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Return whether a password is that of a hash. It takes the same time if there is no hash.

    Args:
        stored: The hash. None: there is no such user.
        password: Up to CHARS_MAX characters.
    """
    try:
        _HASHER.verify(stored or _UNMATCHED, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def _normal(password: str) -> str:
    """Return the password as every keyboard writes it: some write é as one character, others as two."""
    return unicodedata.normalize("NFC", password)
