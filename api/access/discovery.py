"""Keeps the provider's metadata and keys up to date, in a thread of its own: they are known before anyone logs in."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from api.http import issuer_client, outgoing
from tradewire import repeated
from tradewire.access import jwks, signed_token
from tradewire.access.issuer_keys import COOL_DOWN_SECONDS
from tradewire.backoff import Backoff
from tradewire.errors import BadToken, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.stdlib import BoundLogger

    from tradewire.access.jwks import Keys
    from tradewire.access.provider import Provider

REFRESH_SECONDS: Final = 60.0
"""The age at which all is fetched again: so long is a withdrawn key good, and a provider away without being noticed."""
_RETRY_SECONDS: Final = 5.0
_RETRY_SECONDS_MAX: Final = 60.0
_AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post")
"""How this stack may send the client's secret. The first of them that the provider takes counts."""


class Metadata(NamedTuple):
    """What the provider says about itself. Optional addresses are empty if it has none."""

    authorization: str
    """The address to which people are sent to log in."""
    token: str
    user_info: str
    end_session: str
    """The address to which people are sent to log out."""
    auth_method: str
    """How this stack proves at the address `token` that it is the client."""
    names_itself: bool
    """Whether it puts `iss` into each answer (RFC 9207)."""


class Discovery:
    """The provider's metadata and keys. Threads may share it.

    Args:
        provider: The provider.
        log: Gets a line when they can't be fetched, and when they can again.
    """

    def __init__(self, provider: Provider, log: BoundLogger) -> None:
        self._provider = provider
        self._log = log
        self._lock = threading.Lock()
        self._known: tuple[Metadata, Keys] | None = None
        self._fetched_at = float("-inf")
        """When the last attempt began, on the monotonic clock."""
        self.fault = "it has not been asked yet"
        """Why there is nothing newer. Empty after an attempt that succeeded."""

    def start(self) -> None:
        """Start fetching, now and from then on."""
        backoff = Backoff(_RETRY_SECONDS, _RETRY_SECONDS_MAX)
        repeated.start(self, "discovery", REFRESH_SECONDS, backoff, self._log)

    def metadata(self) -> Metadata:
        """Return the metadata. Raises Unavailable if none was fetched yet."""
        return self._latest()[0]

    def key_of(self, header: Mapping[str, Any]) -> Any:
        """Return the key that the header of a token names. An unknown key is fetched, after a cool-down.

        Raises:
            BadToken: There is no such key.
            Unavailable: The keys can't be fetched.
        """
        found = signed_token.find_key(self._latest()[1], header)
        if found is None and time.monotonic() > self._fetched_at + COOL_DOWN_SECONDS:
            self.step()
            found = signed_token.find_key(self._latest()[1], header)
        if found is None:
            raise BadToken("The provider has no such key as the token names.")
        return found

    def step(self) -> None:
        """Fetch all now. What is known stays known if that is impossible, and `fault` says why."""
        with self._lock:
            self._fetched_at = time.monotonic()
            try:
                document = issuer_client.fetch_metadata(self._provider.url)
                metadata = read(document, self._provider)
                self._known = metadata, jwks.bound(issuer_client.fetch_keys(self._provider.url, document))
                fault = ""
            except Unavailable as error:
                fault = str(error)
            self._log_change(fault)
            self.fault = fault

    def _latest(self) -> tuple[Metadata, Keys]:
        if self._known is None:
            raise Unavailable(f"the metadata of {self._provider.url} is not known yet: {self.fault}")
        return self._known

    def _log_change(self, fault: str) -> None:
        if fault and fault != self.fault:
            self._log.error("the provider can't be asked", provider=self._provider.url, reason=fault)
        elif self.fault and not fault:
            self._log.info("the provider answers", provider=self._provider.url)


def read(document: Mapping[str, Any], provider: Provider) -> Metadata:
    """Return what counts of the provider's metadata.

    Raises:
        Unavailable: An address is missing, or is not safe; or the provider does not support what this stack needs.
    """

    def address(name: str, *, is_needed: bool = True) -> str:
        found = document.get(name)
        if found is None and not is_needed:
            return ""
        if not outgoing.is_safe(found, provider.url):
            raise Unavailable(f"the metadata of {provider.url} names no https address as {name}")
        return str(found)

    # Entra ID supports it, and does not say so.
    if "S256" not in _listed(document, "code_challenge_methods_supported", ["S256"]):
        raise Unavailable(f"{provider.url} does not support PKCE with S256")
    taken = _listed(document, "token_endpoint_auth_methods_supported", ["client_secret_basic"])
    usable = [method for method in _AUTH_METHODS if method in taken] if provider.secret_file else ["none"]
    if not usable:
        raise Unavailable(f"{provider.url} takes the client's secret by none of {', '.join(_AUTH_METHODS)}")
    return Metadata(
        authorization=address("authorization_endpoint"),
        token=address("token_endpoint"),
        user_info=address("userinfo_endpoint", is_needed=False),
        end_session=address("end_session_endpoint", is_needed=False),
        auth_method=usable[0],
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _listed(document: Mapping[str, Any], name: str, default: list[str]) -> list[Any]:
    found = document.get(name, default)
    return found if isinstance(found, list) else []
