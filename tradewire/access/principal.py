"""The sender of a request."""

from __future__ import annotations

import math
from typing import Self

import msgspec

from tradewire.access.key import Key, Role


class Principal(msgspec.Struct, frozen=True):
    """The sender of a request. `name` is empty if there are no names."""

    name: str
    roles: frozenset[Role]
    key: Key | None = None
    """The API key with which it proved that."""
    session: str = ""
    """The hash of its session's secret; empty without a session."""
    token: str = ""
    """The token of its key, its JSON Web Token, or its client certificate, as nginx tells it; empty for people."""
    expires: float = math.inf
    """Unix time in seconds from which on the token or the certificate is not valid."""
    is_proxied: bool = False
    """Whether an identity proxy in front names it. Then each request says anew whether it still does."""

    @classmethod
    def of(cls, key: Key, token: str) -> Self:
        """Return the holder of a key's token."""
        expires = math.inf if key.expires is None else key.expires
        return cls(key.name, key.roles, key, token=token, expires=expires)

    @property
    def is_person(self) -> bool:
        """Whether a browser proves its name by itself, also in requests that pages of other sites cause."""
        return bool(self.session) or self.is_proxied
