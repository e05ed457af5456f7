"""A stack that other machines reach starts only with access control and encryption: the table of all cases."""

from __future__ import annotations

import pytest

from tradewire import exposure
from tradewire.errors import SettingsError
from tradewire.settings import Settings

EXPOSED = ("0.0.0.0:80", "[::]:80", "192.0.2.1:80", "trades.example:80", "127.1:80", "127.0.0.1:80,10.77.0.1:80")
LOOPBACK = ("127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80,127.0.0.1:81")
TLS = {"TLS_CERT": "/c", "TLS_KEY": "/k"}
PROXIES = {"TRUSTED_PROXIES": "10.0.0.7"}
NO_ACCESS = "TRADEWIRE_ACCESS must be set to keys, proxy, oidc or open: TRADEWIRE_LISTEN admits other machines"
NO_TLS = "TRADEWIRE_TLS_CERT and TRADEWIRE_TLS_KEY must be set, or TRADEWIRE_TRUSTED_PROXIES: "


def faults(**variables: str) -> tuple[str, ...]:
    """Give the faults of these variables, named without the prefix."""
    try:
        Settings.from_env({f"TRADEWIRE_{name}": value for name, value in variables.items()})
    except SettingsError as error:
        return error.faults
    return ()


@pytest.mark.parametrize("listen", EXPOSED)
@pytest.mark.parametrize("access", ["", "keys", "open"])
@pytest.mark.parametrize("encryption", [{}, TLS, PROXIES, TLS | PROXIES])
def test_everything_that_is_missing_is_named_and_open_access_alone_needs_no_encryption(
    listen: str, access: str, encryption: dict[str, str]
) -> None:
    found = faults(LISTEN=listen, ACCESS=access, **encryption)
    assert [fault == NO_ACCESS for fault in found].count(True) == (access == "")
    assert [fault.startswith(NO_TLS) for fault in found].count(True) == (access != "open" and not encryption)
    assert len(found) == (access == "") + (access != "open" and not encryption)


@pytest.mark.parametrize("listen", LOOPBACK)
@pytest.mark.parametrize("access", ["", "keys", "open"])
@pytest.mark.parametrize("encryption", [{}, TLS, PROXIES])
def test_on_loopback_nothing_is_missing(listen: str, access: str, encryption: dict[str, str]) -> None:
    assert faults(LISTEN=listen, ACCESS=access, **encryption) == ()


@pytest.mark.parametrize("listen", ["127.0.0.1:80", "0.0.0.0:80"])
@pytest.mark.parametrize(("given", "missing"), [("CERT", "KEY"), ("KEY", "CERT")])
def test_a_certificate_and_its_key_are_set_both_or_neither(listen: str, given: str, missing: str) -> None:
    found = faults(LISTEN=listen, ACCESS="keys", **{f"TLS_{given}": "/x"})
    assert found == (f"TRADEWIRE_TLS_{missing} must be set, since TRADEWIRE_TLS_{given} is",)


def test_a_redirect_to_https_needs_https() -> None:
    [fault] = faults(REDIRECT_LISTEN="127.0.0.1:81")
    assert fault.startswith("TRADEWIRE_REDIRECT_LISTEN redirects to https: ")
    assert faults(REDIRECT_LISTEN="127.0.0.1:81", **TLS) == ()


def test_a_setting_of_white_space_is_not_set() -> None:
    assert exposure.faults(["0.0.0.0:80"], {"ACCESS": " ", "TLS_CERT": "\t", "TRUSTED_PROXIES": " "})[0] == NO_ACCESS


@pytest.mark.parametrize("path", ["relative.pem", "/a\nb", "/a b", "~/x"])
def test_a_certificate_has_an_absolute_path(path: str) -> None:
    [fault] = faults(TLS_CERT=path, TLS_KEY="/k")
    assert fault.startswith(f"TRADEWIRE_TLS_CERT={path!r} can't be used: expected an absolute path of letters")


@pytest.mark.parametrize("missing", ["TRUSTED_PROXIES", "GROUP_ROLES"])
def test_an_identity_proxy_needs_trusted_addresses_and_groups_with_roles(missing: str) -> None:
    given = {"ACCESS": " proxy", "TRUSTED_PROXIES": "10.0.0.7", "GROUP_ROLES": "desk=viewer"}
    assert exposure.faults(["127.0.0.1:80"], given) == []
    found = exposure.faults(["127.0.0.1:80"], given | {missing: " "})
    assert found == [f"TRADEWIRE_{missing} must be set: TRADEWIRE_ACCESS is proxy"]
