"""An outsider of a stack behind an identity proxy, in a network of its own: no header of a stranger opens a route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.outsider import FORGED, TARGETS, Outsider, network, routes
from tradewire.access.key import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

PROXIES: Final = {"IPv4": "10.9.9.9", "IPv6": "2001:db8:9::9"}
"""The trusted addresses. Each family has a neighbour, which is a stranger."""
NEIGHBOURS: Final = {"IPv4": "10.9.9.8", "IPv6": "2001:db8:9::8"}
EVERYTHING: Final = "".join(
    f"{name}: admin\r\n"
    for name in ("X-Forwarded-User", "X-Forwarded-Groups", "X-Tradewire-User", "X-Tradewire-Groups")
)
NAMELESS: Final = "".join(
    line for line in FORGED.splitlines(keepends=True) if not line.startswith(("X-Forwarded-User", "X-Forwarded-For"))
)
"""All that a client may forge behind a trusted proxy that names nobody."""


@pytest.fixture(scope="module")
def outsider() -> Iterator[Outsider]:
    groups = f"admin={'+'.join(Role)}"
    with network(ACCESS="proxy", GROUP_ROLES=groups, TRUSTED_PROXIES=",".join(PROXIES.values())) as found:
        yield found


@pytest.mark.parametrize("family", TARGETS)
def test_no_header_of_a_stranger_opens_a_route(outsider: Outsider, family: str) -> None:
    for method, path in routes():
        nothing = outsider.status(family, method, path)
        assert outsider.status(family, method, path, more=FORGED) == nothing, path
        assert outsider.status(family, method, path, more=EVERYTHING, source=NEIGHBOURS[family]) == nothing, path
        assert outsider.status(family, method, path, more=EVERYTHING + EVERYTHING) == nothing, path


@pytest.mark.parametrize("family", TARGETS)
def test_a_trusted_proxy_that_names_nobody_opens_no_route(outsider: Outsider, family: str) -> None:
    for method, path in routes():
        nothing = outsider.status(family, method, path)
        assert outsider.status(family, method, path, more=NAMELESS, source=PROXIES[family]) == nothing, path


@pytest.mark.parametrize("family", TARGETS)
def test_a_trusted_proxy_opens_routes_by_naming_a_person(outsider: Outsider, family: str) -> None:
    named = "X-Forwarded-User: carol\r\nX-Forwarded-Groups: admin\r\n"
    for path in ("/api/messages", "/api/audit", "/api/ledger", "/metrics"):
        assert outsider.status(family, "GET", path, more=named, source=PROXIES[family]) == "200", path
    assert outsider.status(family, "UPGRADE", "/ws", more=named, source=PROXIES[family]) == "101"
    for path in ("/api/message", "/api/messages"):
        assert outsider.status(family, "POST", path, more=named, source=PROXIES[family]) == "403", path
        own = f"{named}Origin: http://localhost\r\n"
        assert outsider.status(family, "POST", path, more=own, source=PROXIES[family]) == "201", path
