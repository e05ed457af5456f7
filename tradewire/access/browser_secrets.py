"""Secrets that browsers of users hold in cookies: a file each, named by the secret's hash. See decision 026.

A file is written once, and renamed into place, so kill -9 at any moment leaves it whole. The time of its last use is
the file's own time. Removing the file ends the secret, for all processes at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tradewire.errors import Unavailable
from tradewire.whole_file import replace

if TYPE_CHECKING:
    from pathlib import Path

_BYTES: Final = 32
"""256 random bits: a fast hash is enough."""
_TOUCH_SECONDS: Final = 60
"""A use is recorded if the last one was recorded that long ago."""
_WRITING_SECONDS: Final = 60
"""kill -9 may leave a file that was being written. It is removed when it is older than this."""
PER_USER_MAX: Final = 50
"""Secrets of one user. Of more, the one whose last use is the oldest ends."""


class Owner(Protocol):
    """The person whose browser holds a secret."""

    @property
    def name(self) -> str:
        """Identifies the person."""

    @property
    def generation(self) -> str:
        """Changes when all secrets of the person are to end."""


class Held(NamedTuple):
    """What is known of a secret."""

    digest: str
    """The hash of the secret, in hexadecimal."""
    user: str
    generation: str
    """Of the user, when the secret was made."""
    used: float
    """When it was used last, in Unix seconds."""

    def belongs_to(self, user: Owner) -> bool:
        """Return whether the secret is the user's, and was made after the last change that ended them all."""
        return (self.user, self.generation) == (user.name, user.generation)


class BrowserSecrets:
    """The secrets of one kind. Processes and threads may share them.

    Args:
        folder: Their folder. It is made if it is missing.
        lifetime: How long a secret is valid, in seconds.
        idle: How long it is valid after its last use, in seconds.
    """

    def __init__(self, folder: Path, *, lifetime: int, idle: int) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._idle = idle

    def make(self, user: Owner) -> str:
        """Make a secret for a browser of a user. Return it. Remove those that have expired.

        Raises:
            Unavailable: It can't be written.
        """
        secret = secrets.token_urlsafe(_BYTES)
        item = {"user": user.name, "generation": user.generation, "made": int(time.time())}
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._tidy(user.name)
            replace(self._folder / digest_of(secret), json.dumps(item).encode())
        except OSError as error:
            raise Unavailable(f"no session can be written: {error.strerror}") from error
        return secret

    def find(self, secret: str) -> Held | None:
        """Return a secret that a browser has sent, and record its use. None: it is not valid. Raises as `get`."""
        held = self.get(digest_of(secret)) if secret else None
        if held and time.time() - held.used > _TOUCH_SECONDS:
            with suppress(OSError):  # it was removed just now; or the disk is read-only, and it ends earlier
                os.utime(self._folder / held.digest)
        return held

    def get(self, digest: str) -> Held | None:
        """Return the secret with a hash. None: it is not valid.

        Raises:
            Unavailable: Its file can't be read.
        """
        try:
            with (self._folder / digest).open("rb") as file:
                used = os.fstat(file.fileno()).st_mtime
                item = json.load(file)
            made = float(item["made"])
            held = Held(digest, str(item["user"]), str(item["generation"]), used)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"the sessions can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError):  # damaged on the disk: it ends
            return None
        now = time.time()
        return held if now < made + self._lifetime and now < used + self._idle else None

    def end(self, digest: str) -> list[str]:
        """End a secret. Return its hash. Raises Unavailable if its file can't be removed."""
        return self._remove([digest])

    def end_all(self, user: str) -> list[str]:
        """End all secrets of a user. Return their hashes. Raises Unavailable if a file can't be removed."""
        return self._remove([held.digest for held in self._valid() if held.user == user])

    def names(self) -> list[str]:
        """Return the names of the files: hashes of secrets, valid or not, and what kill -9 has left. Raises OSError."""
        try:
            return [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []

    def _tidy(self, user: str) -> None:
        """Remove the files without a valid secret, and the oldest secrets of a user with too many."""
        valid = self._valid()
        kept = {held.digest for held in valid}
        self._remove([name for name in self.names() if name not in kept and not self._is_new(name)])
        own = sorted((held for held in valid if held.user == user), key=lambda held: held.used, reverse=True)
        self._remove([held.digest for held in own[PER_USER_MAX - 1 :]])

    def _remove(self, names: list[str]) -> list[str]:
        try:
            for name in names:
                (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"the session can't be ended: {error.strerror}") from error
        return names

    def _valid(self) -> list[Held]:
        return list(filter(None, (self.get(name) for name in self.names() if "." not in name)))

    def _is_new(self, name: str) -> bool:
        """Return whether a file is so new that another thread may be writing it."""
        try:
            return time.time() - (self._folder / name).stat().st_mtime < _WRITING_SECONDS
        except FileNotFoundError:
            return True


def digest_of(secret: str) -> str:
    """Return the hash of a secret, by which it is known here."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
