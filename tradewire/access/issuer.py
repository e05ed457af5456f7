"""The settings of the issuer whose JWTs requests may have: `TRADEWIRE_JWT_…`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewire.setting_checks import file, is_loopback

if TYPE_CHECKING:
    from tradewire.consumer import Take

_EXPECTED_URL: Final = "expected https://HOST or https://HOST/PATH, without a user and a query; http is for loopback"


@dataclass(frozen=True)
class Issuer:
    """An issuer of JWTs, and which of their claims count. It is false without a URL."""

    url: str = ""
    """The claim `iss` of its tokens, to the letter. Its keys are found below it. Empty: there is no issuer."""
    audience: str = ""
    """The audience that tokens must name in `aud`."""
    jwks_file: str = ""
    """The file with the issuer's keys. Empty: they are fetched."""
    roles_claim: str = "roles"
    """The claim that has the roles. Dots lead into objects."""
    name_claim: str = "sub"
    """The claim that has the principal's name. Dots lead into objects."""

    @classmethod
    def read(cls, take: Take) -> Issuer:
        """Read the settings."""
        return cls(
            url=take("JWT_ISSUER", cls.url, issuer_url),
            audience=take("JWT_AUDIENCE", cls.audience, visible),
            jwks_file=take("JWT_JWKS_FILE", cls.jwks_file, file),
            roles_claim=take("JWT_ROLES_CLAIM", cls.roles_claim, visible),
            name_claim=take("JWT_NAME_CLAIM", cls.name_claim, visible),
        )

    def __bool__(self) -> bool:
        return bool(self.url)

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting, by the variable's name without `TRADEWIRE_`."""
        return {
            "JWT_ISSUER": self.url,
            "JWT_AUDIENCE": self.audience,
            "JWT_JWKS_FILE": self.jwks_file,
            "JWT_ROLES_CLAIM": self.roles_claim,
            "JWT_NAME_CLAIM": self.name_claim,
        }

    def faults(self, access: str) -> list[str]:
        """Return the faults of the settings together. `access` is the mode of access."""
        if not self:
            changed = self.variables().items() - NO_ISSUER.variables().items()
            return [f"TRADEWIRE_{name} needs TRADEWIRE_JWT_ISSUER" for name, _ in sorted(changed)]
        faults = [] if self.audience else ["TRADEWIRE_JWT_AUDIENCE must be set: TRADEWIRE_JWT_ISSUER is"]
        if access == "open":
            faults.append(
                "TRADEWIRE_JWT_ISSUER needs another TRADEWIRE_ACCESS than open, with which no token is looked at"
            )
        return faults


def issuer_url(text: str) -> str:
    """Return the URL of an issuer unchanged. Off loopback it must be https."""
    match = re.fullmatch(r"(https?)://(\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(\d{1,5}))?(/[\w./~%:@-]*)?", text, re.ASCII)
    if (
        not match
        or not 0 < int(match[3] or 1) < 2**16
        or (match[1] == "http" and not is_loopback(match[2].strip("[]")))
    ):
        raise ValueError(_EXPECTED_URL)
    return text


def visible(text: str) -> str:
    """Return a text of visible ASCII characters, such as the name of a claim, unchanged."""
    if not re.fullmatch(r"[!-~]{1,255}", text):
        raise ValueError("expected 1 to 255 visible ASCII characters")
    return text


NO_ISSUER: Final = Issuer()
