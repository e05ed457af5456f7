"""Checks of the texts of settings. Each returns the value, or raises ValueError with the expectation in words."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tradewire.setting import BadUrl

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SOCKET: Final = "sock/workers/wsserver.sock"
"""The unix socket below a home with the longest path."""
_SOCKET_PATH_MAX: Final = 107
"""Greatest length of a unix socket's path in bytes, without its NUL (unix(7))."""
_STORE_URLS: Final = "postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:////PATH/TO/FILE"
_PORTS: Final = {"http": 80, "https": 443}
"""The port that a URL of each scheme has if it names none."""
_WIDEST_IPV4: Final = 8
_WIDEST_IPV6: Final = 16
_UNIQUE_LOCAL: Final = IPv6Network("fc00::/7")
"""The private addresses of IPv6."""
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
"""The addresses of IPv6 that stand for those of IPv4."""


def home(text: str) -> Path:
    """Return the absolute path of a stack's home."""
    path = Path(text).absolute()
    longest = len(bytes(path / LONGEST_SOCKET))
    if longest > _SOCKET_PATH_MAX:
        excess = longest - _SOCKET_PATH_MAX
        raise ValueError(f"the path of a unix socket below it would be {excess} bytes too long")
    if not re.fullmatch(r"[\w./+@-]+", str(path), re.ASCII):
        raise ValueError("the path may only contain letters, digits and ./_+@-")
    return path


def listen(text: str) -> tuple[str, ...]:
    """Return the addresses of a list: `ADDRESS:PORT`, separated by commas."""
    addresses = tuple(address.strip() for address in text.split(","))
    for address in addresses:
        match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})", address, re.ASCII)
        if not match or not 0 < int(match[2]) < 2**16:
            raise ValueError("expected ADDRESS:PORT, such as 127.0.0.1:8080, or several, separated by commas")
        host(match[1])
    return addresses


def hosts(text: str) -> tuple[str, ...]:
    """Return the names and addresses of a list, each once, as browsers write them."""
    return tuple(dict.fromkeys(host(name.strip()) for name in text.split(",")))


def host(text: str) -> str:
    """Return a name or an address without its port, as browsers write it: in lower case, an IPv6 address shortened."""
    if re.fullmatch(r"\[[0-9a-fA-F:.]+\]", text):  # without a zone: nginx takes no address that has one
        return f"[{IPv6Address(text[1:-1])}]"
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", text, re.ASCII):
        raise ValueError("expected names or addresses without a port, such as trades.example,[2001:db8::1]")
    return text.lower()


def public_url(text: str) -> str:
    """Return the URL with its origin as browsers write it, and without a slash at its end.

    Browsers write an origin in lower case, without the scheme's own port. No folder of the path may begin with a dot.
    """
    pattern = r"(https?)://(\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(\d{1,5}))?((?:/[\w~-][\w.~-]*)*)/?"
    match = re.fullmatch(pattern, text, re.ASCII)
    if not match or not 0 < int(match[3] or 1) < 2**16:
        raise BadUrl("expected https://HOST, http://HOST:PORT or https://HOST/PATH")
    scheme, name, port, path = match[1], host(match[2]), int(match[3] or 0), match[4]
    return f"{scheme}://{name}{f':{port}' if port not in {0, _PORTS[scheme]} else ''}{path}"


def networks(text: str) -> tuple[str, ...]:
    """Return the addresses and networks of a list, each once.

    Each of their addresses is believed, so no network may be a good part of the internet. The widest private networks
    are 10.0.0.0/8 and fc00::/7; the widest that large providers publish for their proxies are about /12 and /28.
    An IPv4-mapped network is returned as one of IPv4: so nginx knows its addresses.
    """
    if not re.fullmatch(r"[0-9a-fA-F:./,\[\]\s]+", text, re.ASCII):  # without zones
        raise ValueError("expected addresses and networks, such as 10.0.0.7,2001:db8:1::/64")
    found = tuple(dict.fromkeys(_unmapped(ip_network(name.strip().strip("[]"))) for name in text.split(",")))
    if wide := [network.compressed for network in found if _is_too_wide(network)]:
        raise ValueError(
            f"each address of {wide[0]} could name any client: expected networks of at most /8 (IPv4) or /16 (IPv6)"
        )
    return tuple(network.compressed for network in found)


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


def _is_too_wide(network: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv6Network):
        is_wide = network.prefixlen < _WIDEST_IPV6 and not network.subnet_of(_UNIQUE_LOCAL)
        return is_wide or network.overlaps(_MAPPED)  # which has all addresses of IPv4
    return network.prefixlen < _WIDEST_IPV4


def file(text: str) -> str:
    """Return the path of a file."""
    if not re.fullmatch(r"/[\w./+@-]+", text, re.ASCII):
        raise ValueError("expected an absolute path of letters, digits and ./_+@-")
    return text


def is_exposed(listen: Iterable[str]) -> bool:
    """Return whether an address of `listen` is not a loopback one. A name may lead anywhere."""
    names = [address.rpartition(":")[0].strip("[]") for address in listen]
    return not all(map(is_loopback, names))


def is_loopback(name: str) -> bool:
    """Return whether a name, or an address without brackets, leads to this machine alone."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def access(text: str) -> str:
    """Return a mode of access."""
    if text not in {"open", "keys", "proxy", "oidc"}:
        raise ValueError("expected open, keys, proxy or oidc")
    return text


def rate(text: str) -> int:
    """Return a number of requests per second, written `50r/s`; 0 for `off`."""
    if text == "off":
        return 0
    match = re.fullmatch(r"(\d{1,6})r/s", text, re.ASCII)
    if not match or int(match[1]) == 0:
        raise ValueError("expected a rate such as 50r/s, or off")
    return int(match[1])


def store_url(text: str) -> str:
    """Return a store's URL unchanged if it is valid."""
    url = urlsplit(text)
    if "#" in text or "@" in url.path or url.netloc.count("@") > 1:
        raise BadUrl(f"expected {_STORE_URLS}; in a password, write #, /, ? and @ as %23, %2F, %3F and %40")
    if url.scheme == "sqlite":
        if url.netloc or url.query or not url.path.startswith("//") or url.path.endswith("/"):
            raise BadUrl("expected sqlite:////PATH/TO/FILE")
    elif url.scheme != "postgresql" or not url.path.strip("/") or url.port == 0:
        raise BadUrl(f"expected {_STORE_URLS}")
    return text


def syslog(text: str) -> str:
    """Return the address of syslog unchanged if it is valid."""
    match = re.fullmatch(r"/[\w./@+-]+|(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", text, re.ASCII)
    if not match or not 0 < int(match[1] or 1) < 2**16:
        raise ValueError("expected the path of a unix socket, such as /dev/log, or HOST:PORT")
    return text


def currencies(text: str) -> tuple[str, ...]:
    """Return the codes of a list of currencies, each once."""
    codes = tuple(dict.fromkeys(code.strip() for code in text.split(",")))
    if not all(re.fullmatch(r"[A-Z]{3}", code) for code in codes):
        raise ValueError("expected codes of three capital letters, such as CNH,BTC")
    return codes


def demo_rate(text: str) -> float:
    """Return a number of messages per second."""
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) or float(text) <= 0:
        raise ValueError("expected a number of messages per second, such as 10 or 0.5")
    return float(text)


def user(text: str) -> str:
    """Return a user's name if it may run the programs."""
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text) or text == "root":
        raise ValueError("expected the name of an unprivileged user")
    return text
