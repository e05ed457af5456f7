"""An outsider of a stack whose people log in at a provider, in a network of its own: as in the table, but the login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.integration import outsider as tries
from tests.integration.outsider import TARGETS, Outsider
from tests.provider import CLIENT_ID, provider
from tests.support import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = "https://trades.example"


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
    with tries.network(beside, ACCESS="oidc", TRUSTED_PROXIES="192.0.2.1", **oidc) as found:
        yield found


@pytest.mark.parametrize("family", TARGETS)
def test_the_docs_have_each_status_that_differs_from_those_of_keys(outsider: Outsider, family: str) -> None:
    tries.check_table(outsider, family, "### Routes of people at a provider")


@pytest.mark.parametrize("family", TARGETS)
def test_forged_headers_change_nothing(outsider: Outsider, family: str) -> None:
    tries.check_forged_headers(outsider, family)
