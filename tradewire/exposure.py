"""The settings that must be set if other machines reach the stack, and those that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewire.setting_checks import is_exposed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_TLS: Final = "TRADEWIRE_TLS_CERT and TRADEWIRE_TLS_KEY"
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "proxy": ("TRUSTED_PROXIES", "GROUP_ROLES"),
    "oidc": ("OIDC_ISSUER", "OIDC_CLIENT_ID", "PUBLIC_URL", "GROUP_ROLES"),
}
"""The settings that a mode of access needs."""
_ONLY_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "RECHECK_SECONDS": ("proxy", "oidc"),
    **dict.fromkeys(("PROXY_USER_HEADER", "PROXY_GROUPS_HEADER", "LOGOUT_URL"), ("proxy",)),
    **dict.fromkeys(
        ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET_FILE", "OIDC_GROUPS_CLAIM", "OIDC_SCOPES"), ("oidc",)
    ),
}
"""The settings that count in some modes of access alone. In others, their operator expects what does not happen."""
_NAMES: Final = ("ACCESS", "TLS_CERT", "TLS_KEY", "TRUSTED_PROXIES", "REDIRECT_LISTEN")


def faults(listen: Iterable[str], written: Mapping[str, str]) -> list[str]:
    """Return the missing settings. Only that a setting is written counts: its value is checked elsewhere.

    Args:
        listen: Each `ADDRESS:PORT` where nginx listens.
        written: The text of each setting, by its name without the prefix.
    """
    access, cert, key, proxies, redirect = (written.get(name, "").strip() for name in _NAMES)
    found = []
    if is_exposed(listen):
        if not access:
            found.append(
                "TRADEWIRE_ACCESS must be set to keys, proxy, oidc or open: TRADEWIRE_LISTEN admits other machines"
            )
        if access != "open" and not (cert or key or proxies):
            found.append(
                f"{_TLS} must be set, or TRADEWIRE_TRUSTED_PROXIES: TRADEWIRE_LISTEN admits other machines, and keys "
                "must not cross a network in clear"
            )
    found += _mode_faults(access, {name for name, text in written.items() if text.strip()})
    if bool(cert) != bool(key):
        missing, given = ("KEY", "CERT") if cert else ("CERT", "KEY")
        found.append(f"TRADEWIRE_TLS_{missing} must be set, since TRADEWIRE_TLS_{given} is")
    if redirect and not (cert or key):
        found.append(f"TRADEWIRE_REDIRECT_LISTEN redirects to https: {_TLS} must be set")
    return found


def _mode_faults(access: str, written: Collection[str]) -> list[str]:
    """Return the settings that a mode of access lacks, and those that do nothing in it."""
    found = [
        f"TRADEWIRE_{name} needs TRADEWIRE_ACCESS={' or '.join(modes)}"
        for name, modes in _ONLY_FOR.items()
        if name in written and access not in modes
    ]
    if "GROUP_ROLES" in written and access not in {"proxy", "oidc"} and "JWT_ISSUER" not in written:
        found.append("TRADEWIRE_GROUP_ROLES needs TRADEWIRE_ACCESS=proxy or oidc, or TRADEWIRE_JWT_ISSUER")
    missing = [name for name in _NEEDED.get(access, ()) if name not in written]
    return found + [f"TRADEWIRE_{name} must be set: TRADEWIRE_ACCESS is {access}" for name in missing]
