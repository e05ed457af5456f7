"""/api/session: log in, see the own name and roles, and log out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import Flask, Response, request
from msgspec import Meta
from werkzeug.exceptions import BadRequest, Forbidden, NotFound

from api.access.login import KNOWN_SECONDS, Attempt, Login
from api.access.provider_routes import LOGIN
from api.http.auth import LOGOUT, ROUTES, is_own_page
from api.http.parameters import ParameterType, Query, parameter, parse_query
from api.http.responses import json_response
from tradewire.access import cookie
from tradewire.access.browser_secrets import BrowserSecrets
from tradewire.access.password import CHARS_MAX
from tradewire.client import client_at
from tradewire.errors import BadValue

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from api.access.provider_routes import SignOn
    from api.http.audit import RequestTrail
    from api.http.auth import Access
    from tradewire.access.key import Role
    from tradewire.settings import Settings

_PATH: Final = "/api/session"
FORM: Final = 'Send a JSON object such as {"name": "alice", "password": "…"}.'


class Credentials(msgspec.Struct):
    """A name and a password."""

    name: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=CHARS_MAX)]


class Session(msgspec.Struct):
    """The sender of a request, with all its roles. The name is empty if access is open."""

    name: str
    roles: list[str]


class LoggedOut(msgspec.Struct, omit_defaults=True):
    """The number of sessions that have ended here, and the rest of the login at a provider.

    Either the address at which the browser logs out there; or the host at which the login goes on, since the provider
    is away or has no such address.
    """

    ended: int
    continueAt: str = ""  # noqa: N815 - JSON's camelCase
    goesOnAt: str = ""  # noqa: N815 - as above


def _no_value(text: str) -> bool:
    if text:
        raise BadValue("unknown-value", "takes no value")
    return True


@dataclass(frozen=True, kw_only=True)
class LogOutQuery(Query):
    """The parameters of DELETE /api/session."""

    everywhere: bool = parameter(
        "everywhere",
        ParameterType(_no_value, {"type": "string", "maxLength": 0}),
        "End all sessions of the user, in every browser.",
        default=False,
    )


def add_routes(
    app: Flask, settings: Settings, access: Access, trail: RequestTrail, log: BoundLogger, sign_on: SignOn | None
) -> None:
    """Add the routes. With a provider, people log in there, and not here."""
    principals = access.principals
    known = BrowserSecrets(settings.sessions / "known", lifetime=KNOWN_SECONDS, idle=KNOWN_SECONDS)
    login = Login(principals.users, known, trail, log)

    @app.post(_PATH)
    def log_in() -> Response:
        parse_query(Query, request.args)
        _check_passwords_count(settings)
        _check_page(settings)
        sent = _credentials()
        cookies = request.headers.get("Cookie", "")
        known_cookie = cookie.name_of("known", settings)
        client = client_at(request.headers.get("X-Forwarded-For", ""))
        attempt = Attempt(sent.name, sent.password, client, cookie.value_of(cookies, known_cookie))
        user = login.check(attempt)
        response = _response(user.name, user.roles)
        with login.accepted(attempt, user):
            secret = principals.sessions.make(user)
            if before := principals.sessions.find(cookie.value_of(cookies, principals.session_cookie)):
                principals.sessions.end(before.digest)
            response.headers.add("Set-Cookie", cookie.setting(principals.session_cookie, secret, settings))
            held = known.find(attempt.known)
            if held is None or not held.belongs_to(user):
                secret = known.make(user)
                response.headers.add(
                    "Set-Cookie", cookie.setting(known_cookie, secret, settings, seconds=KNOWN_SECONDS)
                )
        return response

    @app.get(_PATH)
    def who_am_i() -> Response:
        parse_query(Query, request.args)
        principal = access.check(request.environ, ROUTES["GET", _PATH])
        return _response(principal.name, principal.roles)

    @app.delete(_PATH)
    def log_out() -> Response:
        query = parse_query(LogOutQuery, request.args)
        principal = access.check(request.environ, ROUTES[LOGOUT], is_logout=True)
        if not principal.session:
            raise NotFound("The request has no session that could end.")
        continue_at = sign_on.logout_address(principal.session) if sign_on else ""
        ended = principals.end_sessions(principal, everywhere=query.everywhere)
        log.info("log-out", user=principal.name, everywhere=query.everywhere)
        trail.logout(",".join(sorted(principal.roles)), {"everywhere": query.everywhere, "sessions": ended})
        goes_on_at = settings.oidc.host if sign_on and not continue_at else ""
        response = json_response(200, LoggedOut(ended, continue_at, goes_on_at))
        response.headers.add("Set-Cookie", cookie.setting(principals.session_cookie, "", settings, seconds=0))
        return response


def _check_page(settings: Settings) -> None:
    """Check that the session's cookie is of use to the page that sends the request. Raises Forbidden."""
    page = request.headers.get("Origin")
    if page is None:  # a program
        return
    if not is_own_page(request.environ, settings):
        raise Forbidden("Pages of other sites may not log anyone in.")
    if not cookie.comes_back_to(page, settings):
        there = f"at {settings.public_url}/" if settings.public_url else "over https"
        raise Forbidden(f"Log in {there}: browsers keep the session for that address, and not for {page}.")


def _check_passwords_count(settings: Settings) -> None:
    if settings.oidc:
        raise NotFound(f"People log in at {settings.oidc.host}: GET {LOGIN} leads there.")
    if settings.access != "keys":
        raise NotFound(f"Access is {settings.access}: there is nothing to log in to here.")


def _credentials() -> Credentials:
    try:
        return msgspec.json.decode(request.get_data(cache=False), type=Credentials)
    except (msgspec.DecodeError, UnicodeDecodeError):  # its message could show a part of the password
        raise BadRequest(FORM) from None


def _response(name: str, roles: frozenset[Role]) -> Response:
    return json_response(200, Session(name, sorted(roles)))
