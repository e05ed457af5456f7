"""The valid API keys in memory. Finding one costs no system call; the file is looked at once a second.

It is also looked at for each unknown id or certificate, so that a new key counts at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradewire.access import key_file
from tradewire.access.key import id_of, matches
from tradewire.access.principal import Principal
from tradewire.access.watched_file import WatchedFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tradewire.access.key import Key


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the file holds, and what was found in it since it was read."""

    by_id: Mapping[str, Key]
    by_certificate: Mapping[tuple[str, str], Key]
    """The keys of certificates, by issuer and subject."""
    by_token: dict[str, Principal]
    """The holders of the tokens that have come. So a message costs no hash, and no new principal.

    A look-up here tells no more about other tokens than the comparison of hashes: Python compares texts only if their
    hashes are the same, and these depend on a secret of the process."""


class Keyring:
    """The keys of a file, as they are now. A revoked key is refused LOOK_SECONDS later at most. Threads may share it.

    Args:
        path: The file of keys. It need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, _read)

    def find(self, token: str) -> Principal | None:
        """Return the holder of a valid token; None if no key has this token, or it has expired.

        Raises:
            Unavailable: The file can't be read, so no key is known to be valid.
        """
        holder = self._file.content().by_token.get(token) or self._match(token)
        return holder if holder and time.time() < holder.expires else None

    def find_certified(self, issuer: str, subject: str) -> Key | None:
        """Return the valid key of a certificate; None if there is no such key. Raises Unavailable as `find`."""
        certificate = issuer, subject
        if certificate not in self._file.content().by_certificate:
            self._file.look()
        key = self._file.content().by_certificate.get(certificate)
        return key if key and key.is_valid(time.time()) else None

    def _match(self, token: str) -> Principal | None:
        """Return the holder of a token that has not come before."""
        key_id = id_of(token)
        if key_id not in self._file.content().by_id:
            self._file.look()
        keys = self._file.content()
        key = keys.by_id.get(key_id)
        if key is None or not matches(key, token):
            return None
        holder = keys.by_token[token] = Principal.of(key, token)
        return holder


def _read(path: Path) -> _Keys:
    keys = key_file.read(path)
    certified = {(key.issuer, key.subject): key for key in keys if key.subject}
    return _Keys({key.id: key for key in keys}, certified, {})
