"""The settings of the OpenID Connect provider at which people log in: `TRADEWIRE_OIDC_…`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tradewire.access.issuer import issuer_url, visible
from tradewire.setting import BadUrl
from tradewire.setting_checks import file, is_loopback

if TYPE_CHECKING:
    from tradewire.consumer import Take

_SCOPES_MAX: Final = 20


@dataclass(frozen=True)
class Provider:
    """A provider, and how this stack is known there. It is false without a URL."""

    url: str = ""
    """The claim `iss` of its tokens, to the letter. Its metadata is found below it."""
    client_id: str = ""
    """The name of this stack at the provider."""
    secret_file: str = ""
    """The file with the client's secret. Empty: this stack is a public client, which PKCE alone protects."""
    groups_claim: str = "groups"
    """The claim that has the groups. Dots lead into objects."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What this stack asks for."""

    @classmethod
    def read(cls, take: Take) -> Provider:
        """Read the settings."""
        return cls(
            url=take("OIDC_ISSUER", cls.url, issuer_url),
            client_id=take("OIDC_CLIENT_ID", cls.client_id, visible),
            secret_file=take("OIDC_CLIENT_SECRET_FILE", cls.secret_file, _secret_file),
            groups_claim=take("OIDC_GROUPS_CLAIM", cls.groups_claim, visible),
            scopes=take("OIDC_SCOPES", cls.scopes, _scopes),
        )

    def __bool__(self) -> bool:
        return bool(self.url)

    @property
    def host(self) -> str:
        """The provider's host, as the page names it to people."""
        return urlsplit(self.url).netloc

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting, by the variable's name without `TRADEWIRE_`."""
        return {
            "OIDC_ISSUER": self.url,
            "OIDC_CLIENT_ID": self.client_id,
            "OIDC_CLIENT_SECRET_FILE": self.secret_file,
            "OIDC_GROUPS_CLAIM": self.groups_claim,
            "OIDC_SCOPES": " ".join(self.scopes),
        }

    def faults(self, public_url: str) -> list[str]:
        """Return the faults of the settings together. `public_url` is where the provider sends browsers back."""
        host = urlsplit(public_url).hostname or ""
        if self and public_url.startswith("http:") and not is_loopback(host):
            return ["TRADEWIRE_PUBLIC_URL must begin with https: with TRADEWIRE_ACCESS=oidc, http is for loopback"]
        return []


def _secret_file(text: str) -> str:
    """Return the path. The text is never shown: it may be the secret itself, by mistake."""
    try:
        return file(text)
    except ValueError as error:
        raise BadUrl(str(error)) from error


def _scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(re.split(r"[ ,]+", text)))
    if (
        "openid" not in scopes
        or len(scopes) > _SCOPES_MAX
        or not all(re.fullmatch(r"[!#-\[\]-~]{1,255}", each) for each in scopes)
    ):
        raise ValueError("expected scopes with spaces between them, openid among them, such as openid profile groups")
    return scopes


NO_PROVIDER: Final = Provider()
