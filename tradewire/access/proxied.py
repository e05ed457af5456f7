"""The person that an identity proxy in front names in the headers of a request.

nginx passes on what the proxy says under two names of its own, and only if the connection comes from a trusted proxy.
For everybody else it removes them. So these two decide; the proxy's own headers may come from anyone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.access.identity_proxy import OWN_HEADERS
from tradewire.errors import BadIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.access.key import Role
    from tradewire.settings import Settings

USER_HEADER: Final = f"{OWN_HEADERS}User"
GROUPS_HEADER: Final = f"{OWN_HEADERS}Groups"
NAME_PREFIX: Final = "proxy:"
"""The beginning of each person's name. No name of a key or a local user has a colon, so none is the same."""
_NAME: Final = re.compile(r"[!-~]{1,58}")
"""A user's name: with the prefix, it is as long as a producer's name may be."""


class Person(NamedTuple):
    """A person that a trusted proxy names."""

    name: str
    roles: frozenset[Role]


class Proxied:
    """Finds the people that the trusted proxies name.

    Args:
        settings: They name the headers, and give groups their roles.
    """

    def __init__(self, settings: Settings) -> None:
        self._group_roles = settings.group_roles
        self._user = (USER_HEADER, settings.identity_proxy.user_header)
        self._groups = (GROUPS_HEADER, settings.identity_proxy.groups_header)

    def find(self, header: Callable[[str], str]) -> Person | None:
        """Return the person who sends a request; None if no trusted proxy names one.

        Args:
            header: Returns the value of a header of the request, empty without it, as ISO-8859-1. Repeated ones are
                joined by commas.

        Raises:
            BadIdentity: A trusted proxy names a person, but not clearly.
        """
        user = header(USER_HEADER)
        if not user:
            return None
        for own, sent in (self._user, self._groups):
            _check_single(own, sent, header)
        if not _NAME.fullmatch(user) or "," in user:
            raise BadIdentity(
                f"The proxy's header {self._user[1]} has no name of 1 to 58 visible ASCII characters without a comma."
            )
        groups = header(GROUPS_HEADER).encode("latin-1").decode(errors="replace").split(",")
        return Person(NAME_PREFIX + user, self._group_roles.of(group.strip() for group in groups))


def _check_single(own: str, sent: str, header: Callable[[str], str]) -> None:
    """Check that a trusted proxy sent a header once.

    Of a repeated header, nginx passes on the first one, or all joined with a space: its age decides. Both differ from
    the repeated header itself, which passes as well.
    """
    if header(own) != header(sent):
        raise BadIdentity(f"The proxy's header {sent} came more than once: the proxy must replace what clients send.")
