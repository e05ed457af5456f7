"""The certificate: the checks before anything starts, the copy, and the time at which it expires."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from api.operations.certificate_check import check_certificate
from deploy import nginx, render, self_signed, tls, urls
from tests.tls import CURVE, Files, make, make_until, openssl
from tradewire import certificate
from tradewire.errors import SettingsError
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings with the paths of a certificate and a key that do not exist yet."""
    (tmp_path / "tls").mkdir()
    return Settings(home=tmp_path, tls_cert=f"{tmp_path}/own.pem", tls_key=f"{tmp_path}/own.key")


def own(settings: Settings) -> Files:
    """Make the files that the settings name."""
    return make(settings.home, "own")


def faults(settings: Settings) -> tuple[str, ...]:
    """Give the faults of the files."""
    with pytest.raises(SettingsError) as raised:
        tls.read(settings)
    return raised.value.faults


# ---- faults


def test_files_that_can_not_be_read_are_both_named_with_the_reason(settings: Settings) -> None:
    assert faults(settings) == (
        f"TRADEWIRE_TLS_CERT={settings.tls_cert} can't be read: No such file or directory",
        f"TRADEWIRE_TLS_KEY={settings.tls_key} can't be read: No such file or directory",
    )


def test_files_without_certificate_and_key_are_both_named(settings: Settings) -> None:
    files = own(settings)
    files.certificate.write_bytes(files.key.read_bytes())
    files.key.write_text("-----BEGIN PRIVATE KEY-----\n")
    assert faults(settings) == (
        f"TRADEWIRE_TLS_CERT={settings.tls_cert} has no certificate in PEM form",
        f"TRADEWIRE_TLS_KEY={settings.tls_key} has no private key in PEM form",
    )


def test_a_key_with_a_passphrase_is_refused_with_the_way_to_remove_it(settings: Settings) -> None:
    make(settings.home, "own", key=(*CURVE, "-passout", "pass:secret"))
    [fault] = faults(settings)
    assert fault.startswith(f"TRADEWIRE_TLS_KEY={settings.tls_key} has a passphrase")
    assert "openssl pkey" in fault


def test_a_key_of_another_certificate_is_refused(settings: Settings) -> None:
    files, other = own(settings), make(settings.home, "other")
    shutil.copy(other.key, files.key)
    [fault] = faults(settings)
    assert fault.endswith(": the key does not belong to the certificate, which must be the first one in its file")


def test_a_damaged_certificate_is_refused(settings: Settings) -> None:
    files = own(settings)
    lines = files.certificate.read_text().splitlines()
    files.certificate.write_text("\n".join([lines[0], *lines[2:]]))
    [fault] = faults(settings)
    assert "OpenSSL can't use them: " in fault


@pytest.mark.parametrize("kind", [("-newkey", "rsa:2048", "-nodes"), (*CURVE, "-nodes")])
def test_a_pair_of_any_kind_of_key_is_taken(settings: Settings, kind: tuple[str, ...]) -> None:
    make(settings.home, "own", key=kind)
    assert tls.read(settings).expiry > datetime.now(UTC) + timedelta(days=80)


def test_a_certificate_that_has_expired_is_warned_about(settings: Settings) -> None:
    make_until(settings.home, "own", datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC))
    [warning] = tls.warnings(tls.read(settings))
    assert "has expired, on 2024-02-29" in warning
    own(settings)
    assert tls.warnings(tls.read(settings)) == []


# ---- the copy


def test_the_key_is_never_in_the_file_that_other_programs_read_even_if_one_file_has_both(settings: Settings) -> None:
    files = own(settings)
    together = settings.home / "together.pem"
    together.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    both = replace(settings, tls_cert=str(together), tls_key=str(together))
    if os.geteuid() == 0:
        tls.make_group()
    tls.install(both, tls.read(both))
    public = certificate.installed(settings.home)
    assert b"PRIVATE" not in public.read_bytes()
    assert public.stat().st_mode & 0o777 == 0o644
    assert certificate.leaf(public.read_bytes()) == files.der
    pair = tls.pair_file(settings.home)
    assert pair.read_bytes().count(b"PRIVATE KEY") == 2
    assert pair.stat().st_mode & 0o007 == 0


