"""The settings of the identity proxy in front: the headers in which it names people, and where they log out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewire.setting import BadUrl

if TYPE_CHECKING:
    from tradewire.consumer import Take

OWN_HEADERS: Final = "X-Tradewire-"
"""The beginning of the headers in which nginx passes on what a trusted proxy says. No proxy sets them."""
_HEADER_CHARS_MAX: Final = 64
_TAKEN: Final = frozenset(
    {"authorization", "cookie", "host", "origin", "user-agent", "x-api-key", "x-forwarded-for", "x-request-id"}
)
"""Headers with another meaning: clients choose their values, or nginx replaces them."""
_LOG_OUT: Final = re.compile(r"(https://(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?)?/(?!/)[\w./~%:@?=&+,-]*", re.ASCII)


@dataclass(frozen=True)
class IdentityProxy:
    """How the proxies in front name people."""

    user_header: str = "X-Forwarded-User"
    """The header with the user's name."""
    groups_header: str = "X-Forwarded-Groups"
    """The header with the names of the user's groups, separated by commas."""
    logout_url: str = ""
    """Where people log out: a path at the page's host, or a URL. Empty: the page offers no log-out."""

    @classmethod
    def read(cls, take: Take) -> IdentityProxy:
        """Read the settings."""
        return cls(
            user_header=take("PROXY_USER_HEADER", cls.user_header, header),
            groups_header=take("PROXY_GROUPS_HEADER", cls.groups_header, header),
            logout_url=take("LOGOUT_URL", cls.logout_url, log_out),
        )

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting, by the variable's name without `TRADEWIRE_`."""
        return {
            "PROXY_USER_HEADER": self.user_header,
            "PROXY_GROUPS_HEADER": self.groups_header,
            "LOGOUT_URL": self.logout_url,
        }

    def faults(self) -> list[str]:
        """Return the faults of the settings together."""
        if self.user_header.lower() == self.groups_header.lower():
            return ["TRADEWIRE_PROXY_USER_HEADER and TRADEWIRE_PROXY_GROUPS_HEADER must be two headers"]
        return []


def header(text: str) -> str:
    """Return the name of a header unchanged. nginx drops headers with an underscore."""
    name = text.lower()
    if not re.fullmatch(rf"[a-z][a-z0-9-]{{0,{_HEADER_CHARS_MAX - 1}}}", name):
        raise ValueError("expected the name of a header: letters, digits and hyphens, such as Remote-User")
    if name in _TAKEN or name.startswith(OWN_HEADERS.lower()):
        raise ValueError("this header has another meaning; expected a header of the proxy alone, such as Remote-User")
    return text


def log_out(text: str) -> str:
    """Return the address of a proxy's log-out unchanged."""
    if not _LOG_OUT.fullmatch(text):
        raise BadUrl("expected a path such as /oauth2/sign_out, or https://HOST/PATH")
    return text


NO_PROXY: Final = IdentityProxy()
