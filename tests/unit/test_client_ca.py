"""Client certificates: the settings, the files of CAs and lists, and which certificate has which key."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from websockets.datastructures import Headers

from api.operations.client_ca_check import check_client_ca
from deploy import ca_files, client_ca, holder, render
from deploy.console import Failure
from tests import tls
from tests.pki import Ca
from tests.support import ROOT, audited, make_audit_key
from tradewire.access import authorities, issuance, key_file
from tradewire.access.authorities import Authority
from tradewire.access.certificates import HEADER, Certificates, decode
from tradewire.access.client_ca import ClientCa
from tradewire.access.key import Role, make
from tradewire.access.keyring import Keyring
from tradewire.access.principals import Principals
from tradewire.access.watched_file import LOOK_SECONDS
from tradewire.errors import BadToken, SettingsError, Unavailable
from tradewire.settings import Settings
from wsserver.admission import Admission

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tradewire.access.key import Key

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
STRINGS = (_ASN1Type.UTF8String, _ASN1Type.PrintableString)
COMPLETE = {
    "ACCESS": "keys",
    "TLS_CERT": "/own.pem",
    "TLS_KEY": "/own.key",
    "CLIENT_CA": "/ca.pem",
    "CLIENT_LISTEN": "127.0.0.1:9443",
    "CLIENT_CRL": "/ca.crl",
}


# ---- settings


def read(**variables: str) -> Settings:
    return Settings.from_env({f"TRADEWIRE_{name}": value for name, value in (COMPLETE | variables).items()})


def test_the_settings_name_the_files_and_the_listener() -> None:
    settings = read(CLIENT_LISTEN="127.0.0.1:9443,[::1]:9443")
    assert settings.client_ca == ClientCa("/ca.pem", ("127.0.0.1:9443", "[::1]:9443"), "/ca.crl")
    written = {name: str(value) for name, value in settings.variables().items() if "_CLIENT_" in name}
    assert Settings.from_env({**{f"TRADEWIRE_{name}": text for name, text in COMPLETE.items()}, **written}) == settings


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"CLIENT_CA": ""}, ["CLIENT_LISTEN needs TRADEWIRE_CLIENT_CA", "CLIENT_CRL needs TRADEWIRE_CLIENT_CA"]),
        ({"CLIENT_LISTEN": ""}, ["CLIENT_LISTEN must be set: TRADEWIRE_CLIENT_CA is"]),
        (
            {"ACCESS": "open", "TLS_CERT": "", "TLS_KEY": ""},
            [
                "CLIENT_CA needs another TRADEWIRE_ACCESS than open, with which no certificate counts",
                "CLIENT_CA needs TLS: TRADEWIRE_TLS_CERT and TRADEWIRE_TLS_KEY must be set",
            ],
        ),
        (
            {"CLIENT_LISTEN": "127.0.0.1:8080,[::1]:80,[::1]:9443", "REDIRECT_LISTEN": "127.0.0.1:080"},
            [f"CLIENT_LISTEN has port {port}, and so has another listener: choose another port" for port in (80, 8080)],
        ),
        (
            {"CLIENT_CA": "ca.pem"},
            ["CLIENT_CA='ca.pem' can't be used: expected an absolute path of letters, digits and ./_+@-"],
        ),
    ],
)
def test_settings_that_do_not_fit_are_all_named(changes: dict[str, str], faults: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**changes)
    assert set(refused.value.faults) >= {f"TRADEWIRE_{fault}" for fault in faults}


@pytest.mark.parametrize("has_ca", [True, False])
def test_nginx_clears_the_header_in_each_place_that_sets_headers(tmp_path: Path, has_ca: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    own = ClientCa("/ca.pem", ("0.0.0.0:9443",)) if has_ca else ClientCa()
    settings = Settings(home=tmp_path, listen=("0.0.0.0:8443",), tls_cert="/own.pem", tls_key="/own.key")
    files = render.render(replace(settings, access="keys", client_ca=own))
    for name, servers in (("nginx.conf", 2 if has_ca else 1), ("nginx-loopback.conf", 1)):
        value = "$client_certificate" if has_ca and name == "nginx.conf" else ""
        text = files[name]
        assert text.count("proxy_set_header X-Request-ID $request_id;") == 1 + servers
        assert text.count(f'proxy_set_header X-Client-Certificate "{value}";') == 1 + servers
        assert ("ssl_verify_client" in text) == (value != "")


# ---- files


@pytest.fixture
def root(tmp_path: Path) -> Ca:
    return Ca.root(tmp_path, "root", "/O=Firm/CN=Firm Root")


def settings_of(home: Path, pem: str, crl: str | None = None) -> Settings:
    """Give settings whose files have a content."""
    (home / "tls").mkdir(exist_ok=True)
    (home / "ca.pem").write_text(pem)
    if crl is not None:
        (home / "ca.crl").write_text(crl)
    own = ClientCa(f"{home}/ca.pem", ("127.0.0.1:9443",), f"{home}/ca.crl" if crl is not None else "")
    return Settings(home=home, access="keys", client_ca=own)


def pem(ca: Ca) -> str:
    return ca.files.certificate.read_text()


def faults(settings: Settings) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        ca_files.read(settings)
    return raised.value.faults


def test_cas_and_their_lists_are_read_with_what_they_revoke(tmp_path: Path, root: Ca) -> None:
    below, stolen = root.below("desk"), root.issue("stolen")
    root.revoke(stolen)
    found = ca_files.read(settings_of(tmp_path, pem(root) + pem(below), root.crl() + below.crl()))
    assert found.trusted == ["CN=Firm Root,O=Firm", "CN=desk"]
    serial = tls.openssl("x509", "-in", stolen.certificate, "-noout", "-serial").strip().removeprefix("serial=")
    assert [each.revoked for each in found.records.values()] == [{serial}, set()]
    assert (found.warnings, len(found.certificates)) == ([], 2)


def test_a_revoked_ca_and_all_below_it_do_not_count(tmp_path: Path, root: Ca) -> None:
    middle = root.below("middle")
    lowest = middle.below("lowest")
    root.revoke(middle.files)
    chain = (lowest, middle, root)
    found = ca_files.read(settings_of(tmp_path, "".join(map(pem, chain)), "".join(each.crl() for each in chain)))
    assert found.trusted == ["CN=Firm Root,O=Firm"]
    assert found.warnings == [
        f"the CA {name} is revoked by its issuer: no client certificate of it counts"
        for name in ("CN=lowest", "CN=middle")
    ]


def test_files_that_can_not_be_read_are_both_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "", "")
    for name in ("ca.pem", "ca.crl"):
        (tmp_path / name).unlink()
    assert faults(settings) == (
        f"TRADEWIRE_CLIENT_CA={tmp_path}/ca.pem can't be read: No such file or directory",
        f"TRADEWIRE_CLIENT_CRL={tmp_path}/ca.crl can't be read: No such file or directory",
    )


def test_faults_of_the_cas_are_all_named(tmp_path: Path, root: Ca) -> None:
    damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    leaf = root.issue("leaf").certificate.read_text()
    orphan = pem(Ca.root(tmp_path, "away").below("orphan"))
    shown = f"TRADEWIRE_CLIENT_CA={tmp_path}/ca.pem"
    assert faults(settings_of(tmp_path, "text")) == (f"{shown} has no certificate in PEM form",)
    first, second, third, fourth = faults(settings_of(tmp_path, pem(root) + damaged + leaf + pem(root) + orphan))
    assert first.startswith(f"{shown}: OpenSSL can't use its certificate 2: ")
    assert second == f"{shown}: its certificate 3, of CN=leaf, is not that of a CA"
    assert third == (f"{shown} has two certificates of CN=Firm Root,O=Firm: two CAs of one name can't be told apart")
    assert fourth.startswith(f"{shown}: CN=orphan has no chain to a root CA in the file: ")
    assert "unable to get" in fourth


def test_faults_of_the_lists_are_all_named(tmp_path: Path, root: Ca) -> None:
    other, twin = Ca.root(tmp_path, "other"), Ca.root(tmp_path, "twin", "/O=Firm/CN=Firm Root")
    shown = f"TRADEWIRE_CLIENT_CRL={tmp_path}/ca.crl"
    assert faults(settings_of(tmp_path, pem(root), "text")) == (f"{shown} has no revocation list in PEM form",)
    forged, foreign, missing = faults(settings_of(tmp_path, pem(root), twin.crl() + other.crl()))
    assert forged.startswith(f"{shown}: its revocation list 1 can't be used: ")
    assert foreign.startswith(f"{shown}: its revocation list 2 can't be used: ")
    assert missing == f"{shown} has no revocation list of CN=Firm Root,O=Firm"
    assert faults(settings_of(tmp_path, pem(root), root.crl() * 2)) == (
        f"{shown} has two revocation lists of CN=Firm Root,O=Firm",
    )


def test_expired_cas_and_lists_are_warned_of(tmp_path: Path, root: Ca) -> None:
    settings = settings_of(tmp_path, pem(root), root.crl(DAY, -2 * DAY))
    [warning] = ca_files.read(settings).warnings
    assert warning.startswith("the revocation list of CN=Firm Root,O=Firm has expired, on ")


def test_a_ca_that_is_gone_stays_known_and_another_one_of_its_name_is_refused(
    tmp_path: Path, root: Ca, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # as the commands of deploy/ do
    (tmp_path / "audit").mkdir(mode=0o700)
    make_audit_key(tmp_path)
    twin, other = Ca.root(tmp_path, "twin", "/O=Firm/CN=Firm Root"), Ca.root(tmp_path, "other")

    def install(ca: Ca, *, is_start: bool = False) -> list[bool]:
        settings = settings_of(tmp_path, pem(ca))
        client_ca.install(settings, ca_files.read(settings), is_start=is_start)
        return [each.is_trusted for each in authorities.read(settings.client_authorities).values()]

    assert install(root, is_start=True) == [True]
    assert install(other) == [False, True]
    assert len([*client_ca.folder(tmp_path).iterdir()]) == 1
    with pytest.raises(Failure, match="another CA certificate of the name CN=Firm Root,O=Firm"):
        install(twin)
    assert install(root) == [True, False]
    assert install(twin, is_start=True) == [True]
    assert install(twin) == [True]
    shown = [
        {each["name"] for each in record["details"]["authorities"]}
        for record in audited(tmp_path, "client-ca-changed")
        if record["result"] == "done"
    ]
    assert shown == [{"CN=Firm Root,O=Firm"}, {"CN=other"}, {"CN=Firm Root,O=Firm"}, {"CN=Firm Root,O=Firm"}]


@pytest.mark.parametrize("text", ["", "[]", "{}x", '{"a": 1}', '{"a": {}}', '{"a": {"revoked": [], "b": 1}}'])
def test_a_damaged_file_of_cas_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "client-ca.json"
    path.write_text(text)
    with pytest.raises(Unavailable, match=r"client-ca\.json is damaged"):
        authorities.read(path)


# ---- health


@pytest.mark.parametrize(
    ("days", "list_days", "status"),
    [
        (100, None, "ok"),
        (10, None, "expiring"),
        (-1, None, "expired"),
        (100, (-2, 5), "ok"),
        (100, (-5, 2), "expiring"),
        (100, (-5, -1), "expired"),
        (100, (-60, 15), "ok"),
        (100, (-60, 13), "expiring"),
    ],
)
def test_readyz_tells_in_time_when_a_ca_or_its_list_expires(
    tmp_path: Path, clock: Clock, days: int, list_days: tuple[int, int] | None, status: str
) -> None:
    day = DAY.total_seconds()
    made, end = (clock.now + each * day for each in list_days) if list_days else (None, None)
    install_records(tmp_path, authority(clock.now + days * day, list_made=made, list_expires=end))
    [(name, component)] = check_client_ca(settings_of(tmp_path, "")).items()
    assert (name, component.status) == ("client-ca", status)


def test_readyz_tells_that_the_file_of_cas_is_away(tmp_path: Path) -> None:
    assert check_client_ca(settings_of(tmp_path, ""))["client-ca"].status == "unavailable"
    assert check_client_ca(Settings(home=tmp_path)) == {}


# ---- principals


class Clock:
    """The clocks of this process, which stand still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monotonic, self.now = 1000.0, 1_800_000_000.0
        monkeypatch.setattr("time.monotonic", lambda: self.monotonic)
        monkeypatch.setattr("time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def authority(expires: float, certificate: str = "", **changes: float | None) -> Authority:
    return replace_fields(Authority(certificate, expires), changes)


def replace_fields(record: Authority, changes: dict[str, float | None]) -> Authority:
    return record._replace(**changes)  # type: ignore[arg-type] # the names are those of times


def install_records(home: Path, record: Authority, name: str = "CN=ca") -> None:
    (home / "tls").mkdir(exist_ok=True)
    (home / "tls/client-ca.json").write_bytes(authorities.encode({name: record}))


def add(settings: Settings, subject: str = "CN=alpha", expires: int | None = None) -> Key:
    settings.keys.parent.mkdir(exist_ok=True)
    key, _ = make("alpha", [Role.PRODUCER, Role.VIEWER], now=0, slot=0, expires=expires)
    certified = key.for_certificate("CN=ca", subject)
    with key_file.changing(settings.keys, None) as keys:
        keys.append(certified)
    return certified


class Issuer:
    """A CA of the name CN=ca, and the headers in which nginx passes on its certificates."""

    def __init__(self, folder: Path) -> None:
        self.ca = Ca.root(folder, "ca")
        self.alpha = self.header("/CN=alpha")

    def header(self, subject: str) -> str:
        """Issue a certificate for a hundred years, and return its header."""
        return header(self.ca.issue(f"{len([*self.ca.folder.iterdir()])}", subject, end=36525 * DAY))

    def authority(self, expires: float = 1e10, **changes: float | None) -> Authority:
        return authority(expires, pem(self.ca), **changes)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


def header(files: tls.Files) -> str:
    """Return the header in which nginx passes on a certificate."""
    names = ca_files.names(files.certificate)
    return "\t".join((*names, quote(files.certificate.read_text(), safe="")))


def of_nginx(text: str) -> Callable[[str], str]:
    """Give the function that finds the header of nginx in a request."""
    return {HEADER: text}.get  # type: ignore[return-value] # no other header is asked for


def test_a_certificate_has_the_key_of_its_subject_and_its_issuer(tmp_path: Path, clock: Clock, issuer: Issuer) -> None:
    settings = settings_of(tmp_path, "")
    install_records(tmp_path, issuer.authority(clock.now + 1))
    key = add(settings)
    certificates = Certificates(settings, Keyring(settings.keys))
    assert certificates.find(issuer.alpha)[0] == key
    for other in ("/CN=beta", "/O=x/CN=alpha", "/CN=Alpha"):
        with pytest.raises(BadToken, match="No valid key is for the certificate of"):
            certificates.find(issuer.header(other))
    with pytest.raises(BadToken, match="issuer, CN=other, is not a CA"):
        certificates.find(header(Ca.root(tmp_path, "other").issue("alpha")))


def test_a_certificate_of_another_ca_of_the_same_name_has_no_key(tmp_path: Path, clock: Clock, issuer: Issuer) -> None:
    settings, twin = settings_of(tmp_path, ""), Issuer(tmp_path)
    install_records(tmp_path, issuer.authority())
    add(settings)
    certificates = Certificates(settings, Keyring(settings.keys))
    for _ in range(2):
        with pytest.raises(BadToken, match=r"names CN=ca of TRADEWIRE_CLIENT_CA .* not signed by the key of that CA"):
            certificates.find(twin.alpha)
    install_records(tmp_path, twin.authority())
    clock.monotonic += LOOK_SECONDS
    assert certificates.find(twin.alpha)
    with pytest.raises(BadToken, match="not signed by the key of that CA"):
        certificates.find(issuer.alpha)


def test_a_certificate_that_names_another_issuer_than_the_header_has_no_key(
    tmp_path: Path, clock: Clock, issuer: Issuer
) -> None:
    settings = settings_of(tmp_path, "")
    install_records(tmp_path, issuer.authority(clock.now + 1))
    add(settings)
    other = header(Ca.root(tmp_path, "other").issue("alpha"))
    with pytest.raises(BadToken, match="the name in the client's certificate has other bytes"):
        Certificates(settings, Keyring(settings.keys)).find(other.replace("CN=other", "CN=ca", 1))


def test_a_ca_whose_key_is_of_an_unknown_kind_refuses_with_the_reason(tmp_path: Path) -> None:
    odd = tls.make(tmp_path, "odd", key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp112r1", "-nodes"))
    text = odd.certificate.read_text()
    assert issuance.fault(text, text).startswith("the certificate of that CA can't be used: ")


def test_a_name_in_another_type_of_string_is_refused_and_the_reason_says_what_to_do() -> None:
    private = ec.generate_private_key(ec.SECP256R1())

    def made(subject: x509.Name, issuer: x509.Name) -> str:
        builder = x509.CertificateBuilder(issuer, subject, private.public_key(), 1, NOW, NOW + DAY)
        return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    utf8, printable = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca", each)]) for each in STRINGS)
    client = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alpha")])
    authority = made(printable, printable)
    assert issuance.fault(made(client, printable), authority) == ""
    assert "issue the client's certificate again" in issuance.fault(made(client, utf8), authority)


@pytest.mark.parametrize("number", [1, 0x0A, 0xFF, 0x100, 2**159 - 1, 2**152])
def test_the_serial_number_is_written_as_openssl_writes_it(tmp_path: Path, number: int) -> None:
    files = tls.make(tmp_path, "numbered", key=(*tls.CURVE, "-nodes", "-set_serial", str(number)))
    told = tls.openssl("x509", "-in", files.certificate, "-noout", "-serial").strip()
    assert f"serial={decode(header(files)).serial}" == told


def test_a_certificate_is_read_and_its_signature_checked_once(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path, "")
    install_records(tmp_path, issuer.authority())
    add(settings)
    certificates, text = Certificates(settings, Keyring(settings.keys)), issuer.header("/CN=alpha")
    load, read = issuance.load, list[str]()

    def count(pem: str) -> Any:
        read.append(pem)
        return load(pem)

    monkeypatch.setattr(issuance, "load", count)
    for _ in range(3):
        certificates.find(text[:1] + text[1:])  # another string, as each request has
    assert len(read) == 3, "once to read it, and once with its CA"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_trusted": False}, "is not a CA of TRADEWIRE_CLIENT_CA"),
        ({"list_expires": 1_799_999_999.0}, "The revocation list of CN=ca has expired"),
        ({"expires": 1_799_999_999.0}, "has expired, or that of its issuer"),
    ],
)
def test_a_certificate_counts_no_more_a_second_after_a_change_of_its_ca(
    tmp_path: Path, clock: Clock, issuer: Issuer, change: dict[str, float | None], reason: str
) -> None:
    settings, before = settings_of(tmp_path, ""), issuer.authority(clock.now + 1)
    install_records(tmp_path, before)
    add(settings)
    certificates = Certificates(settings, Keyring(settings.keys))
    assert certificates.find(issuer.alpha)
    install_records(tmp_path, replace_fields(before, change))
    clock.monotonic += LOOK_SECONDS
    with pytest.raises(BadToken, match=reason):
        certificates.find(issuer.alpha)


