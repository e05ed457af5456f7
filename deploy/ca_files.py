"""The files of `TRADEWIRE_CLIENT_CA` and `TRADEWIRE_CLIENT_CRL`: read and checked with OpenSSL's command.

nginx's library writes names and serial numbers as the command does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.console import Failure
from tradewire import certificate
from tradewire.access.authorities import Authority
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.settings import Settings

_LIST: Final = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_NAMES: Final = ("-nameopt", "RFC2253")
"""Names as nginx writes them."""
_FACTS: Final = ("-issuer", "-subject", "-serial", "-subject_hash", "-ext", "basicConstraints")
_TIME: Final = "%b %d %H:%M:%S %Y GMT"


@dataclass
class Authorities:
    """CAs that can be used."""

    certificates: dict[str, bytes] = field(default_factory=dict)
    """The file of each one, in PEM form, by its name in nginx's folder."""
    records: dict[str, Authority] = field(default_factory=dict)
    """What the programs must know of each one, by its distinguished name."""

    @property
    def trusted(self) -> list[str]:
        """The names of those whose certificates count."""
        return [name for name, each in self.records.items() if each.is_trusted]

    @property
    def warnings(self) -> list[str]:
        """What the operator should know of them."""
        now = time.time()
        found = [
            f"the CA {name} has expired, on {_date(each.expires)}: no client certificate of it counts"
            for name, each in self.records.items()
            if each.expires <= now
        ]
        found += [
            f"the CA {name} is revoked by its issuer: no client certificate of it counts"
            for name, each in self.records.items()
            if not each.is_trusted
        ]
        return found + self.expired_lists

    @property
    def expired_lists(self) -> list[str]:
        """The faults of revocation lists that have expired."""
        return [
            f"the revocation list of {name} has expired, on {_date(each.list_expires)}: none of its certificates counts"
            for name, each in self.records.items()
            if each.list_expires is not None and each.list_expires <= time.time()
        ]


