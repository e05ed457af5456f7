"""People log in at an OpenID Connect provider: /api/session/login sends them there, /api/session/callback back.

Both are addresses that a browser goes to, so both always lead to the page. It tells in words why a login has failed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request

from api.access.discovery import Discovery
from api.access.pending_logins import LIFETIME_SECONDS, PendingLogins
from api.access.provider_client import ProviderClient
from api.access.provider_login import ProviderAnswers, RefusedLoginError
from api.access.provider_routes import CALLBACK, LoginQuery
from api.access.renewer import Renewer
from api.http.parameters import parse_query
from tradewire.access import cookie
from tradewire.access.browser_secrets import digest_of
from tradewire.audit.trail import Trail
from tradewire.client import client_at
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from api.access.pending_logins import PendingLogin
    from api.http.audit import RequestTrail
    from tradewire.access.grant import Grant
    from tradewire.access.principals import Principals
    from tradewire.settings import Settings

_ERROR: Final = re.compile(r"[a-z_]{1,64}")
_REASONS: Final = {
    "access_denied": "denied",
    "server_error": "provider-away",
    "temporarily_unavailable": "provider-away",
}
"""The reason that the page shows for an error of the provider. All others are `refused`."""


class SingleSignOn:
    """The logins at the provider. Threads may share it.

    Args:
        settings: They name the provider.
        principals: Gets the sessions and their grants.
        trail: The audit trail, for accepted logins and some of the others.
        log: The log.
    """

    def __init__(self, settings: Settings, principals: Principals, trail: RequestTrail, log: BoundLogger) -> None:
        self._settings = settings
        self._principals = principals
        self._trail = trail
        self._log = log
        self._pending = PendingLogins()
        self.discovery = Discovery(settings.oidc, log)
        self._client = ProviderClient(settings.oidc, f"{settings.public_url}{CALLBACK}", self.discovery)
        self._answers = ProviderAnswers(settings, self._client, self.discovery)
        own_trail = Trail(settings.audit, settings.audit_key)
        self.renewer = Renewer(principals, settings.recheck_seconds, self._answers, own_trail, log)

    def start(self) -> None:
        """Start to keep the provider's metadata and the sessions up to date."""
        self.discovery.start()
        self.renewer.start()

    def fault(self) -> str:
        """Return why nobody can log in; empty if people can."""
        return self.discovery.fault or (self.renewer.fault if self.renewer.is_unheard else "")

    def silence(self) -> str:
        """Return why the provider does not confirm some of the sessions; empty if it confirms them all."""
        return self.renewer.fault

    def begin(self) -> Response:
        """Send the browser to the provider."""
        return_to = parse_query(LoginQuery, request.args).return_to
        secret, login = self._pending.begin(_client(), return_to, self._cookie(self._login_cookie))
        try:
            address = self._client.login_address(login.state, login.nonce, login.verifier)
        except Unavailable as error:
            return self._refused(RefusedLoginError("provider-away", str(error)), return_to)
        response = _to(address)
        self._set_cookie(response, self._login_cookie, secret, seconds=LIFETIME_SECONDS, comes_with_links=True)
        return response

    def end(self) -> Response:
        """Give the browser a session, if it has begun this login and the provider confirms it."""
        secret = self._cookie(self._login_cookie)
        login = self._pending.take(secret, request.args.get("state", ""))
        try:
            if login is None:
                raise RefusedLoginError("unknown", "this browser has begun no such login, or too long ago")
            response = self._enter(self._grant(login), login.return_to)
        except RefusedLoginError as error:
            response = self._refused(error, login.return_to if login else "/")
        except Unavailable as error:
            response = self._refused(RefusedLoginError("unavailable", str(error)), login.return_to if login else "/")
        self._set_cookie(response, self._login_cookie, "", seconds=0)
        return response

    def logout_address(self, session: str) -> str:
        """Return the address at which the person of a session logs out at the provider.

        Args:
            session: The hash of the session's secret.

        Returns:
            The address; empty if the provider has none, or is away: then a browser would not get there.
        """
        if self.fault():
            return ""
        try:
            grant = self._principals.grants.get(session)
        except Unavailable as error:  # the session must end even so, and the provider asks who logs out
            self._log.error("a session can't be read", reason=str(error))
            grant = None
        return self._client.logout_address(grant.id_token if grant else "", f"{self._settings.public_url}/")

    def _grant(self, login: PendingLogin) -> Grant:
        answer = request.args
        issuer = answer.get("iss", "" if self.discovery.metadata().names_itself else self._settings.oidc.url)
        if issuer != self._settings.oidc.url:  # RFC 9207: the answer of another provider
            raise RefusedLoginError("refused", "the answer is not from this provider: its iss is another one")
        if error := answer.get("error", ""):
            named = error if _ERROR.fullmatch(error) else "an unknown error"
            raise RefusedLoginError(_REASONS.get(error, "refused"), f"the provider answers {named}")
        if not answer.get("code"):
            raise RefusedLoginError("refused", "the provider answers with neither a code nor an error")
        return self._answers.first(answer["code"], login)

    def _enter(self, grant: Grant, return_to: str) -> Response:
        """Give the browser a session. No browser knows its secret before the login is recorded."""
        sessions, grants = self._principals.sessions, self._principals.grants
        name = self._principals.session_cookie
        secret = sessions.make(grant.owner)
        grants.put(digest_of(secret), grant)
        if before := sessions.find(self._cookie(name)):
            for ended in sessions.end(before.digest):
                grants.remove(ended)
        roles = ",".join(sorted(self._settings.group_roles.of(grant.groups)))
        self._trail.login(grant.subject.name, roles, "done", {})
        self._log.info("log-in", user=grant.subject.name, client=_client(), result="ok")
        response = self._to_page(return_to)
        self._set_cookie(response, name, secret)
        return response

    def _refused(self, error: RefusedLoginError, return_to: str) -> Response:
        """Send the browser to the page, which tells the reason."""
        name = error.subject.name if error.subject else ""
        self._trail.login(name, "", "refused", {"reason": error.code})
        self._log.warning("log-in", user=name or None, client=_client(), result=error.code, reason=str(error))
        return self._to_page(f"{return_to.partition('#')[0]}#login={error.code}")

    def _to_page(self, path: str) -> Response:
        return _to(f"{self._settings.public_url}{path}")

    @property
    def _login_cookie(self) -> str:
        return cookie.name_of("login", self._settings)

    def _cookie(self, name: str) -> str:
        return cookie.value_of(request.headers.get("Cookie", ""), name)

    def _set_cookie(self, response: Response, name: str, value: str, **options: Any) -> None:
        response.headers.add("Set-Cookie", cookie.setting(name, value, self._settings, **options))


def _client() -> str:
    return client_at(request.headers.get("X-Forwarded-For", ""))


def _to(address: str) -> Response:
    return Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