def test_a_revoked_certificate_is_known_by_its_serial_number(tmp_path: Path, clock: Clock, issuer: Issuer) -> None:
    settings, text = settings_of(tmp_path, ""), issuer.header("/CN=alpha")
    add(settings)
    revoked = frozenset({decode(text).serial})
    install_records(tmp_path, issuer.authority(clock.now + 1)._replace(revoked=revoked))
    certificates = Certificates(settings, Keyring(settings.keys))
    assert certificates.find(issuer.alpha)
    with pytest.raises(BadToken, match="is revoked by CN=ca"):
        certificates.find(text)


def test_a_certificate_ends_with_itself_or_with_its_key(tmp_path: Path, clock: Clock, issuer: Issuer) -> None:
    settings = settings_of(tmp_path, "")
    install_records(tmp_path, issuer.authority())
    end = int(clock.now) + 100
    add(settings, expires=end)
    principals = Principals(settings)
    found = principals.find("", "", of_nginx(issuer.alpha))
    assert found is not None
    assert (found.name, found.expires, principals.current(found)) == ("alpha", end, found)
    clock.now = end
    with pytest.raises(BadToken, match="No valid key"):
        principals.current(found)
    clock.now = decode(issuer.alpha).expires
    with pytest.raises(BadToken, match="The certificate has expired"):
        principals.current(found)


