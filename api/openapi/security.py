"""The credentials that operations take, by the mode of access. The table of routes has the roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tradewire.access import cookie
from tradewire.access.key import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.settings import Settings

_OPERATOR_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "The operator token: the content of `operator-token` in the stack's TRADEWIRE_HOME. It has the roles"
    " operator and monitor.",
}
_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "tw_<id>_<secret>",
    "description": "The token of an API key, as `deploy/key add` shows it.",
}
_KEY_HEADER: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "The same token in a header of its own.",
}
_JWT: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of the issuer in TRADEWIRE_JWT_ISSUER, for machines. Its claims have the roles.",
}
_CERTIFICATE: Final = {
    "type": "mutualTLS",
    "description": "A client certificate that has a key, at an address in TRADEWIRE_CLIENT_LISTEN.",
}


class Security(NamedTuple):
    """The security schemes of a stack."""

    schemes: Mapping[str, Mapping[str, Any]]
    """By name, as OpenAPI writes them."""
    is_open: bool
    """Whether only operators need credentials."""

    def requirements(self, roles: frozenset[Role]) -> list[dict[str, list[str]]]:
        """Return the alternatives for an operation: a scheme with a role. None if it needs no credentials.

        Args:
            roles: Those that may call it: any one of them suffices.
        """
        if self.is_open and roles != {Role.OPERATOR}:
            return []
        return [
            {name: [role]}
            for role in sorted(roles)
            for name in self.schemes
            if name != "operatorToken" or role in {Role.OPERATOR, Role.MONITOR}
        ]


OPEN: Final = Security({"operatorToken": _OPERATOR_TOKEN}, is_open=True)
"""With open access."""


def security_of(settings: Settings) -> Security:
    """Return the schemes of a stack. Raises Unavailable."""
    if settings.access == "open":
        return OPEN
    certificate = {"certificate": _CERTIFICATE} if settings.client_ca else {}
    jwt = {"jwt": _JWT} if settings.jwt else {}
    # With an identity proxy in front there are no sessions: it alone knows how people log in.
    session = {} if settings.access == "proxy" else {"session": _session(settings)}
    return Security(
        {"key": _KEY, "keyHeader": _KEY_HEADER, **certificate, **jwt, **session, "operatorToken": _OPERATOR_TOKEN},
        is_open=False,
    )


def _session(settings: Settings) -> dict[str, str]:
    begin = "GET /api/session/login" if settings.oidc else "POST /api/session"
    return {
        "type": "apiKey",
        "in": "cookie",
        "name": cookie.name_of("session", settings),
        "description": f"A person's session, begun by `{begin}`. Unsafe methods need the stack's own Origin.",
    }
