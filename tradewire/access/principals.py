"""Finds the principal of a request from its credentials, for the API and for the WebSocket server.

Example:
    principals = Principals(settings)
    principal = principals.find(token_of(api_key, authorization), cookies, headers.get)
"""

from __future__ import annotations

import hmac
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from tradewire.access import cookie
from tradewire.access.browser_secrets import BrowserSecrets
from tradewire.access.certificates import HEADER, Certificates
from tradewire.access.credentials import is_jwt, jwt_verifier
from tradewire.access.grant import Grants
from tradewire.access.key import PREFIX, Role
from tradewire.access.keyring import Keyring
from tradewire.access.principal import Principal
from tradewire.access.proxied import Proxied
from tradewire.access.user import Users
from tradewire.errors import Unavailable, Unconfirmed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.access.browser_secrets import Held
    from tradewire.settings import Settings

SESSION_SECONDS: Final = 8 * 3600
"""How long a session lasts."""
IDLE_SECONDS: Final = 3600
"""How long a session lasts after its last request."""


class UnconfirmedPerson(Unconfirmed):
    """The person of a session that the provider has not confirmed lately. The session can still end."""

    def __init__(self, host: str, principal: Principal) -> None:
        super().__init__(f"{host} has not confirmed the session lately")
        self.principal = principal


_OPERATOR_TOKEN: Final = re.compile("[0-9A-Za-z_-]{43}")
"""An operator token as deploy/up makes it."""
_OPERATOR: Final = Principal("operator", frozenset({Role.OPERATOR, Role.MONITOR}))
"""The holder of the operator token."""


class Principals:
    """The principals of a stack that asks for credentials. It reads no file before the first request.

    Args:
        settings: The stack's settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keyring = Keyring(settings.keys)
        self._jwt = jwt_verifier(settings)
        self._proxied = Proxied(settings) if settings.access == "proxy" else None
        self._certificates = Certificates(settings, self._keyring) if settings.client_ca else None
        self.users = Users(settings.users)
        self.grants = Grants(settings.grants, settings.oidc)
        self.sessions = BrowserSecrets(settings.sessions / "open", lifetime=SESSION_SECONDS, idle=IDLE_SECONDS)

    @cached_property
    def session_cookie(self) -> str:
        """The name of the cookie that holds a session's secret. Raises Unavailable."""
        return cookie.name_of("session", self._settings)

    def find(self, token: str, cookies: str, header: Callable[[str], str]) -> Principal | None:
        """Return the principal of a request; None without valid credentials.

        A token counts before all others, and a client certificate before what proves people.

        Args:
            token: The request's token; empty without one.
            cookies: The header `Cookie`; empty without one.
            header: Returns the value of another header, empty without it, as ISO-8859-1. Repeated ones are joined by
                commas.

        Raises:
            BadCredentials: A JSON Web Token, a client certificate, or a proxy in front, proves no principal.
            UnconfirmedPerson: The provider has not confirmed the session lately.
            Unavailable: Whether the credentials are valid can't be found out now.
        """
        if token:
            return self.by_token(token)
        if self._certificates and (certificate := header(HEADER)):
            return self._by_certificate(certificate)
        if self._proxied:  # there are no sessions of local users
            person = self._proxied.find(header)
            return Principal(person.name, person.roles, is_proxied=True) if person else None
        held = self.sessions.find(cookie.value_of(cookies, self.session_cookie)) if cookies else None
        return self._person(held) if held else None

    def by_token(self, token: str) -> Principal | None:
        """Return the principal of a token; None if it is not valid. Raises as `find`."""
        if token.startswith(PREFIX):
            return self._keyring.find(token)
        if self._jwt and is_jwt(token):
            name, roles, expires = self._jwt.verify(token)
            return Principal(name, roles, token=token, expires=expires)
        try:
            return self.operator(token)
        except Unavailable:
            if _OPERATOR_TOKEN.fullmatch(token):  # it may be right
                raise
            return None

    def _by_certificate(self, certificate: str) -> Principal | None:
        if self._certificates is None:
            return None
        key, expires = self._certificates.find(certificate)
        return Principal(key.name, key.roles, key, token=certificate, expires=expires)

    def operator(self, token: str) -> Principal | None:
        """Return the operator, if the token is the operator token.

        Raises:
            Unavailable: There is no operator token, or it can't be read.
        """
        file = self._settings.operator_token
        try:
            own = file.read_bytes().strip()
        except OSError as error:
            raise Unavailable(
                f"{file.name} can't be read: {error.strerror}; deploy/up creates it when the stack starts"
            ) from error
        if not own:
            raise Unavailable(f"{file.name} is empty; delete it, and deploy/up creates another when the stack starts")
        return replace(_OPERATOR, token=token) if hmac.compare_digest(token.encode(), own) else None

    def current(self, principal: Principal) -> Principal | None:
        """Return a principal that was found before as it is now; None if its credentials are not valid any more.

        This is no use of a session. Raises as `find`.
        """
        if principal.is_proxied:
            return principal
        if principal.key and principal.key.subject:
            return self._by_certificate(principal.token)
        if principal.token:
            return self.by_token(principal.token)
        held = self.sessions.get(principal.session)
        return self._person(held) if held else None

    def end_sessions(self, principal: Principal, *, everywhere: bool) -> int:
        """End the session of a principal, or all its sessions. Return how many. Raises Unavailable if one goes on."""
        held = self.sessions.get(principal.session) if everywhere else None
        ended = self.sessions.end_all(held.user) if held else self.sessions.end(principal.session)
        for digest in ended:
            self.grants.remove(digest)
        return len(ended)

    def _person(self, held: Held) -> Principal | None:
        return self._member(held) if self._settings.oidc else self._user(held)

    def _member(self, held: Held) -> Principal | None:
        """Return the person of a session, as the provider described it lately."""
        grant = self.grants.get(held.digest)
        if grant is None:
            return None
        roles = self._settings.group_roles.of(grant.groups)
        person = Principal(grant.subject.name, roles, session=held.digest)
        if grant.is_due(self._settings.recheck_seconds):
            raise UnconfirmedPerson(self._settings.oidc.host, person)
        return person

    def _user(self, held: Held) -> Principal | None:
        user = self.users.get(held.user)
        if user is None or user.generation != held.generation:  # the file may have changed since the last look
            user = self.users.newest(held.user)
        if user is None or user.generation != held.generation:
            return None
        return Principal(user.name, user.roles, session=held.digest)
