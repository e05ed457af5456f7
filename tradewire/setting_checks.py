"""Checks of the texts of settings. Each returns the value, or raises ValueError with the expectation in words."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import urlsplit

from tradewire.setting import BadUrl

_STORE_URLS: Final = "postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:////PATH/TO/FILE"
_PORTS: Final = {"http": 80, "https": 443}
"""The port that a URL of each scheme has if it names none."""


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
    """Return the URL as browsers write it in Origin: in lower case, without a slash or the scheme's own port."""
    match = re.fullmatch(r"(https?)://(\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(\d{1,5}))?/?", text, re.ASCII)
    if not match or not 0 < int(match[3] or 1) < 2**16:
        raise BadUrl("expected https://HOST or http://HOST:PORT, without a path")
    scheme, name, port = match[1], host(match[2]), int(match[3] or 0)
    return f"{scheme}://{name}:{port}" if port not in {0, _PORTS[scheme]} else f"{scheme}://{name}"


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
