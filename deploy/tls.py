"""nginx's certificate and key: checked, then copied to the stack's home.

nginx reads the copy at each handshake. So a new pair holds from one handshake to the next, and no connection ends. The
copy is one file, replaced as a whole: certificate and key in it always belong together, even while a program outside
the stack renews its files one after the other. Both stay readable if nginx has to start again.
"""

from __future__ import annotations

import grp
import os
import re
import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from deploy.console import Failure
from deploy.privileges import is_root
from tradewire import certificate
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX
from tradewire.whole_file import EVERYONE, replace

if TYPE_CHECKING:
    from tradewire.settings import Settings

GROUP: Final = "tradewire-tls"
"""The group of nginx's workers, if root starts the stack. No other program may read the key."""
_KEY: Final = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


class Pair(NamedTuple):
    """A certificate chain and its private key that belong together, in PEM form."""

    chain: bytes
    key: bytes

    @property
    def expiry(self) -> datetime:
        """The time at which the certificate expires."""
        return certificate.expiry(certificate.leaf(self.chain))


def pair_file(home: Path) -> Path:
    """Return the file from which nginx reads key and chain."""
    return home / "tls/pair.pem"


def read(settings: Settings) -> Pair:
    """Read and check the files that the settings name.

    Raises:
        SettingsError: They can't be used. It carries every fault.
    """
    texts, faults = {}, []
    for name, path in (("TLS_CERT", settings.tls_cert), ("TLS_KEY", settings.tls_key)):
        try:
            texts[name] = Path(path).read_bytes()
        except OSError as error:
            faults.append(f"{PREFIX}{name}={path} can't be read: {error.strerror}")
    blocks = certificate.chain(texts.get("TLS_CERT", b""))
    key = _KEY.search(texts.get("TLS_KEY", b""))
    if "TLS_CERT" in texts and not blocks:
        faults.append(f"{PREFIX}TLS_CERT={settings.tls_cert} has no certificate in PEM form")
    if "TLS_KEY" in texts and not key:
        faults.append(f"{PREFIX}TLS_KEY={settings.tls_key} has no private key in PEM form")
    if key and b"ENCRYPTED" in key[0]:
        faults.append(
            f"{PREFIX}TLS_KEY={settings.tls_key} has a passphrase, which nginx can't ask for: remove it with "
            "openssl pkey -in FILE -out NEW"
        )
    if faults or not key:
        raise SettingsError(faults)
    pair = Pair(b"\n".join([*blocks, b""]), key[0] + b"\n")
    if fault := _fault(pair):
        raise SettingsError([f"{PREFIX}TLS_CERT={settings.tls_cert} and {PREFIX}TLS_KEY={settings.tls_key}: {fault}"])
    return pair


def install(settings: Settings, pair: Pair) -> None:
    """Copy a pair to the stack's home, for nginx, and the chain for the other programs."""
    group = grp.getgrnam(GROUP).gr_gid if is_root() else None
    replace(certificate.installed(settings.home), pair.chain, EVERYONE)
    replace(pair_file(settings.home), pair.key + pair.chain, group)


def make_group() -> None:
    """Make the group of nginx's workers, unless there is one. Only root can, and needs to."""
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        if shutil.which("groupadd"):
            subprocess.run(["groupadd", "--system", GROUP], check=False)
    else:
        return
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        raise Failure(f"there is no group {GROUP} for nginx's workers", f"Make it: groupadd --system {GROUP}") from None


def warnings(pair: Pair) -> list[str]:
    """Return what the operator should know of a pair that can be used."""
    if pair.expiry > datetime.now(UTC):
        return []
    return [f"the certificate in {PREFIX}TLS_CERT has expired, on {pair.expiry:%Y-%m-%d}: clients will refuse it"]


def _fault(pair: Pair) -> str:
    """Return why a pair can't be used. OpenSSL reads it from memory, so exactly the checked bytes are installed."""
    descriptor = os.memfd_create("pair")
    try:
        os.write(descriptor, pair.key + pair.chain)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"/proc/self/fd/{descriptor}")
        certificate.expiry(certificate.leaf(pair.chain))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key does not belong to the certificate, which must be the first one in its file"
        return f"OpenSSL can't use them: {error.reason or error}"
    except ValueError as error:
        return f"they can't be used: {error}"
    finally:
        os.close(descriptor)
    return ""
