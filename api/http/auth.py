"""Which principal sends a request, and the table of routes with the roles that may call them."""

from __future__ import annotations

import re
from functools import cached_property, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flask import Response, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, HTTPException, TooManyRequests, Unauthorized

from api.http.responses import RETRY_AFTER_SECONDS
from tradewire.access import origin
from tradewire.access.certificates import HEADER
from tradewire.access.credentials import token_of
from tradewire.access.key import Role
from tradewire.access.key_use import KeyUse
from tradewire.access.principal import Principal
from tradewire.access.principals import Principals, UnconfirmedPerson
from tradewire.audit.refusals import Refusals, forbidden, refusal
from tradewire.audit.trail import Trail
from tradewire.errors import BadCredentials, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask

    from tradewire.access.key import Key
    from tradewire.settings import Settings

_PUBLIC: Final[frozenset[Role]] = frozenset()
ROUTES: Final[Mapping[tuple[str, str], frozenset[Role]]] = {
    ("POST", "/api/message"): frozenset({Role.PRODUCER}),
    ("POST", "/api/messages"): frozenset({Role.PRODUCER}),
    ("GET", "/api/messages"): frozenset({Role.VIEWER, Role.EXPORTER}),  # the view tells pages from files
    ("GET", "/api/message/{message_id}"): frozenset({Role.VIEWER}),
    ("GET", "/api/stats"): frozenset({Role.VIEWER}),
    ("GET", "/api/ledger"): frozenset({Role.MONITOR, Role.OPERATOR}),
    ("POST", "/api/ledger/settle"): frozenset({Role.OPERATOR}),
    ("GET", "/api/dead-letters"): frozenset({Role.OPERATOR}),
    ("POST", "/api/dead-letters/requeue"): frozenset({Role.OPERATOR}),
    ("POST", "/api/dead-letters/{tube}/{dead_letter_id}/requeue"): frozenset({Role.OPERATOR}),
    ("DELETE", "/api/dead-letters/{tube}/{dead_letter_id}"): frozenset({Role.OPERATOR}),
    ("GET", "/api/audit"): frozenset({Role.ADMIN}),
    ("POST", "/api/session"): _PUBLIC,
    ("GET", "/api/session"): frozenset(Role),
    ("DELETE", "/api/session"): frozenset(Role),
    ("GET", "/api/session/login"): _PUBLIC,
    ("GET", "/api/session/callback"): _PUBLIC,
    ("GET", "/api/openapi.json"): frozenset(Role),
    ("GET", "/metrics"): frozenset({Role.MONITOR}),
    ("GET", "/readyz"): _PUBLIC,  # with the components for Role.MONITOR
    ("GET", "/readyz/status"): _PUBLIC,
    ("GET", "/healthz"): _PUBLIC,
}
"""The roles that may call each route: any one of them suffices. A public route has no role."""
LOGOUT: Final = ("DELETE", "/api/session")

_PRINCIPAL: Final = "tradewire.principal"
"""The environment's key of the principal that was found."""
_NAME: Final = "tradewire.name"
"""The environment's key of the name of a key that is over its rate."""
_REFUSED: Final = "tradewire.refused"
"""The environment's key that tells that the refusal of the request's credentials is recorded."""
NAME_HEADER: Final = "X-Principal"
"""The response header that tells nginx the principal's name, for its log of refusals. nginx sends it to no client."""
_FORBIDDEN: Final = "tradewire.forbidden"
"""The environment's key of the refused principal's name, and of the reason, as the audit trail has it."""
_CERTIFICATE: Final = f"HTTP_{HEADER.upper().replace('-', '_')}"
"""The environment's key of the client certificate of which nginx tells."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""

_OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""What browsers send as `Sec-Fetch-Site` if the page of another origin links to the API, or loads from it. A request
takes work, and some leave records in the user's name."""
_ANYONE: Final = Principal("", frozenset({Role.PRODUCER, Role.VIEWER, Role.EXPORTER, Role.MONITOR}))
"""The sender of every request, if access is open."""
_INVALID_TOKEN: Final = WWWAuthenticate("bearer", {"error": "invalid_token"})


