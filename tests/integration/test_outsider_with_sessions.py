"""An outsider in a network of its own tries a stack over TLS, without a session and with one of a user of each role."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from api.http.auth import ROUTES
from tests import tls
from tests.integration import outsider as tries
from tests.integration.outsider import COLUMNS, NO_KEY, PROTOCOLS, TARGETS, Outsider, network_stack, routes
from tradewire.access.key import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

RIGHT: Final = "correct horse battery"


class People(Outsider):
    """An outsider with a user of each role. A user whose session has ended logs in anew."""

    def log_in(self, role: str) -> None:
        """Begin a session of the user with a role."""
        self.proofs[role] = self.session(f"user-{role}", RIGHT)

    def status(
        self, family: str, method: str, path: str, key: str = NO_KEY, more: str = "", *, source: str = ""
    ) -> str:
        """Return the status of a route, or the close code."""
        found = super().status(family, method, path, key, more, source=source)
        if (method, path, found) == ("DELETE", "/api/session", "200"):
            self.log_in(key)
        return found


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    with tempfile.TemporaryDirectory() as folder:
        files = tls.make(Path(folder), "own")
        with network_stack(None, ACCESS="keys", TRUSTED_PROXIES="192.0.2.1", **files.settings) as running:
            found = People(running.port, {}, tls.context())
            for role in Role:
                done = running.deploy("user", "add", f"user-{role}", "--role", role, typed=RIGHT)
                assert done.returncode == 0, done.stderr
                found.log_in(role)
            yield found


@pytest.mark.parametrize("family", TARGETS)
def test_the_docs_have_each_status_that_differs_from_those_of_keys(people: People, family: str) -> None:
    tries.check_table(people, family, "### Routes of local users")


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("column", COLUMNS)
def test_forged_headers_change_nothing(people: People, family: str, column: str) -> None:
    tries.check_forged_headers(people, family, column)


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("column", COLUMNS)
def test_another_method_gets_nothing_but_the_names_of_those_that_are_allowed(
    people: People, family: str, column: str
) -> None:
    tries.check_other_methods(people, family, column)


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_route_but_the_feed_changes_its_protocol(people: People, family: str, column: str, protocol: str) -> None:
    tries.check_upgrades(people, family, protocol, column)


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("origin", ["", "Origin: https://evil.example\r\n", "Origin: null\r\n"])
def test_without_the_own_origin_a_session_changes_nothing(people: People, family: str, role: str, origin: str) -> None:
    session, _, _ = people.proofs[role].partition("Origin:")
    for method, path in ROUTES:
        if method != "GET" and (method, path) != ("POST", "/api/session"):
            assert people.status(family, method, path, more=session + origin) == "403", (method, path)
    feed = people.status(family, "UPGRADE", "/ws", more=session + origin)
    assert feed == ("403" if origin else people.status(family, "UPGRADE", "/ws", role)), "each browser sends its Origin"


@pytest.mark.parametrize("family", TARGETS)
def test_a_session_is_of_no_use_in_clear(people: People, family: str) -> None:
    in_clear = Outsider(people.port, people.proofs)
    for method, path in routes():
        for role in Role:
            assert in_clear.status(family, method, path, role) in {"301", "308", "403"}, (method, path)
