"""The settings of the provider: which values they take, and what they need together."""

from __future__ import annotations

import pytest

from tradewire.errors import SettingsError
from tradewire.settings import Settings

COMPLETE = {
    "ACCESS": "oidc",
    "PUBLIC_URL": "https://trades.example",
    "OIDC_ISSUER": "https://id.example/realms/firm",
    "OIDC_CLIENT_ID": "tradewire",
    "GROUP_ROLES": "desk=viewer",
}
SECRET_FILE = "OIDC_CLIENT_SECRET_FILE"  # noqa: S105 - the name of a setting


def read(**variables: str) -> Settings:
    return Settings.from_env({f"TRADEWIRE_{name}": value for name, value in (COMPLETE | variables).items()})


def faults(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(**variables)
    return list(refused.value.faults)


def test_a_provider_has_defaults_and_is_shown_as_it_was_written() -> None:
    settings = read(OIDC_SCOPES="openid,groups openid", **{SECRET_FILE: "/etc/secret"})
    assert settings.oidc.host == "id.example"
    assert settings.variables() | {
        "TRADEWIRE_OIDC_GROUPS_CLAIM": "groups",
        "TRADEWIRE_OIDC_SCOPES": "openid groups",
        "TRADEWIRE_OIDC_CLIENT_SECRET_FILE": "/etc/secret",
    } == (settings.variables())
    assert read().oidc.scopes == ("openid", "profile", "email")


@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "PUBLIC_URL", "GROUP_ROLES"])
def test_a_missing_setting_is_named(name: str) -> None:
    assert faults(**{name: ""}) == [f"TRADEWIRE_{name} must be set: TRADEWIRE_ACCESS is oidc"]


def test_all_missing_settings_are_named_at_once() -> None:
    assert len(faults(**dict.fromkeys(("OIDC_ISSUER", "OIDC_CLIENT_ID", "PUBLIC_URL", "GROUP_ROLES"), ""))) == 4


@pytest.mark.parametrize("access", ["keys", "open"])
def test_settings_of_a_provider_that_nobody_uses_are_faults(access: str) -> None:
    given = {"ACCESS": access, "GROUP_ROLES": "", "OIDC_CLIENT_SECRET_FILE": "/s", "OIDC_GROUPS_CLAIM": "g"}
    names = ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET_FILE", "OIDC_GROUPS_CLAIM", "OIDC_SCOPES"]
    assert faults(**given, OIDC_SCOPES="openid") == [f"TRADEWIRE_{name} needs TRADEWIRE_ACCESS=oidc" for name in names]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OIDC_ISSUER", "http://id.example"),
        ("OIDC_ISSUER", "https://id.example?a"),
        ("OIDC_ISSUER", "https://id.example/'x"),
        ("OIDC_CLIENT_ID", "two words"),
        ("OIDC_GROUPS_CLAIM", "two words"),
        ("OIDC_SCOPES", "profile groups"),
        ("OIDC_SCOPES", 'openid "x"'),
        ("OIDC_SCOPES", "openid é"),
    ],
)
def test_another_value_is_refused(name: str, text: str) -> None:
    fault = faults(**{name: text})[0]
    assert fault.startswith(f"TRADEWIRE_{name}={text!r} can't be used: expected ")


def test_a_secret_in_the_place_of_its_file_is_not_shown() -> None:
    [fault] = faults(**{SECRET_FILE: "the secret itself"})
    assert fault.startswith("TRADEWIRE_OIDC_CLIENT_SECRET_FILE can't be used: expected an absolute path")
    assert "itself" not in fault


def test_the_page_needs_https_except_on_loopback() -> None:
    [fault] = faults(PUBLIC_URL="http://trades.example")
    assert fault.startswith("TRADEWIRE_PUBLIC_URL must begin with https")
    assert read(PUBLIC_URL="http://127.0.0.1:8080").oidc
    assert read(PUBLIC_URL="http://localhost:8080/tw").oidc
