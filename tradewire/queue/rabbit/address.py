"""The parts of a URL of the RabbitMQ engine."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from tradewire.setting import BadUrl

URL_FORMS: Final = "amqp://USER:PASSWORD@HOST,HOST,HOST/VHOST"
ANSWER_SECONDS: Final = 5
_ANSWER_SECONDS_MAX: Final = 60
_PORT: Final = 5672
_URL: Final = re.compile(
    r"amqp://([^:@/?#]+):([^:@/?#]+)@([^@/?#]+)/([^/?#]+)(?:\?answer_seconds=(\d{1,2}))?", re.ASCII
)
_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?", re.ASCII)


class Address(NamedTuple):
    """Where the nodes of a cluster listen, and as whom to log in."""

    hosts: tuple[str, ...]
    """Each `HOST:PORT`. An IPv6 address has brackets."""
    user: str
    password: str
    virtual_host: str
    answer_seconds: int = ANSWER_SECONDS
    """How long to wait for each answer, and for a connection. After that, the node counts as silent."""

    def __repr__(self) -> str:
        return f"Address({', '.join(self.hosts)})"  # the others are secret


def parse(url: str) -> Address:
    """Return the parts of a URL.

    Args:
        url: The value of TRADEWIRE_QUEUE_URL.

    Raises:
        BadUrl: It has not the form of URL_FORMS, or one of its parts is invalid. The text repeats no part of the URL.
    """
    match = _URL.fullmatch(url)
    if not match:
        raise BadUrl(
            f"expected {URL_FORMS}; in a user's name, a password or a virtual host, write :, @, /, ? and # as %3A, %40,"
            " %2F, %3F and %23, so the virtual host / is %2F"
        )
    user, password, hosts, virtual_host, answer_seconds = match.groups()
    if answer_seconds and not 0 < int(answer_seconds) <= _ANSWER_SECONDS_MAX:
        raise BadUrl(f"answer_seconds must be 1 to {_ANSWER_SECONDS_MAX}")
    return Address(
        hosts=tuple(dict.fromkeys(_host(host) for host in hosts.split(","))),
        user=unquote(user),
        password=unquote(password),
        virtual_host=unquote(virtual_host),
        answer_seconds=int(answer_seconds or ANSWER_SECONDS),
    )


def _host(text: str) -> str:
    match = _HOST.fullmatch(text)
    if not match or not 0 < int(match[2] or _PORT) < 2**16:
        raise BadUrl("each host must be HOST or HOST:PORT, an IPv6 address in brackets, with commas between hosts")
    return f"{match[1]}:{match[2] or _PORT}"