def test_a_chain_is_copied_with_all_its_certificates_in_order(settings: Settings) -> None:
    files, issuer = own(settings), make(settings.home, "issuer")
    files.certificate.write_bytes(files.certificate.read_bytes() + b"noise\n" + issuer.certificate.read_bytes())
    copied = certificate.chain(tls.read(settings).chain)
    assert copied == [each.strip() for each in (own_block(files), own_block(issuer))]


def own_block(files: Files) -> bytes:
    """Give the first certificate of a file."""
    return certificate.chain(files.certificate.read_bytes())[0]


# ---- expiry


@pytest.mark.parametrize("days", [1, 90, 20_000])
def test_the_time_of_expiry_is_the_one_that_openssl_tells(tmp_path: Path, days: int) -> None:
    files = make(tmp_path, "a", days=days)
    told = openssl("x509", "-in", files.certificate, "-noout", "-enddate", "-dateopt", "iso_8601").strip()
    assert f"notAfter={certificate.expiry(files.der):%Y-%m-%d %H:%M:%SZ}" == told


@pytest.mark.parametrize("damaged", [b"", b"\x30", b"\x30\x00", b"\x30\x02\x30\x00", b"no certificate"])
def test_something_else_than_a_certificate_has_no_time_of_expiry(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        certificate.expiry(damaged)


@pytest.mark.parametrize(
    ("left", "status"),
    [(timedelta(days=15), "ok"), (timedelta(days=13), "expiring"), (timedelta(days=-1), "expired")],
)
def test_readyz_says_in_time_that_the_certificate_expires(settings: Settings, left: timedelta, status: str) -> None:
    end = (datetime.now(UTC) + left).replace(microsecond=0)
    make_until(settings.home / "tls", "certificate", end)
    component = check_certificate(settings)["certificate"]
    assert (component.status, component.facts) == (status, {"expiresAt": end})
    assert (f"{end:%Y-%m-%d}" in component.detail) == (status != "ok")


@pytest.mark.parametrize("text", [None, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_readyz_says_that_the_certificate_can_not_be_read(settings: Settings, text: str | None) -> None:
    if text is not None:
        certificate.installed(settings.home).write_text(text)
    assert check_certificate(settings)["certificate"].status == "unavailable"


def test_without_tls_readyz_has_no_certificate(tmp_path: Path) -> None:
    assert check_certificate(Settings(home=tmp_path)) == {}


# ---- a certificate of one's own


def test_a_self_signed_certificate_names_every_known_host_and_its_key_is_private(tmp_path: Path) -> None:
    settings = self_made(tmp_path, "trades.example", "[2001:db8::1]")
    self_signed.make(settings)
    text = openssl("x509", "-in", settings.tls_cert, "-noout", "-text")
    for name in ("IP Address:127.0.0.1", "DNS:localhost", "IP Address:0:0:0:0:0:0:0:1", "DNS:trades.example"):
        assert name in text
    assert "IP Address:2001:DB8:0:0:0:0:0:1" in text
    assert "CA:FALSE" in text
    assert (tmp_path / "tls/self-signed.key").stat().st_mode & 0o777 == 0o600
    assert tls.read(settings)


def test_a_self_signed_certificate_is_kept_until_it_lacks_a_host_or_expires_soon(tmp_path: Path) -> None:
    settings = self_made(tmp_path, "trades.example")
    self_signed.make(settings)
    first = tls.read(settings)
    self_signed.make(settings)
    assert tls.read(settings) == first
    more = self_made(tmp_path, "trades.example", "other.example")
    self_signed.make(more)
    second = tls.read(more)
    assert second != first
    shutil.copy(make(tmp_path, "x").key, settings.tls_key)  # as after kill -9 between the two files
    self_signed.make(more)
    assert tls.read(more) != second
    Files(tmp_path / "tls/self-signed.pem", tmp_path / "tls/self-signed.key").replace(make(tmp_path, "soon", days=3))
    self_signed.make(settings)
    assert tls.read(settings).expiry > datetime.now(UTC) + timedelta(days=80)


def self_made(home: Path, *hosts: str) -> Settings:
    """Give settings that name the stack's own certificate."""
    (home / "tls").mkdir(exist_ok=True)
    cert, key = self_signed.variables(home).values()
    settings = Settings(home=home, hosts=hosts, tls_cert=cert, tls_key=key)
    assert self_signed.is_chosen(settings)
    return settings


# ---- nginx's configuration


@pytest.mark.parametrize(
    ("version", "listen", "directives"),
    [
        ("1.22.1", "listen 0.0.0.0:443 ssl http2 backlog=4096 reuseport;", 0),
        ("1.25.0 (Ubuntu)", "listen 0.0.0.0:443 ssl http2 backlog=4096 reuseport;", 0),
        ("1.25.1", "listen 0.0.0.0:443 ssl backlog=4096 reuseport;", 1),
        ("1.26.3", "listen 0.0.0.0:443 ssl backlog=4096 reuseport;", 1),
    ],
)
def test_http2_is_written_as_this_version_of_nginx_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, listen: str, directives: int
) -> None:
    (tmp_path / "nginx").write_text(f"#!/bin/sh\necho 'nginx version: nginx/{version}' >&2\n")
    (tmp_path / "nginx").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert nginx.has_http2_directive() == bool(directives)
    rendered = render.render(exposed(tmp_path))
    assert listen in rendered["nginx.conf"]
    assert rendered["nginx.conf"].count("http2 on;") == directives
    assert not re.search(r"\bssl|http2 ", rendered["nginx-loopback.conf"])


def exposed(home: Path, **changes: object) -> Settings:
    """Give settings of a stack with TLS that other machines reach."""
    made = Settings(home=home, access="keys", listen=("0.0.0.0:443",), tls_cert="/c", tls_key="/k")
    return replace(made, **changes)  # type: ignore[arg-type]


# ---- URLs


@pytest.mark.parametrize(
    ("listen", "plain", "encrypted"),
    [
        (("127.0.0.1:81", "localhost:82"), "http://127.0.0.1:81/ http://localhost:82/", "https https"),
        (("0.0.0.0:80", "[::]:81"), "http://127.0.0.1:80/ http://[::1]:81/", "http http"),
        (("10.0.0.1:443", "127.0.0.1:80"), "http://10.0.0.1:443/ http://127.0.0.1:80/", "https http"),
        (("0.0.0.0:80", "127.0.0.1:80", "127.0.0.1:81"), "http://127.0.0.1:80/ http://127.0.0.1:81/", "http http"),
        (("trades.example:80",), "http://trades.example:80/", "https"),
    ],
)
def test_the_urls_on_this_machine_have_the_scheme_that_nginx_speaks_there(
    tmp_path: Path, listen: tuple[str, ...], plain: str, encrypted: str
) -> None:
    assert urls.on_this_machine(Settings(home=tmp_path, listen=listen)) == plain.split()
    schemes = [url.partition(":")[0] for url in urls.on_this_machine(exposed(tmp_path, listen=listen))]
    assert schemes == encrypted.split()


def test_other_machines_are_told_the_hosts_with_https(tmp_path: Path) -> None:
    settings = exposed(tmp_path, hosts=("trades.example",))
    assert urls.for_others(settings) == ["https://trades.example/"]
    assert urls.for_others(replace(settings, listen=("0.0.0.0:8443",))) == ["https://trades.example:8443/"]
    assert urls.for_others(replace(settings, public_url="https://public.example")) == ["https://public.example/"]
    assert urls.for_others(replace(settings, listen=("127.0.0.1:443",))) == []


def test_the_nginx_of_every_address_is_probed_too(tmp_path: Path) -> None:
    assert urls.probes(exposed(tmp_path)) == ["http://127.0.0.1:443/", "https://127.0.0.2:443/"]
    assert urls.probes(Settings(home=tmp_path)) == ["http://127.0.0.1:8080/"]


@pytest.mark.parametrize(
    ("listen", "public_url", "target"),
    [
        ("0.0.0.0:443", "", "https://$host"),
        ("0.0.0.0:8443", "", "https://$host:8443"),
        ("0.0.0.0:8443", "https://public.example", "https://public.example"),
        ("0.0.0.0:8443", "http://public.example", "https://$host:8443"),
    ],
)
def test_plain_http_is_redirected_to_the_port_of_https(
    tmp_path: Path, listen: str, public_url: str, target: str
) -> None:
    assert urls.redirect_target(exposed(tmp_path, listen=(listen,), public_url=public_url)) == target
