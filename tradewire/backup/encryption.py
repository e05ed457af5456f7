"""Encrypts the files of a set with age, so that only the holder of the private key can read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyrage

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".age"
"""The end of an encrypted file's name."""


def encrypt(source: Path, folder: Path, recipient: str) -> None:
    """Encrypt a file.

    Args:
        source: The file.
        folder: Where to make the encrypted one.
        recipient: The public key.

    Raises:
        Unavailable: The key can't be used.
        OSError: A file can't be read or written.
    """
    try:
        key = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise Unavailable(f"TRADEWIRE_BACKUP_RECIPIENT can't be used: {error}") from error
    with source.open("rb") as reader, (folder / f"{source.name}{SUFFIX}").open("xb") as writer:
        pyrage.encrypt_io(reader, writer, [key])


def identities(path: Path) -> list[pyrage.x25519.Identity]:
    """Read private keys from a file of age-keygen: one a line, beside comments.

    Raises:
        Unavailable: It can't be read, has none, or has something else.
    """
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except OSError as error:
        raise Unavailable(f"{path} can't be read: {error.strerror}") from error
    except (pyrage.IdentityError, UnicodeDecodeError):
        raise Unavailable(f"{path} is not a file of private keys, as age-keygen makes it") from None
    if not found:
        raise Unavailable(f"{path} has no private key")
    return found


def decrypt(source: Path, folder: Path, keys: list[pyrage.x25519.Identity]) -> None:
    """Decrypt a file.

    Args:
        source: The file. Its name ends with SUFFIX.
        folder: Where to make the decrypted one.
        keys: Private keys.

    Raises:
        Unavailable: None of the keys fits, or the file is damaged.
        OSError: A file can't be read or written.
    """
    with source.open("rb") as reader, (folder / source.name.removesuffix(SUFFIX)).open("xb") as writer:
        try:
            pyrage.decrypt_io(reader, writer, keys)
        except pyrage.DecryptError as error:
            raise Unavailable(f"{source} can't be decrypted with this key: {error}") from error
