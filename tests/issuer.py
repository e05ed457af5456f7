"""A small issuer of JSON Web Tokens: a real HTTP server on loopback, with keys of its own. Its tokens are signed."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

AUDIENCE = "https://trades.example"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"


def encoded(part: bytes | dict[str, Any]) -> str:
    """Encode a part of a token: base64url without padding."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Signer:
    """A private key with an id.

    Args:
        kid: The id.
        algorithm: The algorithm with which it signs.
        bits: The size of an RSA key.
    """

    def __init__(self, kid: str, algorithm: str = "RS256", bits: int = 2048) -> None:
        self.kid, self.algorithm = kid, algorithm
        self.private: Any
        if algorithm.startswith(("RS", "PS")):
            self.private = rsa.generate_private_key(65537, bits)
        elif algorithm.startswith("ES"):
            self.private = ec.generate_private_key(ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1())
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()

    def jwk(self, **members: Any) -> dict[str, Any]:
        """Give the public key as a JSON Web Key."""
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", **members}

    def sign(self, claims: dict[str, Any] | bytes, **header: Any) -> str:
        """Sign claims. A header parameter that is None is left out."""
        named = {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"} | header
        first = encoded({name: value for name, value in named.items() if value is not None})
        signed = f"{first}.{encoded(claims)}"
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return f"{signed}.{encoded(algorithm.sign(signed.encode(), self.private))}"


class Issuer:
    """The server, and what it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.signer = Signer("first")
        self.answers: dict[str, tuple[int, Any, dict[str, str]]] = {}
        """Status, content and headers by path."""
        self.asked: list[str] = []
        """The paths of all requests."""
        self.sent: list[dict[str, str]] = []
        """The forms that were posted."""
        self.credentials: list[tuple[str, ...]] = []
        """Name and password that came with each form, if it had some."""
        self.slow: dict[str, threading.Event] = {}
        """Paths at which the status line has no end, until the event."""
        self.slow_bodies: dict[str, threading.Event] = {}
        """Paths at which the body has no end, until the event."""
        self.publish(self.signer)

    def publish(self, *signers: Signer, **metadata: Any) -> None:
        """Publish the public keys of these signers, and no others."""
        named = {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}"} | metadata
        self.answers[DISCOVERY] = (200, named, {})
        self.answers[KEYS] = (200, {"keys": [signer.jwk() for signer in signers]}, {})

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Give the claims of a valid access token, with changes. A claim that is None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "feeder",
            "client_id": "feeder",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": str(time.monotonic_ns()),
            "roles": ["producer"],
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, *roles: str, **changes: Any) -> str:
        """Give an access token with these roles."""
        return self.signer.sign(self.claims(**({"roles": list(roles)} if roles else {}) | changes))


@contextmanager
def issuer(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Issuer]:
    """Run an issuer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            running.sent.append(dict(parse_qsl(form, strict_parsing=True)))
            _, _, basic = self.headers.get("Authorization", "").partition(" ")
            running.credentials.append(tuple(base64.b64decode(basic).decode().split(":")))
            self.do_GET()

        def do_GET(self) -> None:
            running.asked.append(self.path)
            self.drip(running.slow.get(self.path), b"H")
            status, content, headers = running.answers.get(self.path, (404, {}, {}))
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.drip(running.slow_bodies.get(self.path), b" ")
            with suppress(OSError):
                self.wfile.write(body)

        def drip(self, ended: threading.Event | None, piece: bytes) -> None:
            """Send a piece again and again, until the event."""
            while ended and not ended.wait(0.1):
                with suppress(OSError):
                    self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        running = Issuer(f"{'https' if tls else 'http'}://localhost:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
