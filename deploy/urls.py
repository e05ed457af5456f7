"""The URLs of the stack, each with the scheme that nginx speaks there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from deploy import port

if TYPE_CHECKING:
    from tradewire.settings import Settings

_EVERY_IPV4: Final = "0.0.0.0"  # noqa: S104 - compared, not bound
_LOOPBACK_OF: Final = {_EVERY_IPV4: "127.0.0.1", "[::]": "[::1]"}
_PORTS: Final = {"http": "80", "https": "443"}


def on_this_machine(settings: Settings) -> list[str]:
    """Return the page's URLs for a browser on this machine, each once, in the order of `listen`."""
    return list(dict.fromkeys(_url(settings, *_parts(address)) for address in settings.listen))


def for_others(settings: Settings) -> list[str]:
    """Return the page's URLs for other machines, if the URLs on this machine do not tell them: by each host's name."""
    if settings.public_url:
        return [f"{settings.public_url}/"]
    wildcards = [address for address in settings.listen if address.rpartition(":")[0] in _LOOPBACK_OF]
    scheme = "https" if settings.has_tls else "http"
    ports = dict.fromkeys(address.rpartition(":")[2] for address in wildcards)
    return [f"{scheme}://{host}{_port_part(scheme, number)}/" for host in settings.hosts for number in ports]


def probes(settings: Settings) -> list[str]:
    """Return URLs that together ask each nginx, and each address if this machine can."""
    found = on_this_machine(settings)
    if settings.has_tls:  # 127.0.0.2 belongs to no other nginx than the one of every address
        wildcards = [address for address in settings.listen if address.startswith(f"{_EVERY_IPV4}:")]
        found += [f"https://127.0.0.2:{address.rpartition(':')[2]}/" for address in wildcards]
    return found


def redirect_target(settings: Settings) -> str:
    """Return where nginx redirects to from plain http, without the path. `$host` is the host that the client named."""
    if urlsplit(settings.public_url).scheme == "https":
        return settings.public_url
    _, number = _parts(port.nginx_programs(settings.listen)["nginx"][0])
    return f"https://$host{_port_part('https', number)}"


def _parts(address: str) -> tuple[str, str]:
    host, _, number = address.rpartition(":")
    return _LOOPBACK_OF.get(host, host), number


def _url(settings: Settings, host: str, number: str) -> str:
    encrypted = port.nginx_programs(settings.listen)["nginx"] if settings.has_tls else []
    is_encrypted = not set(port.addresses([f"{host}:{number}"])).isdisjoint(encrypted)
    return f"{'https' if is_encrypted else 'http'}://{host}:{number}/"


def _port_part(scheme: str, number: str) -> str:
    return "" if number == _PORTS[scheme] else f":{number}"
