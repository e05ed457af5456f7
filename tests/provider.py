"""An OpenID Connect provider for tests: a real one, npm's oidc-provider, on loopback, with users and their groups."""

from __future__ import annotations

import http.cookiejar
import json
import re
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urljoin

from tests.support import ROOT, TIMEOUT_SECONDS, free_port, get, require_program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID = "tradewire"
SECRET = "a secret: +%&/ of the client"  # noqa: S105 - of tests
DESK = {"groups": ["desk", "skiers"]}


class Answer(NamedTuple):
    """An answer. The location is empty if it is no redirect."""

    status: int
    location: str
    text: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


class Visitor:
    """A browser with cookies of its own, at the provider."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(
            _Stay, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({})
        )

    def open(self, address: str, form: dict[str, str] | None = None) -> Answer:
        """Open an address, or send a form there."""
        body = urlencode(form).encode() if form is not None else None
        try:
            response = self._opener.open(address, body, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:  # a redirect, too
            response = error
        with response:
            return Answer(response.status, response.headers.get("Location", ""), response.read().decode())

    def log_in(self, address: str, user: str, back: str) -> str:
        """Log in where the stack sends the browser. Return the address to which the provider sends it back.

        Args:
            address: The provider's, with the stack's parameters.
            user: The user's name.
            back: The beginning of the addresses of the stack.
        """
        form: dict[str, str] | None = None
        for _ in range(10):
            answer = self.open(address, form)
            form = None
            if answer.location:
                address = urljoin(address, answer.location)
                if address.startswith(back):
                    return address
                continue
            [action] = re.findall(r'<form[^>]* action="([^"]+)"', answer.text) or [""]
            assert action, answer.text
            address, form = urljoin(address, action), {"prompt": "login", "login": user, "password": "any"}
        raise AssertionError("the provider redirects without end")


class Provider:
    """The running provider."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://localhost:{port}"

    def set_users(self, **users: dict[str, Any]) -> None:
        """Replace the users, given the claims of each. Every other user is disabled."""
        get(self.port, "/users", method="POST", body=json.dumps(users).encode())


@contextmanager
def provider(
    page: str, port: int = 0, *, has_secret: bool = True, refreshes: bool = True, groups_in_token: bool = False
) -> Iterator[Provider]:
    """Run a provider whose user `alice` belongs to the group `desk`.

    Args:
        page: The address of the stack's page, without a slash at its end.
        port: Its port. By default, a free one.
        has_secret: Whether the stack has a secret there.
        refreshes: Whether the stack gets refresh tokens.
        groups_in_token: Whether the ID token names the groups. Otherwise only the user info does.
    """
    require_program("node")
    running = Provider(port or free_port())
    client = {
        "client_id": CLIENT_ID,
        "redirect_uris": [f"{page}/api/session/callback"],
        "post_logout_redirect_uris": [f"{page}/"],
        "response_types": ["code"],
        "grant_types": ["authorization_code", *(["refresh_token"] if refreshes else [])],
        **({"client_secret": SECRET} if has_secret else {"token_endpoint_auth_method": "none"}),
    }
    given = {"port": running.port, "client": client, "users": {"alice": DESK}, "groupsInToken": groups_in_token}
    command = ["node", str(ROOT / "web/test/provider.mjs"), json.dumps(given)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: _answers(running, process), "the provider answers")
        yield running
    finally:
        process.kill()
        process.communicate()


def _answers(running: Provider, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, process.communicate()[0].decode()
    try:
        return get(running.port, "/.well-known/openid-configuration").status == HTTPStatus.OK
    except OSError:
        return False
