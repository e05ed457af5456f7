"""/api/session/login and /api/session/callback. Without a provider they lead nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from flask import request
from werkzeug.exceptions import Forbidden, NotFound

from api.http.parameters import ParameterType, Query, parameter
from tradewire.errors import BadValue

if TYPE_CHECKING:
    from flask import Flask, Response

LOGIN: Final = "/api/session/login"
CALLBACK: Final = "/api/session/callback"
RETURN_CHARS_MAX: Final = 2000
_OF_A_PAGE: Final = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
"""What browsers send if a person goes to an address. With `Sec-Purpose`, they fetch it in advance."""
_DOT_SEGMENT: Final = re.compile(r"[^?#]*[/\\](\.|%2e){1,2}([/\\?#]|$)", re.IGNORECASE)
"""Part of a path that browsers resolve: with it, `/tw/../other` would be a page of another program at the host."""


def _page_path(text: str) -> str:
    if not re.fullmatch(r"/(?!api/)[!-~]*", text) or len(text) > RETURN_CHARS_MAX or _DOT_SEGMENT.match(text):
        raise BadValue("not-a-path", f"is no path of the page of {RETURN_CHARS_MAX} characters at most")
    return text


@dataclass(frozen=True, kw_only=True)
class LoginQuery(Query):
    """The parameters of GET /api/session/login."""

    return_to: str = parameter(
        "return",
        ParameterType(_page_path, {"type": "string", "pattern": "^/[!-~]*$", "maxLength": RETURN_CHARS_MAX}),
        "The path of the page to which the browser goes after the login, with its query.",
        default="/",
        example="/?country=GB",
    )


class SignOn(Protocol):
    """The logins at a provider."""

    def begin(self) -> Response:
        """Send the browser to the provider."""

    def end(self) -> Response:
        """Take the browser back, with a session or the reason for the refusal."""

    def logout_address(self, session: str) -> str:
        """Return the address at which the person of a session logs out at the provider; empty without one now."""


def add_routes(app: Flask, sign_on: SignOn | None) -> None:
    """Add the routes."""

    @app.get(LOGIN)
    def log_in_at_provider() -> Response:
        return _with_provider(sign_on).begin()

    @app.get(CALLBACK)
    def back_from_provider() -> Response:
        return _with_provider(sign_on).end()


def _with_provider(sign_on: SignOn | None) -> SignOn:
    """Return the logins. Raises NotFound without a provider, and Forbidden if no person goes to the address.

    Pages of any site can let a browser load images, frames and the like from here. Each would take one of the few
    logins that the person's address may begin. A program sends no such headers.
    """
    if sign_on is None:
        raise NotFound("There is no provider to log in at: see TRADEWIRE_ACCESS.")
    sent = request.headers
    if any(sent.get(name, wanted) != wanted for name, wanted in _OF_A_PAGE) or "Sec-Purpose" in sent:
        raise Forbidden("A browser has to go to this address, as a page, to log in. It may not load it into a page.")
    return sign_on
