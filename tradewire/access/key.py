"""API keys and roles. Of a key's token, only a hash is kept.

A token is `tw_<id>_<secret>`. Its secret has 256 random bits, so a fast hash is enough: guessing it is out of reach.

Example:
    key, token = make("alpha", [Role.PRODUCER], now=1_790_000_000, slot=0)
    assert matches(key, token)
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "tw_"
"""The beginning of each token."""
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_ID_END: Final = len(PREFIX) + 2 * _ID_BYTES


class Role(StrEnum):
    """What a principal may do. No role includes another."""

    PRODUCER = "producer"
    """Post messages."""
    VIEWER = "viewer"
    """See the page, read messages and statistics, follow the live feed."""
    EXPORTER = "exporter"
    """Download messages as CSV and NDJSON."""
    OPERATOR = "operator"
    """List, requeue and delete dead letters, and settle losses."""
    MONITOR = "monitor"
    """Read metrics, the ledger and the health of each component."""
    ADMIN = "admin"
    """Read the audit trail."""


@dataclass(frozen=True)
class Key:
    """An API key. Several keys may have the same name while one of them replaces the others."""

    id: str
    """The part of the token that is not secret. A key of a certificate has an id, too."""
    name: str
    """The principal's name."""
    roles: frozenset[Role]
    digest: bytes
    """SHA-256 of the whole token. Empty for a key of a certificate, which has no token."""
    slot: int
    """The key's place in the file of uses: see `key_use`."""
    created: int
    """Unix time in seconds."""
    expires: int | None = None
    """Unix time in seconds from which on the key is not valid. None: it does not expire."""
    rate: int = 0
    """Requests per second. 0 means no limit."""
    issuer: str = ""
    """The distinguished name of the CA that issues the certificate. Empty for a key with a token."""
    subject: str = ""
    """The distinguished name of the certificate's holder. No two keys have the same issuer and subject."""

    def ending(self, end: int) -> Key:
        """Return the same key, which expires at a time in Unix seconds, unless it expires before."""
        return replace(self, expires=end if self.expires is None else min(end, self.expires))

    def for_certificate(self, issuer: str, subject: str) -> Key:
        """Return the same key for the certificates of a subject from an issuer. Its token is good for nothing."""
        return replace(self, digest=b"", issuer=issuer, subject=subject)

    def is_valid(self, now: float) -> bool:
        """Return whether the key has not expired. `now` is Unix time in seconds."""
        return self.expires is None or now < self.expires


def make(
    name: str, roles: Iterable[Role], *, now: int, slot: int, expires: int | None = None, rate: int = 0
) -> tuple[Key, str]:
    """Make a key.

    Args:
        name: The principal's name.
        roles: Its roles.
        now: Unix time in seconds.
        slot: A slot that no other key has.
        expires: Unix time in seconds; None for never.
        rate: Requests per second; 0 for no limit.

    Returns:
        The key, and its token, which can't be made from the key again.
    """
    key_id = secrets.token_hex(_ID_BYTES)
    token = f"{PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return Key(key_id, name, frozenset(roles), _digest(token), slot, now, expires, rate), token


def id_of(token: str) -> str:
    """Return the id in a token. If the text is no token, this is no key's id, or the text matches no key."""
    return token[len(PREFIX) : _ID_END]


def matches(key: Key, token: str) -> bool:
    """Return whether a token is the key's own. The time that this takes tells nothing about the key's token."""
    return hmac.compare_digest(key.digest, _digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
