"""An outsider in a network of its own tries all routes, methods and upgrades: without a key, and with one of a role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.integration import outsider as tries
from tests.integration.outsider import IN_CLEAR, NGINX, OF_CLIENTS, PROTOCOLS, ROUTES_HEADING, TARGETS, Outsider
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def outsider() -> Iterator[Outsider]:
    with tries.network(ACCESS="keys", TRUSTED_PROXIES="192.0.2.1") as found:  # none of the requests comes from there
        yield found


@pytest.mark.parametrize("family", TARGETS)
def test_the_docs_have_the_status_of_every_route_for_every_role(outsider: Outsider, family: str) -> None:
    tries.check_table(outsider, family, ROUTES_HEADING)


def test_every_location_of_nginx_has_a_row() -> None:
    locations = re.findall(r"^\s*location (.+) {$", (ROOT / "deploy/nginx.conf").read_text(), re.MULTILINE)
    assert {*locations} == {*NGINX, *IN_CLEAR, *OF_CLIENTS}


@pytest.mark.parametrize("family", TARGETS)
def test_forged_headers_change_nothing(outsider: Outsider, family: str) -> None:
    tries.check_forged_headers(outsider, family)


@pytest.mark.parametrize("family", TARGETS)
def test_another_method_gets_nothing_but_the_names_of_those_that_are_allowed(outsider: Outsider, family: str) -> None:
    tries.check_other_methods(outsider, family)


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_route_but_the_feed_changes_its_protocol(outsider: Outsider, family: str, protocol: str) -> None:
    tries.check_upgrades(outsider, family, protocol)
