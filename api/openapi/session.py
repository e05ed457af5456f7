"""The operations of /api/session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.access.provider_routes import LoginQuery
from api.access.session import LoggedOut, LogOutQuery, Session
from api.http.responses import Failure
from api.openapi.operation import BAD_PARAMETERS, CROSS_SITE, SCHEME, Operation, ResponseSpec
from tradewire.access.password import CHARS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_LOG_IN: Final = ResponseSpec("With this TRADEWIRE_ACCESS, there is nothing to log in to.", Failure)
_NO_PROVIDER: Final = ResponseSpec("TRADEWIRE_ACCESS is not oidc: there is no provider to log in at.", Failure)
_NO_PAGE: Final = ResponseSpec("By Sec-Fetch-Dest, a page loads the address, and no person goes there.", Failure)
_CREDENTIALS: Final = {
    "type": "object",
    "required": ["name", "password"],
    "properties": {
        "name": {"type": "string", "maxLength": 64},
        "password": {"type": "string", "maxLength": CHARS_MAX, "format": "password"},
    },
    "examples": [{"name": "alice", "password": "correct horse battery staple"}],
}
SESSION: Final[Mapping[tuple[str, str], Operation]] = {
    ("post", "/api/session"): Operation(
        "logIn",
        "Log in",
        {
            200: ResponseSpec("The user is logged in.", Session, headers={"Set-Cookie": "The session, for 8 h."}),
            400: ResponseSpec("The body is no object with a name and a password.", Failure),
            401: ResponseSpec("The name or the password is wrong.", Failure, headers=SCHEME),
            403: CROSS_SITE,
            404: _NO_LOG_IN,
            413: ResponseSpec("The body is larger than 64 KiB.", Failure),
        },
        description=(
            "For people, with TRADEWIRE_ACCESS=keys. The session ends after 8 hours, or after an hour without a"
            " request. After some failed attempts, 429 says how many seconds to wait."
        ),
        body=_CREDENTIALS,
    ),
    ("get", "/api/session/login"): Operation(
        "goToProvider",
        "Log in at the provider",
        {
            303: ResponseSpec(
                "The provider's address; or the page's, if the provider is away.",
                headers={"Location": "The address.", "Set-Cookie": "Ties the login to the browser, for ten minutes."},
            ),
            400: BAD_PARAMETERS,
            403: _NO_PAGE,
            404: _NO_PROVIDER,
        },
        description="For the browsers of people, with TRADEWIRE_ACCESS=oidc.",
        query=LoginQuery,
    ),
    ("get", "/api/session/callback"): Operation(
        "comeFromProvider",
        "Come back from the provider",
        {
            303: ResponseSpec(
                "The page's address. If the login has failed, it ends with #login= and the reason.",
                headers={"Location": "The address.", "Set-Cookie": "The session, for 8 h."},
            ),
            403: _NO_PAGE,
            404: _NO_PROVIDER,
        },
        description=(
            "The provider sends browsers here, with its answer as parameters: code and state, or error. An answer"
            " counts once, in the browser in which the login began."
        ),
    ),
    ("get", "/api/session"): Operation(
        "getSession",
        "See who sends the request",
        {200: ResponseSpec("The name and the roles.", Session), 400: BAD_PARAMETERS},
    ),
    ("delete", "/api/session"): Operation(
        "logOut",
        "Log out",
        {
            200: ResponseSpec(
                "The session has ended here. A browser goes on to continueAt, and logs out at the provider, too."
                " goesOnAt names the provider if the login there goes on: it is away, or has no address for that.",
                LoggedOut,
                headers={"Set-Cookie": "Removes the session."},
            ),
            400: BAD_PARAMETERS,
            403: CROSS_SITE,
            404: ResponseSpec("The request has no session that the stack keeps: it has a key, for example.", Failure),
        },
        query=LogOutQuery,
    ),
}
