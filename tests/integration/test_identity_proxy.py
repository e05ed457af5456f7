"""A whole stack behind an nginx that logs people in: it believes that proxy, over IPv4 and IPv6, and nobody else."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from api.http.auth import ROUTES
from tests import identity_proxy
from tests.identity_proxy import FAMILIES, IdentityProxy, ask, basic, block, proxied_stack
from tests.support import TIMEOUT_SECONDS, audited, example, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

    from tests.stack import Stack

STRANGER: Final = "127.0.0.9"
LOG_IN_AGAIN: Final = 4401
SERVICE_RESTART: Final = 1012
FORGED: Final = {
    "X-Forwarded-User": "alice",
    "X-Forwarded-Groups": "traders,support",
    "X-Tradewire-User": "alice",
    "X-Tradewire-Groups": "traders,support",
    "Remote-User": "alice",
    "X_Forwarded_User": "alice",
    "X_Tradewire_User": "alice",
    "X-Forwarded-For": "127.0.0.1",
}


class Scene(NamedTuple):
    """A stack, and the proxy in front of it."""

    stack: Stack
    proxy: IdentityProxy

    def status(self, source: str, method: str, path: str, *headers: tuple[str, str]) -> int:
        """Send a request past the proxy, from an address of this machine, with each of the headers."""
        target = "::1" if ":" in source else "127.0.0.1"
        connection = HTTPConnection(target, self.stack.port, timeout=TIMEOUT_SECONDS, source_address=(source, 0))
        with closing(connection):
            connection.putrequest(method, path)
            body = example() if method == "POST" else b""
            for name, value in (*headers, ("Content-Length", str(len(body))), ("Origin", self.origin)):
                connection.putheader(name, value)
            connection.endheaders(body)
            return connection.getresponse().status

    @property
    def origin(self) -> str:
        """The origin of the page behind the proxy."""
        return f"http://localhost:{self.proxy.port}"

    @contextmanager
    def feed(self, user: str, family: str = "127.0.0.1", query: str = "") -> Iterator[ClientConnection]:
        """Open the feed through the proxy."""
        with connect(
            f"ws://localhost:{self.proxy.port}/ws{query}",
            sock=socket.create_connection((family, self.proxy.port), TIMEOUT_SECONDS),
            additional_headers=basic(user),
            origin=Origin(self.origin),
            proxy=None,
        ) as feed:
            yield feed


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Give a stack behind the proxy that the tests share."""
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    with proxied_stack(folder, RECHECK_SECONDS="5") as (started, proxy):
        yield Scene(started, proxy)
    shutil.rmtree(folder, ignore_errors=True)