class Access:
    """Checks the credentials of requests. It reads no file before the first request.

    Args:
        settings: The stack's settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_open = settings.access == "open"
        self.principals = Principals(settings)
        self.refusals = Refusals(Trail(settings.audit, settings.audit_key))

    def check(self, environ: WSGIEnvironment, allowed: frozenset[Role], *, is_logout: bool = False) -> Principal:
        """Return the principal that sends a request.

        Args:
            environ: The request.
            allowed: The roles that may send it.
            is_logout: Whether it ends a session. Then its person needs no role, and no confirmation by a provider.

        Raises:
            Unauthorized: The request has no valid credentials.
            Forbidden: The principal has no such role; or a page of another site may have sent the request.
            TooManyRequests: The key is over its rate.
            Unavailable: Whether the credentials are valid can't be found out now.
        """
        if environ.get("HTTP_SEC_FETCH_SITE") in _OTHER_SITES:
            raise Forbidden(
                "A page of another site sent this request. Use the stack's own page, or enter the address yourself."
            )
        if self._is_open and not allowed.isdisjoint(_ANYONE.roles):
            return _ANYONE
        principal: Principal | None = environ.get(_PRINCIPAL)
        if principal is None:
            principal = environ[_PRINCIPAL] = self._identify(environ, allowed, is_logout=is_logout)
        if allowed.isdisjoint(principal.roles) and not (is_logout and principal.session):
            environ[_FORBIDDEN] = principal.name, {"roles": sorted(principal.roles), "needs": sorted(allowed)}
            if principal.is_person and not principal.roles:  # each local user has a role
                raise Forbidden(f"{principal.name} is in no group that has a role: see TRADEWIRE_GROUP_ROLES.")
            raise Forbidden(f"{principal.name} needs the role {_listed(allowed)}.")
        return principal

    def may(self, environ: WSGIEnvironment, role: Role) -> bool:
        """Return whether the principal that sends a request has a role."""
        try:
            self.check(environ, frozenset({role}))
        except (HTTPException, Unavailable):
            return False
        return True

    def guard(self, app: Flask) -> None:
        """Check every request to the application before its view is called. Call this when all routes are added.

        Raises:
            LookupError: A route is not in the table.
        """
        rules = {
            (method, path_of(rule.rule))
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        if unknown := rules - set(ROUTES):
            raise LookupError(f"these routes name no role: {unknown}")

        @app.before_request
        def check() -> None:
            method = "GET" if request.method == "HEAD" else request.method
            if request.url_rule and method != "OPTIONS":  # Flask itself answers OPTIONS, and unknown paths
                route = method, path_of(request.url_rule.rule)
                if allowed := ROUTES[route]:
                    self.check(request.environ, allowed, is_logout=route == LOGOUT)

        @app.after_request
        def record_forbidden(response: Response) -> Response:
            if response.status_code == HTTPStatus.FORBIDDEN and _FORBIDDEN in request.environ:
                name, details = request.environ[_FORBIDDEN]
                # The route, and not the path, which may have any text.
                route = f"{request.method} {path_of(str(request.url_rule))}"
                self.refusals.record(forbidden(name, {"request": route, **details}, *origin_of(request.environ)))
            return response

        @app.after_request
        def tell_name(response: Response) -> Response:
            name = request.environ.get(_NAME) or principal_of(request.environ).name
            if name and response.status_code >= HTTPStatus.BAD_REQUEST:
                response.headers[NAME_HEADER] = quote(name)
            return response

    def _identify(self, environ: WSGIEnvironment, allowed: frozenset[Role], *, is_logout: bool) -> Principal:
        if self._is_open and allowed == {Role.ADMIN}:
            raise Forbidden("With TRADEWIRE_ACCESS=open there are no admins.")
        token = token_of(environ.get("HTTP_X_API_KEY"), environ.get("HTTP_AUTHORIZATION"))
        try:
            principal = self._find(environ, token)
        except BadCredentials as error:
            self._record_refusal(environ, token)
            scheme = _INVALID_TOKEN if token else WWWAuthenticate("bearer")
            raise Unauthorized(str(error), www_authenticate=scheme) from error
        except UnconfirmedPerson as error:
            if not is_logout:
                raise
            principal = error.principal
        if principal:
            if principal.key:
                self._count(environ, principal.key)
            # Browsers add what proves a person's name to the requests of any page.
            elif principal.is_person and not (
                environ["REQUEST_METHOD"] in _SAFE or is_own_page(environ, self._settings)
            ):
                environ[_FORBIDDEN] = principal.name, {"reason": "origin"}
                raise Forbidden("Without a token, the header Origin must name the stack's own page.")
            return principal
        if token:
            self._record_refusal(environ, token)
        raise Unauthorized(self._required(allowed), www_authenticate=WWWAuthenticate("bearer"))

    def _find(self, environ: WSGIEnvironment, token: str) -> Principal | None:
        if self._is_open:
            return self.principals.operator(token)
        if token:  # as nearly all messages have
            return self.principals.by_token(token)
        return self.principals.find("", environ.get("HTTP_COOKIE", ""), partial(_header, environ))

    def _record_refusal(self, environ: WSGIEnvironment, token: str) -> None:
        """Record refused credentials, once for a request. Of a token, only the part is recorded that is no secret."""
        if not environ.get(_REFUSED):
            environ[_REFUSED] = True
            certificate = "" if token else environ.get(_CERTIFICATE, "")
            self.refusals.record(refusal(token, *origin_of(environ), certificate))

    def _count(self, environ: WSGIEnvironment, key: Key) -> None:
        if _NAME in environ or not self._use.take(key):  # refused once, the request is refused
            environ[_NAME] = key.name
            detail = f"{key.name} may send {key.rate} requests a second."
            raise TooManyRequests(detail, retry_after=RETRY_AFTER_SECONDS)

    @cached_property
    def _use(self) -> KeyUse:
        try:
            return KeyUse(self._settings.key_use)
        except OSError as error:
            raise Unavailable(f"{self._settings.key_use.name} can't be opened: {error.strerror}") from error

    def _required(self, allowed: frozenset[Role]) -> str:
        file = self._settings.operator_token.name
        if self._is_open:
            return (
                f"The operator token is required: send Authorization: Bearer with the token in {file}, in the stack's "
                "TRADEWIRE_HOME."
            )
        if self._settings.access == "proxy":
            log_in, add_users = "log in at the proxy in front", "the proxy names users"
        else:
            log_in = "log in at the page"
            add_users = f"{self._settings.oidc.host} has the users" if self._settings.oidc else "deploy/user adds users"
        issuer = f", or a JWT of {self._settings.jwt.url}" if self._settings.jwt else ""
        return (
            f"The role {_listed(allowed)} is required: {log_in}, or send Authorization: Bearer or X-API-Key "
            f"with the token of a valid key{issuer}. deploy/key makes keys, {add_users}."
        )


def principal_of(environ: WSGIEnvironment) -> Principal:
    """Return the principal that was found for a request."""
    principal: Principal = environ.get(_PRINCIPAL, _ANYONE)
    return principal


def is_own_page(environ: WSGIEnvironment, settings: Settings) -> bool:
    """Return whether the stack's own page sends a request, as its header `Origin` tells."""
    origins, hosts = ([environ[name]] if name in environ else [] for name in ("HTTP_ORIGIN", "HTTP_HOST"))
    return origin.is_own(origins, hosts, settings.public_origin)


def origin_of(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return the client's address and the request's id, as nginx has set them."""
    names = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REQUEST_ID")
    client, request_id = (environ.get(name, "") for name in names)
    return client, request_id


def path_of(rule: str) -> str:
    """Return the path of one of Flask's rules as the table and OpenAPI write it."""
    return re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule)


def _header(environ: WSGIEnvironment, name: str) -> str:
    """Return the value of a header; empty without it."""
    text: str = environ.get(f"HTTP_{name.upper().replace('-', '_')}", "")
    return text


def _listed(roles: frozenset[Role]) -> str:
    return " or ".join(sorted(roles))
