"""An outsider of a stack whose people log in at a provider, in a network of its own: as in the table, but the login."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.test_outsider import COLUMNS, FORGED, TARGETS, Outsider, network, routes
from tests.provider import CLIENT_ID, provider
from tests.support import ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = "https://trades.example"
LOGIN: Final = {
    ("POST", "/api/session"): "404",
    ("GET", "/api/session/login"): "303",
    ("GET", "/api/session/callback"): "303",
}
"""The routes that differ from those of the table."""


@pytest.fixture(scope="module")
def outsider() -> Iterator[Outsider]:
    port = free_port()
    oidc = {
        "PUBLIC_URL": PAGE,
        "OIDC_ISSUER": f"http://localhost:{port}",
        "OIDC_CLIENT_ID": CLIENT_ID,
        "GROUP_ROLES": "desk=viewer",
    }
    beside = provider(PAGE, port, has_secret=False)
    with network(beside, ACCESS="oidc", TRUSTED_PROXIES="192.0.2.1", **oidc) as found:
        yield found


def documented(method: str, path: str) -> list[str]:
    """Return the statuses of a route in the table."""
    text = (ROOT / "docs/security.md").read_text()
    [row] = re.findall(rf"^\| `{method} {re.escape(path)}` \|(.*)\|$", text, re.MULTILINE)
    return [status.strip() for status in row.split("|")]


@pytest.mark.parametrize("family", TARGETS)
def test_every_route_has_the_status_of_the_table_for_every_role_but_the_login(outsider: Outsider, family: str) -> None:
    for method, path in routes():
        expected = [LOGIN[method, path]] * len(COLUMNS) if (method, path) in LOGIN else documented(method, path)
        assert [outsider.status(family, method, path, column) for column in COLUMNS] == expected, (method, path)


@pytest.mark.parametrize("family", TARGETS)
def test_forged_headers_change_nothing(outsider: Outsider, family: str) -> None:
    for method, path in routes():
        assert outsider.status(family, method, path, more=FORGED) == outsider.status(family, method, path), path
