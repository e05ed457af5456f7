"""The settings of the issuer: which values they take, and what they need together."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.errors import SettingsError
from tradewire.settings import Settings

COMPLETE = {"ACCESS": "keys", "JWT_ISSUER": "https://id.example/realms/firm", "JWT_AUDIENCE": "https://trades.example"}


def read(**variables: str) -> Settings:
    return Settings.from_env({f"TRADEWIRE_{name}": value for name, value in (COMPLETE | variables).items()})


def faults(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(**variables)
    return list(refused.value.faults)


def test_without_an_issuer_no_token_counts() -> None:
    assert not Settings.from_env({}).jwt


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("JWT_ISSUER", "https://id.example", "url", "https://id.example"),
        ("JWT_ISSUER", "https://id.example/", "url", "https://id.example/"),
        ("JWT_ISSUER", "https://id.example:8443/a-b_c/~d", "url", "https://id.example:8443/a-b_c/~d"),
        ("JWT_ISSUER", "http://localhost:8080", "url", "http://localhost:8080"),
        ("JWT_ISSUER", "http://[::1]/a", "url", "http://[::1]/a"),
        ("JWT_AUDIENCE", "api://tradewire", "audience", "api://tradewire"),
        ("JWT_JWKS_FILE", "/etc/tradewire/jwks.json", "jwks_file", "/etc/tradewire/jwks.json"),
        ("JWT_ROLES_CLAIM", "realm_access.roles", "roles_claim", "realm_access.roles"),
        ("JWT_NAME_CLAIM", "client_id", "name_claim", "client_id"),
    ],
)
def test_a_valid_value_is_accepted_and_shown_as_it_was_written(name: str, text: str, field: str, value: Any) -> None:
    settings = read(**{name: text})
    assert getattr(settings.jwt, field) == value
    assert settings.variables()[f"TRADEWIRE_{name}"] == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("JWT_ISSUER", "id.example"),
        ("JWT_ISSUER", "http://id.example"),
        ("JWT_ISSUER", "http://127.0.0.1.example"),
        ("JWT_ISSUER", "http://10.0.0.1"),
        ("JWT_ISSUER", "https://"),
        ("JWT_ISSUER", "https://user:password@id.example"),
        ("JWT_ISSUER", "https://id.example?a"),
        ("JWT_ISSUER", "https://id.example#a"),
        ("JWT_ISSUER", "https://id.example:0"),
        ("JWT_ISSUER", "https://id.example:65536"),
        ("JWT_ISSUER", "file:///etc/passwd"),
        ("JWT_AUDIENCE", "two words"),
        ("JWT_JWKS_FILE", "jwks.json"),
        ("JWT_JWKS_FILE", "/etc/two words"),
        ("JWT_ROLES_CLAIM", "two words"),
        ("JWT_NAME_CLAIM", "é"),
    ],
)
def test_another_value_is_refused(name: str, text: str) -> None:
    fault = faults(**{name: text})[0]  # a missing issuer or audience is a fault of its own
    assert fault.startswith(f"TRADEWIRE_{name}={text!r} can't be used: expected ")


def test_an_issuer_needs_an_audience_and_a_mode_that_asks_for_credentials() -> None:
    assert faults(JWT_AUDIENCE="") == ["TRADEWIRE_JWT_AUDIENCE must be set: TRADEWIRE_JWT_ISSUER is"]
    [fault] = faults(ACCESS="open")
    assert fault.startswith("TRADEWIRE_JWT_ISSUER needs another TRADEWIRE_ACCESS than open")


@pytest.mark.parametrize("name", ["JWT_AUDIENCE", "JWT_JWKS_FILE", "JWT_ROLES_CLAIM", "JWT_NAME_CLAIM"])
def test_the_other_settings_need_an_issuer(name: str) -> None:
    text = {"JWT_JWKS_FILE": "/a"}.get(name, "a")
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({f"TRADEWIRE_{name}": text})
    assert refused.value.faults == (f"TRADEWIRE_{name} needs TRADEWIRE_JWT_ISSUER",)
