"""The known hosts: those that a request may name. nginx refuses every other host.

A site can let its own name lead to an address of this machine (DNS rebinding). For a browser, the site's pages then
belong to this stack, and may read every answer. Only the host that the request names tells them apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tradewire.setting_checks import host
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from tradewire.settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_WILDCARDS: Final = ("0.0.0.0", "[::]")  # noqa: S104 - compared, not bound


def known(settings: Settings) -> list[str]:
    """Return each host once: the loopback ones, those that nginx listens on, and those of the settings."""
    listening = _listening(settings)
    public = [_without_port(urlsplit(settings.public_url).netloc)] if settings.public_url else []
    own = (name for name in listening if name not in _WILDCARDS)
    return [*dict.fromkeys([*_LOOPBACK, *own, *public, *settings.hosts])]


def warnings(settings: Settings) -> list[str]:
    """Return what the operator should know if other machines reach the stack: how open it is, and by which host."""
    listening = _listening(settings)
    found = []
    if settings.is_exposed and settings.access == "open":
        found.append(
            f"{PREFIX}ACCESS is open: everyone who reaches this machine reads and posts trades. "
            "Set it to keys, proxy or oidc"
        )
    if set(known(settings)) <= set(_LOOPBACK) and any(name in _WILDCARDS for name in listening):
        found.append(
            f"{PREFIX}LISTEN admits other machines, but no host is known that they can name: set {PREFIX}HOSTS"
        )
    return found


def _listening(settings: Settings) -> list[str]:
    """Return the hosts where nginx listens for requests, not for those that it redirects."""
    return [host(_without_port(address)) for address in (*settings.listen, *settings.client_ca.listen)]


def _without_port(address: str) -> str:
    return re.sub(r":\d+$", "", address)