def names(path: Path) -> tuple[str, str]:
    """Return the distinguished names of issuer and subject of a certificate file, as nginx writes them.

    Raises:
        Failure: It is no certificate.
    """
    try:
        found = _openssl(["x509", "-noout", "-issuer", "-subject", *_NAMES], path.read_bytes())
    except OSError as error:
        raise Failure(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise Failure(f"{path} has no certificate in PEM form that OpenSSL can read: {error}") from error
    return _field(found, "issuer"), _field(found, "subject")


def read(settings: Settings) -> Authorities:
    """Read and check the files that the settings name.

    Raises:
        SettingsError: They can't be used. It carries every fault.
    """
    if not shutil.which("openssl"):
        raise SettingsError([f"{PREFIX}CLIENT_CA needs the program openssl: install Debian's package openssl"])
    found, faults = Authorities(), list[str]()
    pem = _content("CLIENT_CA", settings.client_ca.file, faults)
    lists = _content("CLIENT_CRL", settings.client_ca.crl_file, faults) if settings.client_ca.crl_file else None
    with tempfile.TemporaryDirectory() as place:
        bundle = Path(place) / "bundle.pem"
        parents = _read_certificates(settings, pem, bundle, found, faults)
        if lists is not None and found.records:
            _read_lists(settings, lists, bundle, found, faults)
    if faults:
        raise SettingsError(faults)
    _withdraw_revoked(found, parents)
    return found


def _content(name: str, path: str, faults: list[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        faults.append(f"{PREFIX}{name}={path} can't be read: {error.strerror}")
        return b""


def _read_certificates(
    settings: Settings, pem: bytes, bundle: Path, found: Authorities, faults: list[str]
) -> dict[str, tuple[str, str]]:
    """Add each CA. Return the issuer of each one, and its serial number."""
    shown, blocks = f"{PREFIX}CLIENT_CA={settings.client_ca.file}", certificate.chain(pem)
    if not blocks and not faults:
        faults.append(f"{shown} has no certificate in PEM form")
    read: dict[str, tuple[bytes, str]] = {}
    for number, block in enumerate(blocks, start=1):
        try:
            told = _openssl(["x509", "-noout", *_FACTS, *_NAMES], block)
            certificate.expiry(certificate.leaf(block))
        except ValueError as error:
            faults.append(f"{shown}: OpenSSL can't use its certificate {number}: {error}")
            continue
        name = _field(told, "subject")
        if not re.search(r"^\s+CA:TRUE", told, re.MULTILINE):
            faults.append(f"{shown}: its certificate {number}, of {name}, is not that of a CA")
        elif name in read:
            faults.append(f"{shown} has two certificates of {name}: two CAs of one name can't be told apart")
        else:
            read[name] = block + b"\n", told
    bundle.write_bytes(b"".join(block for block, _ in read.values()))
    for name, (block, told) in read.items():
        if fault := _chain_fault(block, bundle):
            faults.append(f"{shown}: {name} has no chain to a root CA in the file: {fault}")
        [hashed] = re.findall(r"^[0-9a-f]{8}$", told, re.MULTILINE)
        index = sum(other.startswith(hashed) for other in found.certificates)
        found.certificates[f"{hashed}.{index}"] = block
        found.records[name] = Authority(block.decode("ascii"), certificate.expiry(certificate.leaf(block)).timestamp())
    return {name: (_field(told, "issuer"), _field(told, "serial")) for name, (_, told) in read.items()}


def _chain_fault(block: bytes, bundle: Path) -> str:
    """Return why a CA can't be verified, whether it has expired or not; empty if it can be."""
    options = ["-no-CApath", "-no-CAstore", "-no_check_time", "-CAfile", str(bundle)]
    try:
        _openssl(["verify", *options], block)
    except ValueError as error:
        return str(error)
    return ""


def _read_lists(settings: Settings, pem: bytes, bundle: Path, found: Authorities, faults: list[str]) -> None:
    """Add the revocation list of each CA."""
    shown, blocks = f"{PREFIX}CLIENT_CRL={settings.client_ca.crl_file}", _LIST.findall(pem)
    if not blocks and pem:
        faults.append(f"{shown} has no revocation list in PEM form")
        return
    for number, block in enumerate(blocks, start=1):
        options = ["-noout", "-text", "-issuer", "-lastupdate", "-nextupdate", *_NAMES, "-CAfile", str(bundle)]
        try:
            told = _openssl(["crl", *options], block, "verify OK")
            made, expires = (_time(_field(told, name)) for name in ("lastUpdate", "nextUpdate"))
        except ValueError as error:
            faults.append(f"{shown}: its revocation list {number} can't be used: {error}")
            continue
        name = _field(told, "issuer")
        if name not in found.records:
            faults.append(f"{shown}: its revocation list {number} is of {name}, which is not in {PREFIX}CLIENT_CA")
        elif re.search(r"^\s+X509v3 .*: critical$", told, re.MULTILINE):
            faults.append(f"{shown}: its revocation list {number}, of {name}, does not list all that it revokes")
        elif found.records[name].list_expires is not None:
            faults.append(f"{shown} has two revocation lists of {name}")
        else:
            revoked = frozenset(re.findall(r"^    Serial Number: ([0-9A-F]+)$", told, re.MULTILINE))
            found.records[name] = found.records[name]._replace(revoked=revoked, list_made=made, list_expires=expires)
    faults += [
        f"{shown} has no revocation list of {name}" for name, each in found.records.items() if not each.list_made
    ]


def _withdraw_revoked(found: Authorities, parents: Mapping[str, tuple[str, str]]) -> None:
    """Trust no CA that its issuer has revoked, and none below it."""
    for _ in parents:  # the longest chain has all of them
        for name, (issuer, serial) in parents.items():
            above = found.records[issuer]
            if serial in above.revoked or not above.is_trusted:
                found.records[name] = found.records[name]._replace(is_trusted=False)


def _openssl(arguments: list[str], pem: bytes, said: str = "") -> str:
    """Return what OpenSSL tells of a text in PEM form.

    Raises:
        ValueError: It can't use the text, or did not say what it says of a good one.
    """
    done = subprocess.run(["openssl", *arguments], input=pem, capture_output=True, check=False)
    errors = done.stderr.decode(errors="replace").strip()
    if done.returncode or said not in errors:
        raise ValueError("; ".join(errors.splitlines()) or "it gives no reason")
    return done.stdout.decode(errors="replace")


def _field(told: str, name: str) -> str:
    """Return a value of OpenSSL's lines NAME=VALUE."""
    found = re.search(rf"^{name}=(.*)$", told, re.MULTILINE)
    return found[1].strip() if found else ""


def _time(text: str) -> float:
    """Return Unix time in seconds. Raises ValueError."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise ValueError("it does not say when the next one comes") from None


def _date(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0, UTC):%Y-%m-%d}"
