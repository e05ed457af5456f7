"""What an OpenID Connect provider says about the person of a session, and the tokens with which it is asked again.

Each grant is a file, named as the file of its session. A grant without a session counts for nothing, so a grant may be
written at any time, and ending a session is still to remove one file. Only api-query writes grants.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import msgspec

from tradewire.errors import Unavailable
from tradewire.whole_file import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tradewire.access.provider import Provider

NAME_PREFIX: Final = "oidc:"
"""The beginning of each principal's name. No name of a user or of an API key has a colon, so none is the same."""
_LABEL_CHARS_MAX: Final = 40
_LABEL_CLAIMS: Final = ("preferred_username", "email", "name", "sub")
_WRITING_SECONDS: Final = 60
"""kill -9 may leave a file that was being written. It is listed when it is older than this."""
_DIGEST_CHARS: Final = 12
"""48 bits tell people with the same label apart. The provider chooses each `sub`, so no one can look for a match."""


class Person(NamedTuple):
    """Holds the sessions of a subject in all browsers."""

    name: str
    generation: str = ""


class Subject(msgspec.Struct, frozen=True):
    """A person at a provider. `iss` and `sub` identify the person, and the label can change."""

    label: str
    digest: str
    """The beginning of a hash of `iss` and `sub`."""

    @classmethod
    def of(cls, provider: Provider, claims: Mapping[str, Any]) -> Self:
        """Return the person of an ID token, given its claims."""
        texts = (claims.get(name) for name in _LABEL_CLAIMS)
        label = next(text for text in texts if isinstance(text, str) and text)
        digest = hashlib.sha256(f"{provider.url}\n{claims['sub']}".encode()).hexdigest()
        return cls(re.sub(r"[^\w.@+-]", "_", label, flags=re.ASCII)[:_LABEL_CHARS_MAX], digest[:_DIGEST_CHARS])

    @property
    def name(self) -> str:
        """The principal's name: the label for people, the digest for certainty."""
        return f"{NAME_PREFIX}{self.label}~{self.digest}"


class Grant(msgspec.Struct, frozen=True, rename="camel"):
    """What a provider says about the person of a session."""

    client: str
    """The provider and this stack's name there. A grant of another one does not count."""
    subject: Subject
    sub: str
    """The person's id at the provider."""
    groups: tuple[str, ...]
    """The person's groups that have roles."""
    checked: float
    """When the provider said so, in Unix seconds."""
    groups_in_token: bool = True
    """Whether the ID token named the groups. Otherwise the user info did."""
    refresh_token: str = ""
    """Asks the provider again. Empty if it gave none."""
    access_token: str = ""
    """Asks for the person's claims, without a refresh token."""
    id_token: str = ""
    """Tells the provider who logs out. Empty if it is too long for an address."""

    @property
    def owner(self) -> Person:
        """The owner of the session. It does not change with the label."""
        return Person(f"{NAME_PREFIX}{self.subject.digest}")

    def is_due(self, seconds: float) -> bool:
        """Return whether the provider said so longer ago than some seconds."""
        return is_past(self.checked, seconds)


def is_past(at: float, seconds: float) -> bool:
    """Return whether a Unix time is longer ago than some seconds; or lies ahead, because the clock was set back."""
    return not 0 <= time.time() - at < seconds


def client_of(provider: Provider) -> str:
    """Return how a grant names the provider, and this stack there."""
    return f"{provider.client_id} {provider.url}"


class Grants:
    """The grants of a stack.

    Args:
        folder: Their folder. It is made if it is missing.
        provider: The present provider.
    """

    def __init__(self, folder: Path, provider: Provider) -> None:
        self._folder = folder
        self._client = client_of(provider)

    def get(self, digest: str) -> Grant | None:
        """Return the grant of the session with a hash, however old it is; None without one.

        Raises:
            Unavailable: Its file can't be read.
        """
        try:
            grant = msgspec.json.decode((self._folder / digest).read_bytes(), type=Grant)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"the sessions can't be read: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError):  # damaged on the disk: the session ends
            return None
        return grant if grant.client == self._client else None

    def put(self, digest: str, grant: Grant) -> None:
        """Write a grant. Its file has the time at which the provider confirmed it.

        Raises:
            Unavailable: That is impossible. The grant before is still there.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(self._folder / digest, msgspec.json.encode(grant))
            os.utime(self._folder / digest, (grant.checked, grant.checked))
        except OSError as error:
            raise Unavailable(f"no session can be written: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """Remove a file, if it is there and can be removed: without its session it counts for nothing."""
        with suppress(OSError):
            (self._folder / name).unlink()

    def written(self) -> dict[str, float]:
        """Return when each grant was confirmed, in Unix seconds, by name. No file is read.

        The names are hashes of sessions, and what kill -9 has left. Raises OSError.
        """
        found = {}
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # it was removed or renamed just now
                    found[entry.name] = entry.stat().st_mtime
        oldest = time.time() - _WRITING_SECONDS
        return {name: at for name, at in found.items() if "." not in name or at < oldest}
