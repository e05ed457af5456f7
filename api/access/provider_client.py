"""The requests to the provider: tokens for a code, tokens for a refresh token, and a person's claims.

Authlib knows the protocol. Each answer is bounded in size and time, as `api.http.outgoing` says.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import ClientAuth, OAuth2Client, OAuth2Error
from authlib.oauth2.auth import encode_client_secret_basic

from api.http import outgoing
from tradewire.errors import TradewireError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.access.discovery import Discovery, Metadata
    from tradewire.access.provider import Provider

_HINT_CHARS_MAX: Final = 2000
"""Of an ID token in the address to log out: nginx and browsers take 4 KiB."""
_SECRET_BYTES_MAX: Final = 4096
_TOKEN_CHARS_MAX: Final = 64 * 1024
_OUR_FAULTS: Final = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"})
"""Errors that this stack's settings cause, and no person."""


class RefusedError(TradewireError):
    """The provider refuses a code, a refresh token or an access token. The text is its error."""


class Tokens(NamedTuple):
    """What the provider gives for a code, or for a refresh token. A missing token is empty."""

    access: str
    refresh: str
    id: str


class ProviderClient:
    """Asks the provider. Threads may share it.

    Args:
        provider: The provider.
        redirect_uri: The address of this stack to which it sends browsers back.
        discovery: The provider's metadata.
    """

    def __init__(self, provider: Provider, redirect_uri: str, discovery: Discovery) -> None:
        self._provider = provider
        self._redirect_uri = redirect_uri
        self._discovery = discovery

    def login_address(self, state: str, nonce: str, verifier: str) -> str:
        """Return the address at which a person logs in. Raises Unavailable."""
        metadata = self._discovery.metadata()
        address, _ = self._authlib(metadata).create_authorization_url(
            metadata.authorization, state=state, code_verifier=verifier, nonce=nonce
        )
        return str(address)

    def logout_address(self, id_token: str, back: str) -> str:
        """Return the address at which a person logs out; empty if the provider has none.

        Args:
            id_token: Tells the provider who logs out. It may be empty.
            back: The address to which the provider sends the browser back.
        """
        try:
            address = self._discovery.metadata().end_session
        except Unavailable:
            return ""
        hint = [("id_token_hint", id_token)] if id_token else []
        sent = [*hint, ("client_id", self._provider.client_id), ("post_logout_redirect_uri", back)]
        return str(add_params_to_uri(address, sent)) if address else ""

    def exchange(self, code: str, verifier: str) -> Tokens:
        """Return the tokens for a code. Raises RefusedError and Unavailable."""
        return self._ask({"grant_type": "authorization_code", "code": code, "code_verifier": verifier})

    def refresh(self, token: str) -> Tokens:
        """Return new tokens for a refresh token. Raises RefusedError and Unavailable."""
        tokens = self._ask({"grant_type": "refresh_token", "refresh_token": token})
        return tokens._replace(refresh=tokens.refresh or token)

    def claims(self, access_token: str, sub: str) -> Mapping[str, Any] | None:
        """Return a person's claims; None if the provider has no address for that.

        Args:
            access_token: The person's.
            sub: The person's id at the provider.

        Raises:
            RefusedError: The token is not valid any more, or is that of another person.
            Unavailable: There is no usable answer.
        """
        address = self._discovery.metadata().user_info
        if not address or not access_token:
            return None
        answer = outgoing.send("GET", address, {"Authorization": f"Bearer {access_token}"})
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise RefusedError(f"{address} answers {answer.status}")
        claims = answer.ok_json()
        if not isinstance(claims, dict):
            raise Unavailable(f"{address} answers with no claims")
        if claims.get("sub") != sub:
            raise RefusedError(f"{address} answers with the claims of another person")
        return claims

    def _ask(self, grant: dict[str, str]) -> Tokens:
        metadata = self._discovery.metadata()
        client = self._authlib(metadata)
        try:
            if grant["grant_type"] == "refresh_token":
                answer = client.refresh_token(metadata.token, refresh_token=grant["refresh_token"], scope=None)
            else:
                answer = client.fetch_token(metadata.token, **grant)
        except OAuth2Error as error:
            code = f"{error.error!s:.100}"
            if code in _OUR_FAULTS:
                raise Unavailable(f"{metadata.token} refuses this stack as a client: {code}") from error
            raise RefusedError(f"{metadata.token} answers {code}") from error
        except ValueError as error:
            raise Unavailable(f"{metadata.token}: {error}") from error
        tokens = Tokens(
            *(_text(answer, name, metadata.token) for name in ("access_token", "refresh_token", "id_token"))
        )
        if not tokens.access:  # nothing else confirms the person
            raise Unavailable(f"{metadata.token} answers without an access_token")
        return tokens

    def _authlib(self, metadata: Metadata) -> OAuth2Client:
        client = OAuth2Client(
            _Transport(),
            client_id=self._provider.client_id,
            client_secret=self._secret(),
            token_endpoint_auth_method=metadata.auth_method,
            scope=" ".join(self._provider.scopes),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        client.register_client_auth_method(("client_secret_basic", _encoded_basic))
        return client

    def _secret(self) -> str:
        """Return the client's secret, as its file holds it now. Raises Unavailable."""
        if not self._provider.secret_file:
            return ""
        path = Path(self._provider.secret_file)
        try:
            secret = path.read_bytes()[:_SECRET_BYTES_MAX].decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", "") or "it is no text"
            raise Unavailable(f"TRADEWIRE_OIDC_CLIENT_SECRET_FILE can't be read: {reason}") from error
        if not secret:
            raise Unavailable("TRADEWIRE_OIDC_CLIENT_SECRET_FILE is empty")
        return secret


def hint_of(id_token: str) -> str:
    """Return an ID token as the hint who logs out; empty if it is too long for an address."""
    return id_token if len(id_token) <= _HINT_CHARS_MAX else ""


class _Transport:
    """Sends Authlib's requests. Only the token endpoint is asked this way."""

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: ClientAuth) -> _Response:
        address, all_headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Response(outgoing.send("POST", address, all_headers, body.encode()))


class _Response:
    """An answer, as Authlib reads it."""

    def __init__(self, answer: outgoing.Answer) -> None:
        self._answer = answer
        self.status_code = answer.status

    def raise_for_status(self) -> None:
        if self.status_code != HTTPStatus.OK:
            raise Unavailable(f"{self._answer.address} answers {self.status_code}")

    def json(self) -> Any:
        try:
            document = self._answer.json()
        except Unavailable as error:
            raise ValueError(str(error)) from error
        if not (isinstance(document, dict) and "error" in document):
            self.raise_for_status()
        return document


def _encoded_basic(client: ClientAuth, method: str, uri: str, headers: dict[str, str], body: str) -> Any:
    """Send id and secret in `Authorization`, each encoded as RFC 6749 asks for. Authlib itself does not encode them."""
    encoded = ClientAuth(quote(client.client_id, safe=""), quote(client.client_secret, safe=""))
    return encode_client_secret_basic(encoded, method, uri, headers, body)


def _text(answer: Mapping[str, Any], name: str, address: str) -> str:
    text = answer.get(name, "")
    if not isinstance(text, str) or len(text) > _TOKEN_CHARS_MAX or not text.isascii():
        raise Unavailable(f"{address} answers with a bad {name}")
    return text
