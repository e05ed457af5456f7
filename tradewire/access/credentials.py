"""The token in the headers of a request, and its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tradewire.access.jwt_verifier import JwtVerifier
    from tradewire.settings import Settings

_JWT_DOTS: Final = 2
"""Between the three parts of a JSON Web Token."""


def token_of(api_key: str | None, authorization: str | None) -> str:
    """Return the token that a request carries. It is empty without one.

    Args:
        api_key: The header `X-API-Key`. It comes first: a proxy in front may use `Authorization` for itself.
        authorization: The header `Authorization`. Only its scheme Bearer carries a token.
    """
    if api_key:
        return api_key
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def is_jwt(token: str) -> bool:
    """Return whether a token has the form of a JSON Web Token: three parts with dots between them."""
    return token.count(".") == _JWT_DOTS


def jwt_verifier(settings: Settings) -> JwtVerifier | None:
    """Return the verifier of JSON Web Tokens; None if the stack has no issuer."""
    if not settings.jwt:
        return None
    from tradewire.access.jwt_verifier import JwtVerifier  # noqa: PLC0415 - its library takes 10 MB

    return JwtVerifier(settings)
