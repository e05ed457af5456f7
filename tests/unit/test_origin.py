"""Which origins are the stack's own."""

from __future__ import annotations

import pytest

from tradewire.access.origin import is_own

PUBLIC = "https://trades.example:8443"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (PUBLIC, "trades.example:8443"),
        (PUBLIC, "trades.example"),  # the proxy drops the port
        (PUBLIC, "127.0.0.1:8080"),  # the proxy names the stack's own address
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),  # a browser on this machine
    ],
)
def test_the_public_page_and_that_of_the_host_are_own(origin: str, host: str) -> None:
    assert is_own([origin], [host], PUBLIC)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://trades.example:8443", "trades.example:8443"),
        ("https://trades.example", "trades.example"),
        ("http://trades.example", "trades.example"),
        ("https://evil.example", "evil.example:80"),
        ("null", "trades.example"),
    ],
)
def test_another_scheme_or_port_of_the_public_host_is_foreign(origin: str, host: str) -> None:
    assert not is_own([origin], [host], PUBLIC)


def test_without_a_public_url_the_scheme_makes_no_difference() -> None:
    assert is_own(["https://trades.example"], ["trades.example"], "")
    assert not is_own([], ["trades.example"], "")
    assert not is_own(["https://trades.example"] * 2, ["trades.example"], "")
