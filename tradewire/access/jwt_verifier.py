"""Checks JSON Web Tokens: access tokens of the issuer for this stack, each signed with a key of the issuer.

Decision 025 says which tokens count, and why. A token that was checked once is known by its hash until it expires.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tradewire.access import issuer_keys, signed_token
from tradewire.access.groups import BY_NAME
from tradewire.access.issuer_keys import COOL_DOWN_SECONDS
from tradewire.access.signed_token import LEEWAY_SECONDS, claim, type_of
from tradewire.access.watched_file import WatchedFile
from tradewire.errors import BadToken, UnknownKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.access.issuer_keys import IssuerKeys
    from tradewire.access.key import Role
    from tradewire.settings import Settings

NAME_PREFIX: Final = "jwt:"
"""The beginning of each principal's name. No name of an API key has a colon, so none is the same."""
TOKENS_MAX: Final = 10_000
"""Tokens that are known by their hash. The oldest one makes room."""
_TOKEN_CHARS_MAX: Final = 8192
_NAME: Final = re.compile(r"[!-~]{1,60}")
_ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_ACCESS_TOKEN_CLAIMS: Final = frozenset({"scope", "scp", "client_id", "cid", "appid", "azpacr", "gty"})
"""Claims that providers put into access tokens, and into no ID token."""


class Verified(NamedTuple):
    """The principal that a token proves."""

    name: str
    roles: frozenset[Role]
    expires: float
    """Unix time in seconds from which on the token is not valid, leeway included."""


class JwtVerifier:
    """Checks tokens. It reads no file before the first token. Threads may share it.

    Args:
        settings: They name the issuer, and the file of its keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.jwt
        self._group_roles = settings.group_roles or BY_NAME
        path = Path(settings.jwt.jwks_file) if settings.jwt.jwks_file else settings.issuer_keys
        self._file = WatchedFile(path, partial(issuer_keys.read, issuer=settings.jwt))
        self._wanted = settings.issuer_keys.with_suffix(".wanted")
        self._members: Any = None
        """The keys with which the known tokens were checked."""
        self._known: dict[bytes, Verified] = {}
        self._lock = threading.Lock()

    def verify(self, token: str) -> Verified:
        """Return the principal that a token proves.

        Raises:
            BadToken: It proves none.
            Unavailable: Keys of the issuer are missing, so this can't be found out now. If it is the token's own, it is
                UnknownKey.
        """
        if len(token) > _TOKEN_CHARS_MAX or not token.isascii():
            raise BadToken(f"The token is not a JSON Web Token of {_TOKEN_CHARS_MAX} characters at most.")
        keys = self._file.content()
        if keys.members is not self._members:
            self._change_keys(keys)
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._known.get(digest)
        if verified is None:
            verified = self._verify(token)
            self._remember(digest, verified, keys)
        if time.time() >= verified.expires:
            self._known.pop(digest, None)
            raise BadToken("The token has expired.")
        return verified

    def _change_keys(self, keys: IssuerKeys) -> None:
        """Forget all tokens if the keys are not the same: the key of one may be gone."""
        with self._lock:
            if keys.members != self._members:
                self._known = {}
            self._members = keys.members

    def _remember(self, digest: bytes, verified: Verified, keys: IssuerKeys) -> None:
        with self._lock:
            if keys.members is not self._members:  # another thread has newer keys
                return
            if len(self._known) >= TOKENS_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[digest] = verified

    def _verify(self, token: str) -> Verified:
        issuer = self._issuer
        header, claims = signed_token.check(token, issuer.url, issuer.audience, self._key)
        _check_use(header, claims)
        return Verified(self._name(claims), self._roles(claims), _expiry(claims))

    def _key(self, header: Mapping[str, Any]) -> Any:
        """Return the key that a token's header names. Raises BadToken and Unavailable."""
        if type_of(header) not in {"at+jwt", "jwt"}:
            raise BadToken("The token is no access token: its typ is not at+jwt or JWT.")
        found = signed_token.find_key(self._file.content().keys, header)
        if found is None:
            self._file.look()
            known = self._file.content()
            found = signed_token.find_key(known.keys, header)
            if found is None and known.fetched_at is not None and time.time() > known.fetched_at + COOL_DOWN_SECONDS:
                with suppress(OSError):  # the disk is full or read-only: the keys are fetched when that is due
                    self._wanted.touch()
                raise UnknownKey("the key of the token is not known yet, and is being fetched")
        if found is None:
            raise BadToken("The issuer has no such key as the token names.")
        return found

    def _name(self, claims: Mapping[str, Any]) -> str:
        name = claim(claims, self._issuer.name_claim)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadToken(f"The token's {self._issuer.name_claim} is no name of 1 to 60 visible ASCII characters.")
        return NAME_PREFIX + name

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        """Return the principal's roles. Values that stand for no role are ignored."""
        values = claim(claims, self._issuer.roles_claim)
        if isinstance(values, str):
            values = values.split()
        if not isinstance(values, list):
            return frozenset()
        return self._group_roles.of(value for value in values if isinstance(value, str))


def _check_use(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Check that a token is an access token that anyone who bears it may use."""
    if "cnf" in claims:
        raise BadToken("The token is bound to a key of its sender (cnf), which is not supported.")
    if type_of(header) == "at+jwt":
        return
    uses = (claims.get("token_use", "access"), claims.get("typ", "Bearer"))
    says_access = bool(_ACCESS_TOKEN_CLAIMS & claims.keys()) or "token_use" in claims or "typ" in claims
    if uses != ("access", "Bearer") or _ID_TOKEN_CLAIMS & claims.keys() or not says_access:
        raise BadToken("The token is no access token, but perhaps an ID token.")


def _expiry(claims: Mapping[str, Any]) -> float:
    expires = claims["exp"]
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise BadToken("The token's exp is no number.")
    return float(expires) + LEEWAY_SECONDS