@pytest.mark.parametrize(
    "change", [lambda _: "x", lambda text: f"{text}\tCN=beta", lambda text: text.partition("\t")[2]]
)
def test_a_header_that_is_not_from_nginx_is_refused(
    tmp_path: Path, issuer: Issuer, change: Callable[[str], str]
) -> None:
    with pytest.raises(BadToken, match="is not from nginx"):
        Principals(settings_of(tmp_path, "")).find("", "", of_nginx(change(issuer.alpha)))


def test_a_certificate_that_can_not_be_read_is_refused(tmp_path: Path, issuer: Issuer) -> None:
    with pytest.raises(BadToken, match="The certificate of CN=alpha can't be read: "):
        Principals(settings_of(tmp_path, "")).find("", "", of_nginx(issuer.alpha.replace("MII", "MIJ", 1)))


def test_without_cas_the_header_is_not_looked_at(tmp_path: Path) -> None:
    assert Principals(Settings(home=tmp_path, access="keys")).find("", "", of_nginx("x")) is None


def test_a_key_of_a_certificate_has_no_token_that_opens_anything(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")
    key = add(settings)
    assert key.digest == b""
    for secret in ("", "_", "_x"):
        assert Keyring(settings.keys).find(f"tw_{key.id}{secret}") is None


def test_keys_that_were_made_before_there_were_certificates_are_read(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")
    add(settings)
    content = json.loads(settings.keys.read_text())
    for name in ("issuer", "subject"):
        del content["keys"][0][name]
    settings.keys.write_text(json.dumps(content))
    assert [(key.issuer, key.subject) for key in key_file.read(settings.keys)] == [("", "")]


def test_the_feed_admits_a_viewer_by_certificate_and_records_a_refused_one(
    home: Path, clock: Clock, issuer: Issuer
) -> None:
    settings = settings_of(home, "")
    install_records(home, issuer.authority())
    add(settings)
    admission = Admission(settings)
    admission.refusals.spawn = lambda run: run()
    headers = {"X-Client-Certificate": issuer.alpha}
    viewer = admission.admit(Headers(headers))
    assert viewer is not None
    assert admission.still_admits(viewer)
    assert admission.admit(Headers({"X-Client-Certificate": issuer.header("/CN=beta")})) is None
    [record] = audited(home, "credentials-refused")
    assert record["details"] == {"certificate": "CN=beta"}
    install_records(home, issuer.authority(clock.now - 1))
    clock.monotonic += LOOK_SECONDS
    assert not admission.still_admits(viewer)


# ---- names


def test_a_holder_is_told_by_a_file_or_by_names(tmp_path: Path, root: Ca, clock: Clock) -> None:
    settings = settings_of(tmp_path, "")
    files = root.issue("alpha", "/O=Firm/CN=alpha")
    assert holder.of(str(files.certificate), None, settings) == ("CN=Firm Root,O=Firm", "CN=alpha,O=Firm")
    assert holder.of("CN=a", "CN=b", settings) == ("CN=b", "CN=a")
    install_records(tmp_path, authority(clock.now + 1))
    assert holder.of(r"CN=a\, b+OU=c,1.2.3=#0401", None, settings) == ("CN=ca", r"CN=a\, b+OU=c,1.2.3=#0401")


@pytest.mark.parametrize(
    ("certificate", "issuer", "said"),
    [
        ("alpha.pem", None, "there is no file alpha.pem"),
        ("CN=a", None, "the CAs of the stack are not known"),
        ("CN=a, O=b,", "CN=ca", "is no distinguished name"),
        ("CN=ä", "CN=ca", "is no distinguished name"),
        ("CN=a\n", "CN=ca", "is no distinguished name"),
        ("/CN=a", "CN=ca", "is no distinguished name"),
        ("CN=a", "ca", "is no distinguished name"),
        ("CN=" + "a" * 1022, "CN=ca", "is no distinguished name of 1 to 1024"),
        (__file__, None, "has no certificate in PEM form"),
        (__file__, "CN=ca", "--issuer is for a SUBJECT"),
    ],
)
def test_a_holder_that_can_not_be_used_is_explained(
    tmp_path: Path, certificate: str, issuer: str | None, said: str
) -> None:
    with pytest.raises(Failure) as refused:
        holder.of(certificate, issuer, settings_of(tmp_path, ""))
    assert said in str(refused.value.lines)
