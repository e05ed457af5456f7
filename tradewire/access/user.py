"""A person who may log in at the page. Of the password, only a slow hash is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tradewire.access.key import Role
from tradewire.access.name import is_name
from tradewire.access.record_file import RecordFile
from tradewire.access.watched_file import WatchedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_GENERATION_BYTES: Final = 8


@dataclass(frozen=True)
class User:
    """A local user."""

    name: str
    """The principal's name."""
    roles: frozenset[Role]
    password: str
    """Its hash, as argon2 writes it."""
    generation: str
    """Changes with the password. A session is valid while this is the generation with which it began."""
    created: int
    """Unix time in seconds."""

    def with_roles(self, roles: Iterable[Role]) -> User:
        """Return the user with other roles. The sessions go on."""
        return replace(self, roles=frozenset(roles))

    def with_password(self, password: str) -> User:
        """Return the user with another password, given its hash. All sessions have ended."""
        return replace(self, password=password, generation=_new_generation())

    def logged_out(self) -> User:
        """Return the user without any session."""
        return replace(self, generation=_new_generation())


def make(name: str, roles: Iterable[Role], password: str, *, now: int) -> User:
    """Make a user.

    Args:
        name: The name.
        roles: The roles.
        password: The hash of the password.
        now: Unix time in seconds.
    """
    return User(name, frozenset(roles), password, _new_generation(), now)


class Users:
    """The users of a file, as they are now. Threads may share it.

    Args:
        path: The file. It need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, _read)

    def get(self, name: str) -> User | None:
        """Return the user with a name; None if there is no such user.

        Raises:
            Unavailable: The file can't be read, so no user is known.
        """
        return self._file.content().get(name)

    def newest(self, name: str) -> User | None:
        """Return the same, from the file as it is at this moment. Raises Unavailable as `get`."""
        self._file.look()
        return self.get(name)


def _read(path: Path) -> Mapping[str, User]:
    return {user.name: user for user in FILE.read(path)}


def _new_generation() -> str:
    return secrets.token_hex(_GENERATION_BYTES)


def _encode(user: User) -> dict[str, Any]:
    return {**vars(user), "roles": sorted(user.roles)}


def _decode(item: dict[str, Any]) -> User:
    user = User(**{**item, "roles": frozenset(Role(role) for role in item["roles"])})
    if not all(isinstance(each, str) for each in (user.password, user.generation)):
        raise TypeError("a user's password or generation is no text")
    if not is_name(user.name):
        raise ValueError(f"{user.name!r} is no name of a user")
    if not isinstance(user.created, int):
        raise TypeError("a user's time is no number")
    return user


FILE: Final = RecordFile("users", _encode, _decode)
"""The file of users. deploy/user writes it."""
