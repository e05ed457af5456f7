"""A stack that asks producers for a certificate: whom it knows, and what it refuses."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed

from api.http.auth import ROUTES
from tests import pki, support, tls
from tests.integration.certified import Certified, certified_stack
from tests.pki import Ca
from tests.support import TIMEOUT_SECONDS, audited, example, needs_ipv6, require_program, wait_until
from tradewire.access.certificates import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.tls import Files

DAY = timedelta(days=1)
LOG_IN_AGAIN = 4401


@pytest.fixture(scope="module")
def started() -> Iterator[Certified]:
    """Give a stack that the tests share."""
    with certified_stack() as running:
        yield running


def token_of(started: Certified, name: str, role: str) -> str:
    """Make a key with a token, and return it."""
    [token] = re.findall(r"\btw_\S+", started.stack.deploy("key", "add", name, "--role", role).stdout)
    return str(token)


# ---- principals


def test_a_certificate_with_a_key_posts_and_its_name_is_in_event_archive_and_trace(started: Certified) -> None:
    files, reader = started.ca.issue("alpha", "/O=Firm/CN=alpha"), token_of(started, "reader", "viewer")
    started.add("alpha", files)
    with tls.feed(started.stack.port, tls.context(), additional_headers={"X-API-Key": reader}) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        posted = started.post(files)
        assert posted.status == 201
        while posted.json["id"] not in (frame := str(feed.recv(TIMEOUT_SECONDS))):
            pass
        assert '"producer":"alpha"' in frame

    def found() -> bool:
        return len(tls.get(started.stack.port, "/api/messages?producer=alpha", X_API_Key=reader).json["messages"]) == 1

    wait_until(found, "the message is archived", pause_seconds=0.1)
    trace = tls.get(started.stack.port, f"/api/message/{posted.json['id']}", X_API_Key=reader).json
    assert trace["message"]["producer"] == "alpha"


@needs_ipv6
def test_the_client_listener_has_both_families_of_addresses(started: Certified) -> None:
    files = started.ca.issue("families")
    started.add("families", files)
    for address in ("127.0.0.1", "::1"):
        with closing(pki.connection(started.port, files, address=address)) as opened:
            assert tls.ask(opened, "/api/message", "POST", body=example()).status == 201


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_a_certificate_counts_under_http_1_1_and_http_2(started: Certified, version: str) -> None:
    files = started.ca.issue(f"http-{version}")
    started.add(f"http-{version}", files)
    for given, status in ((files, "201"), (None, "400")):
        assert curl(started, given, f"--http{version}") == (version, status)


def curl(started: Certified, files: Files | None, *options: str) -> tuple[str, ...]:
    """Post with curl. Return the version of HTTP and the status."""
    own = ["--cert", str(files.certificate), "--key", str(files.key)] if files else []
    command = [require_program("curl"), "-sk", *own, *options, "-d", "@-", "-o", "/dev/null"]
    url = f"https://127.0.0.1:{started.port}/api/message"
    done = subprocess.run(
        [*command, "-w", "%{http_version} %{http_code}", url], input=example(), capture_output=True, check=True
    )
    return tuple(done.stdout.decode().split())


def test_a_certificate_nearly_too_large_counts_for_posts_and_for_the_feed(started: Certified) -> None:
    files = started.ca.with_comment(2500).issue("nearly", "/CN=nearly" + f"/OU={'x' * 60}" * 15)
    started.add("nearly", files, "producer,viewer")
    assert len(escaped(files)) > 5500
    assert started.post(files).status == 201
    with tls.feed(started.port, pki.context(files)) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))


def escaped(files: Files) -> str:
    """Return a certificate as nginx passes it on."""
    return quote(files.certificate.read_text(), safe="")


def test_two_producers_who_send_the_same_idempotency_key_never_share_an_id(started: Certified) -> None:
    ids = []
    for name in ("first", "second"):
        files = started.ca.issue(name)
        started.add(name, files)
        ids.append([started.post(files, Idempotency_Key="1").json["id"] for _ in range(2)])
    assert [len(set(each)) for each in ids] == [1, 1]
    assert ids[0] != ids[1]


def test_a_certificate_has_the_roles_and_the_rate_of_its_key(started: Certified) -> None:
    files = started.ca.issue("viewer")
    started.add("viewer", files, "viewer", "--rate", "5")
    assert started.post(files).status == 403
    assert started.ask(files, "/api/messages").status == 200
    with closing(pki.connection(started.port, files)) as opened:
        assert 429 in [tls.ask(opened, "/api/stats").status for _ in range(40)]


def test_a_certificate_of_a_viewer_follows_the_feed_until_its_key_is_revoked(started: Certified) -> None:
    files = started.ca.issue("watcher")
    started.add("watcher", files, "viewer")
    with tls.feed(started.port, pki.context(files)) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        assert started.stack.deploy("key", "revoke", "watcher").returncode == 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                feed.recv(TIMEOUT_SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == LOG_IN_AGAIN


def test_a_token_counts_before_a_certificate_and_a_bad_token_counts_too(started: Certified) -> None:
    files, reader = started.ca.issue("both"), token_of(started, "both-reader", "viewer")
    started.add("both", files)
    assert started.post(files).status == 201
    assert started.post(files, X_API_Key=reader).status == 403
    assert started.ask(files, "/api/stats", X_API_Key=reader).status == 200
    assert started.post(files, X_API_Key="tw_x").status == 401


def test_the_client_listener_has_the_routes_of_programs_and_no_page(started: Certified) -> None:
    files = started.ca.issue("routes")
    started.add("routes", files, "producer,viewer,monitor,operator")
    for path in ("/", "/api.html", "/settings.js", "/trade/x", "/no-certificate", "/failed"):
        assert started.ask(files, path).status == 404
    for path in ("/api/stats", "/api/ledger", "/api/dead-letters", "/metrics", "/readyz", "/healthz"):
        assert started.ask(files, path).status == 200
    assert "queue" in started.ask(files, "/readyz").json["components"]


def test_hosts_and_origins_are_checked_as_everywhere(started: Certified) -> None:
    files = started.ca.issue("hosts")
    started.add("hosts", files)
    assert started.post(files, Host="evil.example").status == 421
    assert started.post(files, Origin="https://evil.example").status == 403
    assert started.post(files, Origin=f"https://127.0.0.1:{started.port}").status == 201


# ---- certificates that do not count


REFUSED: dict[str, tuple[Callable[[Ca], Files | None], str]] = {
    "none": (lambda _: None, "the client sent none"),
    "expired": (lambda ca: ca.issue("old", start=-2 * DAY, end=-DAY), "certificate has expired"),
    "not yet valid": (lambda ca: ca.issue("early", start=DAY, end=2 * DAY), "certificate is not yet valid"),
    "of a server": (lambda ca: ca.issue("server", use="server"), "unsuitable certificate purpose"),
    "of another CA": (lambda ca: Ca.root(ca.folder, "other").issue("client"), "unable to verify the first certificate"),
    "of another CA of the same name": (
        lambda ca: Ca.root(ca.folder, "twin", "/O=Firm/CN=Firm Root").issue("client"),
        "unable to verify the first certificate",
    ),
    "self-signed": (lambda ca: tls.make(ca.folder, "selfsigned"), "self-signed certificate"),
    "that is too large": (lambda ca: ca.with_comment(4000).issue("large"), "is too large: in PEM form, with escapes"),
    "of a subject that is too long": (lambda ca: ca.issue("long", "/CN=long" + f"/OU={'x' * 60}" * 20), "1 to 1024"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_certificate_that_does_not_count_gets_400_with_the_reason(started: Certified, kind: str) -> None:
    make, reason = REFUSED[kind]
    files = make(started.ca)
    if files:
        started.stack.deploy("key", "add", "refused", "--role", "producer", "--certificate", str(files.certificate))
    for path, method in (("/api/message", "POST"), ("/healthz", "GET"), ("/nowhere", "GET"), ("/ws", "GET")):
        response = started.ask(files, path, method, body=example() if method == "POST" else None)
        assert response.status == 400, path
        [fault] = response.json["errors"]
        assert fault["code"] == "client-certificate"
        assert reason in fault["detail"]
        assert response.headers["Cache-Control"] == "no-store"
    started.stack.deploy("key", "revoke", "refused")


def test_a_ca_below_a_listed_one_can_not_name_producers_under_the_listed_ones_name(started: Certified) -> None:
    victim = started.ca.issue("named", "/O=Firm/CN=named")
    started.add("named", victim)
    assert started.post(victim).status == 201
    rogue = started.ca.below("rogue")
    twin = rogue.below("root-again", "/O=Firm/CN=Firm Root")
    forged = twin.issue("named", "/O=Firm/CN=named")
    answers = {number: started.post(forged, *(twin, rogue)[:number]) for number in range(3)}
    assert {number: answer.status for number, answer in answers.items()} == {0: 400, 1: 400, 2: 401}
    assert "unable to verify the first certificate" in answers[0].body.decode()
    [fault] = answers[2].json["errors"]
    assert "is not signed by the key of that CA" in fault["detail"]
    with tls.feed(started.port, pki.context(forged, twin, rogue)) as feed:
        with pytest.raises(ConnectionClosed) as closed:
            feed.recv(TIMEOUT_SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == LOG_IN_AGAIN


def test_a_certificate_without_a_key_gets_401_with_both_names(started: Certified) -> None:
    response = started.post(started.ca.issue("unknown", "/O=Firm/CN=unknown"))
    assert response.status == 401
    assert "the certificate of CN=unknown,O=Firm, issued by CN=Firm Root,O=Firm:" in response.body.decode()

    def is_recorded() -> bool:
        refused = audited(started.stack.home, "credentials-refused")
        return "CN=unknown,O=Firm" in {record["details"].get("certificate") for record in refused}

    wait_until(is_recorded, "the audit trail has it")


def test_a_key_that_is_revoked_refuses_an_open_connection_within_five_seconds(started: Certified) -> None:
    files = started.ca.issue("leaver")
    started.add("leaver", files)
    with closing(pki.connection(started.port, files)) as opened:
        assert tls.ask(opened, "/api/message", "POST", body=example()).status == 201
        sock = opened.sock
        assert started.stack.deploy("key", "revoke", "leaver").returncode == 0
        time.sleep(5)  # the promise is about this time
        assert tls.ask(opened, "/api/message", "POST", body=example()).status == 401
        assert opened.sock is sock
    started.add("leaver", files)
    assert started.post(files).status == 201


def test_a_certificate_that_expires_ends_on_an_open_connection(started: Certified) -> None:
    files = started.ca.issue("brief", end=timedelta(seconds=25))
    started.add("brief", files)
    with closing(pki.connection(started.port, files)) as opened:
        assert tls.ask(opened, "/api/message", "POST", body=example()).status == 201
        answer = wait_until(lambda: expired(opened), "it is refused", pause_seconds=0.5)
    assert "has expired" in answer


def expired(opened: object) -> str:
    response = tls.ask(opened, "/api/message", "POST", body=example())  # type: ignore[arg-type]
    return response.body.decode() if response.status == 401 else ""


# ---- names and headers

ODD = {
    "a line break": ("/CN=odd\nX-Client-Certificate: 1", r"CN=odd\0AX-Client-Certificate: 1"),
    "letters that are not ASCII": ("/CN=Zoë 東京", r"CN=Zo\C3\AB \E6\9D\B1\E4\BA\AC"),
    "commas and quotes": (r"/O=a\/b, c/CN=x\\y\"z", r"CN=x\\y\"z,O=a/b\, c"),
    "several values in a part": ("/CN=multi+OU=desk/O=Firm", "O=Firm,CN=multi+OU=desk"),
    "a tab": ("/CN=tab\there", r"CN=tab\09here"),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_names_are_one_principal_and_inject_no_header(started: Certified, kind: str) -> None:
    subject, written = ODD[kind]
    files = started.ca.issue(kind, subject)
    started.add(f"odd-{list(ODD).index(kind)}", files)
    assert written in started.stack.deploy("key", "list").stdout
    assert started.post(files).status == 201


def forged(text: str) -> dict[str, str]:
    return {HEADER: text, HEADER.replace("-", "_"): text, HEADER.lower(): text}


def test_forged_headers_are_replaced_on_every_route_of_both_listeners(started: Certified) -> None:
    victim, other = started.ca.issue("victim", "/O=Firm/CN=victim"), started.ca.issue("other")
    started.add("victim", victim, "producer,viewer,exporter,operator,monitor,admin")
    text = f"CN=Firm Root,O=Firm\tCN=victim,O=Firm\t{escaped(victim)}"  # the certificate itself is no secret
    for (method, path), roles in ROUTES.items():
        if not roles:
            continue
        target = path.format(message_id="x", tube="live", dead_letter_id="1")
        body = example() if method == "POST" else None
        with closing(pki.connection(started.port, other)) as opened:
            assert tls.ask(opened, target, method, body=body, **forged(text)).status == 401, path
        assert tls.get(started.stack.port, target, method, body=body, **forged(text)).status == 401, path
        time.sleep(0.1)  # nginx admits 20 questions a second
    for port, context in ((started.port, pki.context(other)), (started.stack.port, tls.context())):
        with tls.feed(port, context, additional_headers={HEADER: text}) as feed:
            with pytest.raises(ConnectionClosed) as closed:
                feed.recv(TIMEOUT_SECONDS)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == LOG_IN_AGAIN


# ---- TLS


def client(port: int, files: Files, *options: str) -> str:
    """Give the output of openssl s_client."""
    own = ["-cert", str(files.certificate), "-key", str(files.key)]
    command = [require_program("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", *own, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def test_the_client_listener_alone_asks_for_a_certificate(started: Certified) -> None:
    files = started.ca.issue("asked")
    assert "CertificateRequest" in client(started.port, files, "-msg")
    assert "CertificateRequest" not in client(started.stack.port, files, "-msg")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_resumed_on_the_client_listener(started: Certified, version: ssl.TLSVersion) -> None:
    context = pki.context(started.ca.issue(f"resumed-{version}"))
    context.minimum_version = context.maximum_version = version
    assert [is_resumed(port, context) for port in (started.port, started.stack.port)] == [False, True]


def is_resumed(port: int, context: ssl.SSLContext) -> bool:
    """Ask twice, and return whether the second connection has resumed the first one's session."""
    session, is_reused = None, None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, session=session) as sock,
        ):
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while sock.recv(65536):
                pass
            session, is_reused = sock.session, sock.session_reused
    return bool(is_reused)


def test_the_client_listener_speaks_no_tls_below_1_2_and_no_plain_http(started: Certified) -> None:
    assert "alert protocol version" in client(
        started.port, started.ca.issue("eleven"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"
    )
    assert support.get(started.port, "/api/message", method="POST", body=b"{}").status == 403
