"""Checks ID tokens: the provider's word, to this stack, about a person's login.

The signature is checked as that of an access token is. Authlib checks the claims that only ID tokens have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from tradewire.access import signed_token
from tradewire.access.signed_token import LEEWAY_SECONDS, type_of
from tradewire.errors import BadToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.access.provider import Provider

_SUB_CHARS_MAX: Final = 255


def check(
    token: str, provider: Provider, key_of: Callable[[Mapping[str, Any]], Any], *, nonce: str, access_token: str
) -> Mapping[str, Any]:
    """Return the claims of an ID token.

    Args:
        token: The token.
        provider: It must have issued the token, to this stack.
        key_of: Returns the provider's key for a token's header.
        nonce: The value that the token must have. Empty for a token that comes with a refresh.
        access_token: The token that came with it.

    Raises:
        BadToken: It is no such token.
        Unavailable: The provider's keys can't be fetched.
    """
    header, claims = signed_token.check(token, provider.url, provider.client_id, key_of)
    if type_of(header) != "jwt":
        raise BadToken("The token is no ID token: its typ is not JWT.")
    params = {"nonce": nonce or None, "client_id": provider.client_id, "access_token": access_token}
    try:
        CodeIDToken(claims, header, None, params).validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise BadToken(f"The ID token is not valid: {error}.") from error
    sub = claims["sub"]
    if not isinstance(sub, str) or not 0 < len(sub) <= _SUB_CHARS_MAX or not sub.isprintable():
        raise BadToken(f"The ID token's sub is no text of 1 to {_SUB_CHARS_MAX} characters.")
    return claims
