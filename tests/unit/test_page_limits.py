"""The page and the server have the same limits."""

from __future__ import annotations

from tests.generate_limits import TARGET, page_limits


def test_the_page_has_the_servers_limits() -> None:
    assert TARGET.read_text() == page_limits()
