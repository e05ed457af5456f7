"""A principal has a share of the browsers, from whatever addresses: so none takes the places of all others."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, unix_connect

from tests.support import TIMEOUT_SECONDS, wait_until, wsserver
from tradewire.access import key_file
from tradewire.access.key import Role, make
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

EACH = 3


def browser(home: Path, token: str, address: str) -> ClientConnection:
    """Connect a browser as nginx would: from an address, with a key."""
    headers = {"X-API-Key": token, "X-Forwarded-For": address}
    path = str(home / "sock/browsers.sock")
    connection = unix_connect(path, uri="ws://localhost/ws", additional_headers=headers, legacy=True)
    assert "hello" in str(connection.recv(TIMEOUT_SECONDS))
    return connection


def test_a_principal_with_its_share_of_browsers_gets_no_more_from_any_address_and_others_do(home: Path) -> None:
    settings = Settings(home=home)
    settings.keys.parent.mkdir()
    made = [make(name, [Role.VIEWER], now=0, slot=slot) for slot, name in enumerate(("greedy", "modest"))]
    with key_file.changing(settings.keys, None) as keys:
        keys.extend(key for key, _ in made)
    greedy, modest = (token for _, token in made)
    limits = {"TRADEWIRE_ACCESS": "keys", "TRADEWIRE_MAX_BROWSERS_PER_PRINCIPAL": str(EACH)}
    with wsserver(home, **limits), ExitStack() as connected:
        browsers = [connected.enter_context(browser(home, greedy, f"10.0.{number}.1")) for number in range(EACH)]
        with pytest.raises(InvalidStatus) as refused:
            browser(home, greedy, "10.1.0.1")
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (429, "10")
        connected.enter_context(browser(home, modest, "10.0.0.1"))
        browsers[0].close()

        def has_a_place() -> bool:
            try:
                connected.enter_context(browser(home, greedy, "10.1.0.1"))
            except InvalidStatus:
                return False
            return True

        wait_until(has_a_place, "the place is free again")
