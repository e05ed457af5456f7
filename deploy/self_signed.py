"""A certificate that the stack signs itself, for trying it out: clients have to be told to trust it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from deploy import hosts, tls
from deploy.console import Failure
from tradewire import certificate
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.settings import Settings

_DAYS: Final = 90
_REQUEST: Final = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = Tradewire, self-signed
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


def variables(home: Path) -> dict[str, str]:
    """Return the settings with which a stack has such a certificate. deploy/up makes it."""
    return {f"{PREFIX}TLS_CERT": f"{home}/tls/self-signed.pem", f"{PREFIX}TLS_KEY": f"{home}/tls/self-signed.key"}


def is_chosen(settings: Settings) -> bool:
    """Return whether the settings name the stack's own certificate."""
    return [settings.tls_cert, settings.tls_key] == [*variables(settings.home).values()]


def make(settings: Settings) -> None:
    """Make the certificate with its key, unless there is one for all known hosts that does not expire soon."""
    names = hosts.known(settings)
    if _is_good(settings, names):
        return
    if not shutil.which("openssl"):
        raise Failure("there is no openssl to make a certificate with", "Install Debian's package openssl.")
    files = (settings.tls_key, settings.tls_cert)
    new = [f"{path}.new" for path in files]
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(_DAYS)]
    done = subprocess.run(
        ["openssl", "req", "-x509", *options, "-config", "/dev/stdin", "-keyout", new[0], "-out", new[1]],
        input=_REQUEST.format(names=", ".join(map(_written, names))),
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
    )
    if done.returncode:
        raise Failure("openssl can't make a certificate", *done.stderr.splitlines())
    for source, target in zip(new, files, strict=True):
        os.replace(source, target)  # noqa: PTH105 - the settings have texts


def _is_good(settings: Settings, names: list[str]) -> bool:
    try:
        pair = tls.read(settings)
    except SettingsError:
        return False
    leaf = certificate.leaf(pair.chain)
    is_lasting = pair.expiry > datetime.now(UTC) + certificate.EXPIRING
    return is_lasting and all(_encoded(name) in leaf for name in names)


def _address(name: str) -> bytes | None:
    """Return the bytes of a host that is an address; None for a name."""
    try:
        return ip_address(re.sub(r"[\[\]]", "", name)).packed
    except ValueError:
        return None


def _encoded(name: str) -> bytes:
    """Return a host as certificates have it."""
    return _address(name) or name.encode()


def _written(name: str) -> str:
    """Return a host as OpenSSL's configuration has it."""
    kind, text = ("IP", name.strip("[]")) if _address(name) else ("DNS", name)
    return f"{kind}:{text}"