def close_code(feed: ClientConnection) -> int:
    """Read a feed to its end. Return the code with which the server closes it."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            feed.recv(TIMEOUT_SECONDS)
    return closed.value.rcvd.code if closed.value.rcvd else 1006


@pytest.mark.parametrize("family", FAMILIES)
def test_a_person_reads_and_follows_the_feed_through_the_proxy(scene: Scene, family: str) -> None:
    who = scene.proxy.ask("alice", "/api/session", family=family)
    assert who.json == {"name": "proxy:alice", "roles": ["exporter", "viewer"]}
    assert scene.proxy.ask("alice", "/api/messages?format=csv", family=family).status == 200
    assert scene.proxy.ask("alice", "/api/dead-letters", family=family).status == 403
    with scene.feed("alice", family) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_person_in_no_group_with_a_role_is_refused_by_name(scene: Scene, family: str) -> None:
    refused = scene.proxy.ask("mallory", "/api/session", family=family)
    assert refused.status == 403
    assert refused.json["errors"][0]["detail"].startswith("proxy:mallory is in no group that has a role")
    with scene.feed("mallory", family) as feed:
        assert close_code(feed) == LOG_IN_AGAIN


def test_without_a_login_the_proxy_lets_nothing_through(scene: Scene) -> None:
    for user in ("", "nobody"):
        assert scene.proxy.ask(user, "/api/messages").status == 401
    assert ask("127.0.0.1", scene.proxy.port, "/api/messages", **FORGED).status == 401


def test_what_a_client_sends_through_the_proxy_is_replaced(scene: Scene) -> None:
    headers = FORGED | {"X-Forwarded-User": "bob"} | basic("alice")
    who = ask("127.0.0.1", scene.proxy.port, "/api/session", **headers)
    assert who.json == {"name": "proxy:alice", "roles": ["exporter", "viewer"]}
    refused = ask("127.0.0.1", scene.proxy.port, "/api/message", "POST", example(), **FORGED | {"Origin": scene.origin})
    assert refused.status == 401


@pytest.mark.parametrize(("method", "path"), sorted(route for route, roles in ROUTES.items() if roles))
def test_no_header_of_a_stranger_names_a_person_on_any_route(scene: Scene, method: str, path: str) -> None:
    target = path.format(message_id="x", tube="live", dead_letter_id="1")
    assert scene.status(STRANGER, method, target, *FORGED.items()) == 401
    assert scene.status(STRANGER, method, target, *FORGED.items(), *FORGED.items()) == 401


@pytest.mark.parametrize("source", FAMILIES)
@pytest.mark.parametrize(("method", "path"), sorted(route for route, roles in ROUTES.items() if roles))
def test_a_trusted_proxy_that_names_nobody_opens_nothing(scene: Scene, source: str, method: str, path: str) -> None:
    target = path.format(message_id="x", tube="live", dead_letter_id="1")
    own = {name: value for name, value in FORGED.items() if name != "X-Forwarded-User"}
    assert scene.status(source, method, target, *own.items()) == 401
    groups_alone = ("X-Forwarded-Groups", "traders,support")
    assert scene.status(source, method, target, groups_alone, ("X-Forwarded-User", "")) == 401


@pytest.mark.parametrize("source", FAMILIES)
@pytest.mark.parametrize("repeated", ["X-Forwarded-User", "X-Forwarded-Groups"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/stats"), ("POST", "/api/message")])
def test_a_repeated_header_of_a_trusted_proxy_opens_nothing(
    scene: Scene, source: str, repeated: str, method: str, path: str
) -> None:
    said = (("X-Forwarded-User", "bob"), ("X-Forwarded-Groups", "traders,support"))
    assert scene.status(source, method, path, *said) in {200, 201}
    assert scene.status(source, method, path, *said, (repeated, "traders")) == 401
    assert scene.status(source, method, path, (repeated, ""), *said) == 401


def test_no_stranger_opens_the_feed(scene: Scene) -> None:
    url = f"ws://127.0.0.1:{scene.stack.port}/ws"
    for source, headers, code in (
        (STRANGER, FORGED, LOG_IN_AGAIN),
        ("127.0.0.1", {"X-Tradewire-User": "alice", "X-Tradewire-Groups": "traders"}, LOG_IN_AGAIN),
    ):
        with connect(url, additional_headers=headers, proxy=None, source_address=(source, 0)) as feed:
            assert close_code(feed) == code


def test_programs_go_on_using_keys(scene: Scene) -> None:
    done = scene.stack.deploy("key", "add", "feed", "--role", "producer")
    token = done.stdout.split("tw_")[1].split()[0]
    for port in (scene.stack.port, scene.proxy.port):  # past the proxy, and through its location without a login
        answer = ask("127.0.0.1", port, "/api/message", "POST", example(), X_API_Key=f"tw_{token}", Host="localhost")
        assert answer.status == 201


def test_a_person_posts_and_exports_from_the_own_page_alone(scene: Scene) -> None:
    port, bob = scene.proxy.port, basic("bob") | {"Host": f"localhost:{scene.proxy.port}"}
    assert ask("127.0.0.1", port, "/api/messages", "POST", example(), **bob, Origin=scene.origin).status == 201
    assert ask("127.0.0.1", port, "/api/messages", "POST", example(), **bob).status == 403
    assert ask("127.0.0.1", port, "/api/messages", "POST", example(), **bob, Origin="http://evil.example").status == 403
    export = "/api/messages?format=csv"
    assert ask("127.0.0.1", port, export, **bob, Sec_Fetch_Site="cross-site").status == 403
    assert ask("127.0.0.1", port, export, **bob, Sec_Fetch_Site="same-origin").status == 200


def test_the_trail_and_the_log_name_a_person(scene: Scene) -> None:
    assert scene.proxy.ask("alice", "/api/messages?format=csv").status == 200
    exports = {record["actor"] for record in audited(scene.stack.home, "messages-exported")}
    assert "proxy:alice" in exports <= {"proxy:alice", "proxy:bob"}
    [newest, *_] = scene.proxy.ask("bob", "/api/audit?actor=proxy:alice").json["records"]
    assert newest["action"] == "messages-exported"
    assert scene.proxy.ask("mallory", "/api/stats").status == 403
    log = scene.stack.home / "log/nginx.log"
    wait_until(lambda: 'principal: "proxy%3Amallory"' in log.read_text(), "nginx has logged it")


def test_a_feed_is_closed_in_time_and_the_next_handshake_checks_anew_and_resumes(scene: Scene) -> None:
    with scene.feed("alice") as feed:
        hello = str(feed.recv(TIMEOUT_SECONDS))
        epoch = hello.partition('"epoch":"')[2].partition('"')[0]
        offset = hello.partition('"offset":')[2].partition(",")[0]
        assert close_code(feed) == SERVICE_RESTART
    with scene.feed("alice", query=f"?epoch={epoch}&offset={offset}") as feed:
        assert '"resumed":true' in str(feed.recv(TIMEOUT_SECONDS))
        scene.proxy.log_in("bob")
        try:
            assert close_code(feed) == SERVICE_RESTART
            with pytest.raises(Exception, match="401"), scene.feed("alice"):
                pass
        finally:
            scene.proxy.log_in(*identity_proxy.USERS)


def test_the_programs_sockets_name_nobody_either(scene: Scene) -> None:
    ready = scene.status("127.0.0.1", "GET", "/readyz")
    assert ready == 200
    answer = ask("127.0.0.1", scene.stack.port, "/readyz", Host="localhost")
    assert set(answer.json) == {"status"}


# ---- The other examples of the docs, with an nginx in the place of oauth2-proxy and Authelia.

STANDS_IN: Final = """
server {
    listen 127.0.0.1:PORT;
    location ~ ^/(oauth2/auth|api/authz/auth-request)$ {
        if ($cookie_login = "") { return 401; }
        add_header HEADER $cookie_login;
        add_header GROUPS traders;
        return 204;
    }
    location /oauth2/ { return 200 "log in here"; }
}
"""


@pytest.mark.parametrize(
    ("heading", "replaced", "named", "settings"),
    [
        ("### nginx with oauth2-proxy", "127.0.0.1:4180", "X-Auth-Request", {}),
        (
            "### nginx with Authelia",
            "127.0.0.1:9091",
            "Remote",
            {"PROXY_USER_HEADER": "Remote-User", "PROXY_GROUPS_HEADER": "Remote-Groups"},
        ),
    ],
)
def test_nginx_asks_another_program_who_a_person_is(
    heading: str, replaced: str, named: str, settings: dict[str, str]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    other, front = free_port(), free_port()
    with proxied_stack(folder, **settings) as (started, _):
        locations = block(heading).replace(replaced, f"127.0.0.1:{other}")
        maps, _, _ = block("### nginx with passwords").partition("server {")
        server = f"server {{ listen 443 ssl http2; {locations} }}"
        text = maps + identity_proxy.without_tls(server, started.port, front, "127.0.0.1")
        text += (
            STANDS_IN.replace("PORT", str(other))
            .replace("HEADER", f"{named}-User")
            .replace("GROUPS", f"{named}-Groups")
        )
        (folder / "second").mkdir()
        with identity_proxy.run_nginx(folder / "second", text):
            wait_until(lambda: is_up(front), "the second proxy answers")
            forged = FORGED | {f"{named}-User": "bob", "Host": "localhost"}
            who = ask("127.0.0.1", front, "/api/session", **forged, Cookie="login=carol")
            assert who.json == {"name": "proxy:carol", "roles": ["exporter", "viewer"]}
            assert ask("127.0.0.1", front, "/api/session", **forged).status == 401
            assert ask("127.0.0.1", front, "/", **forged, Sec_Fetch_Mode="navigate").status == 302
    shutil.rmtree(folder, ignore_errors=True)


def is_up(port: int) -> bool:
    """Return whether a proxy answers."""
    try:
        return ask("127.0.0.1", port, "/").status > 0
    except OSError:
        return False
