"""Checks the signature and the standard claims of a JSON Web Token. What the token is for, the caller has to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt

from tradewire.errors import BadToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.access.jwks import Keys

LEEWAY_SECONDS: Final = 30
"""How far the clocks of the issuer and of this machine may differ."""
_REFUSED_HEADERS: Final = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c"})
"""Header parameters that bring a key along, or change how the token is read."""


class Signed(NamedTuple):
    """The content of a token that its issuer has signed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def check(token: str, issuer: str, audience: str, key_of: Callable[[Mapping[str, Any]], Any]) -> Signed:
    """Check that an issuer has signed a token for an audience, and that it is valid now.

    Args:
        token: The token.
        issuer: The claim `iss` that it must have.
        audience: The audience that it must name in `aud`.
        key_of: Returns the key for a header, which is not yet checked. The key must be bound to the header's algorithm.

    Raises:
        BadToken: The check has failed. Other errors are those of `key_of`.
    """
    try:
        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        header: Mapping[str, Any] = unverified["header"]
        if refused := sorted(_REFUSED_HEADERS & header.keys()):
            raise BadToken(f"The token's header has {', '.join(refused)}, and may not.")
        if unverified["payload"].get("iss") != issuer:
            raise BadToken(f"The token is not from the issuer {issuer}.")
        claims = jwt.decode(
            token,
            key_of(header),
            algorithms=[str(header.get("alg"))],  # of the key, which serves no other
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "aud", "exp"]},
        )
    except jwt.PyJWTError as error:
        raise BadToken(f"The token is not valid: {error}.") from error
    return Signed(header, claims)


def key_id(header: Mapping[str, Any]) -> str:
    """Return the id of the key that a header names. Raises BadToken."""
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise BadToken("The token names no key: it has no kid.")
    return kid


def find_key(keys: Keys, header: Mapping[str, Any]) -> Any:
    """Return the key that a header names, for its algorithm; None if no key has that id. Raises BadToken."""
    kid = key_id(header)
    found = keys.get((kid, str(header.get("alg"))))
    if found is None and any(known == kid for known, _ in keys):
        raise BadToken("The token's alg is not one of its key.")
    return found


def type_of(header: Mapping[str, Any]) -> str:
    """Return the token's type. RFC 7515 allows to leave out `application/`. Many providers leave out all of it."""
    return str(header.get("typ", "JWT")).lower().removeprefix("application/")


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return the value of a claim; None without it. Dots in its name lead into objects, unless it has them."""
    if name in claims:
        return claims[name]
    for place, character in enumerate(name):
        inner = claims.get(name[:place]) if character == "." else None
        if isinstance(inner, dict):
            return claim(inner, name[place + 1 :])
    return None
