"""Which browsers may follow the feed, and for how long: with open access all, otherwise those of a viewer."""

from __future__ import annotations

import math
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from tradewire.access import origin
from tradewire.access.certificates import HEADER
from tradewire.access.credentials import token_of
from tradewire.access.key import Role
from tradewire.access.principal import Principal
from tradewire.access.principals import Principals
from tradewire.access.proxied import USER_HEADER
from tradewire.audit.refusals import Refusals, forbidden, refusal
from tradewire.audit.trail import Trail
from tradewire.errors import BadCredentials, Unavailable, Unconfirmed, UnknownKey
from wsserver.places import Places

if TYPE_CHECKING:
    from websockets.datastructures import Headers

    from tradewire.settings import Settings

LOG_IN_AGAIN: Final = 4401
"""The close code for a browser that is not a viewer's. A script in a page sees it; a refused handshake it would not."""
REASON: Final = "log in, or send a valid key or token: the role viewer is required"
_EARLIEST: Final = 0.8
"""A browser of a person connects anew after this part of the longest time at the earliest."""
_ANYONE: Final = Principal("", frozenset({Role.VIEWER}))


class Admission:
    """Checks the origins and the credentials of browsers.

    Args:
        settings: They name the mode of access, the files of credentials and the public origin.
    """

    def __init__(self, settings: Settings) -> None:
        self._recheck_seconds = settings.recheck_seconds if settings.access in {"proxy", "oidc"} else math.inf
        self._public_origin = settings.public_origin
        self._principals = None if settings.access == "open" else Principals(settings)
        self.refusals = Refusals(Trail(settings.audit, settings.audit_key))
        self.places = Places(settings.max_browsers_per_principal)

    def is_own_page(self, headers: Headers) -> bool:
        """Return whether a browser shows the stack's own page, or is a program, which sends no Origin."""
        origins = headers.get_all("Origin")
        return not origins or origin.is_own(origins, headers.get_all("Host"), self._public_origin)

    def admit(self, headers: Headers) -> Principal | None:
        """Return the viewer whose browser it is; None if the browser is not admitted.

        Args:
            headers: Those of the handshake request.

        Raises:
            Unavailable: Whether the credentials are valid can't be found out now.
        """
        if self._principals is None:
            return _ANYONE
        # Repeated headers are together no token.
        token = token_of(_joined(headers, "X-API-Key"), _joined(headers, "Authorization"))
        cookies, certificate = "; ".join(headers.get_all("Cookie")), _joined(headers, HEADER)
        try:
            principal = self._principals.find(token, cookies, partial(_joined, headers))
        except BadCredentials:
            principal = None
        viewer = _viewer(principal)
        if viewer is None:
            self._record_refusal(headers, token, "" if token else certificate, principal)
        return viewer

    def _record_refusal(self, headers: Headers, token: str, certificate: str, principal: Principal | None) -> None:
        client, request_id = (_joined(headers, name) for name in ("X-Forwarded-For", "X-Request-ID"))
        if principal:
            details = {"request": "GET /ws", "roles": sorted(principal.roles), "needs": [Role.VIEWER]}
            self.refusals.record(forbidden(principal.name, details, client, request_id))
        elif token or certificate or USER_HEADER in headers:  # a proxy named a person, but not clearly
            self.refusals.record(refusal(token, client, request_id, certificate))

    def seconds(self, viewer: Principal) -> float:
        """Return after how many seconds an admitted browser has to connect anew; `inf` if it need not.

        Only a handshake passes the identity proxy, and shows which person it is now. Browsers that connected together
        come back at different times.
        """
        if viewer.token:
            return math.inf
        return self._recheck_seconds * random.uniform(_EARLIEST, 1)  # noqa: S311 - spreads load, keeps no secret

    def still_admits(self, viewer: Principal) -> bool:
        """Return whether an admitted browser is still a viewer's, as far as is known."""
        if self._principals is None:
            return True
        if time.time() >= viewer.expires:
            return False
        try:
            return _viewer(self._principals.current(viewer)) is not None
        except (BadCredentials, UnknownKey, Unconfirmed):
            return False
        except Unavailable:  # a file is damaged, which takes no one's right
            return True


def _viewer(principal: Principal | None) -> Principal | None:
    return principal if principal and Role.VIEWER in principal.roles else None


def _joined(headers: Headers, name: str) -> str:
    """Return a header's value. Repeated ones are joined, as WSGI servers do."""
    return ",".join(headers.get_all(name))
