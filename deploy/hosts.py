"""The hosts that a request may name. nginx refuses every other host.

A site can let its own name lead to an address of this machine (DNS rebinding). For a browser, the site's pages then
belong to this stack, and may read every answer. Only the host that the request names tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewire.setting_checks import host

if TYPE_CHECKING:
    from tradewire.settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_WILDCARDS: Final = ("0.0.0.0", "[::]")  # noqa: S104 - compared, not bound


def known(settings: Settings) -> list[str]:
    """Return each host once: the loopback ones, those that nginx listens on, and those of the settings."""
    listening = (host(address.rpartition(":")[0]) for address in settings.listen)
    return [*dict.fromkeys([*_LOOPBACK, *(name for name in listening if name not in _WILDCARDS), *settings.hosts])]
