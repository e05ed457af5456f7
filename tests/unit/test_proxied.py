"""People whom an identity proxy in front names: which headers count, and which of its statements are refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.test_settings import faults, read
from tradewire.access.key import Role
from tradewire.access.proxied import Person, Proxied
from tradewire.errors import BadIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY = {"ACCESS": "proxy", "TRUSTED_PROXIES": "127.0.0.1", "GROUP_ROLES": "desk=viewer+exporter,Händler=producer"}


NO_MORE: Mapping[str, str] = {}


def find(
    user: str = "", groups: str = "", /, *, sent: dict[str, str] | None = None, settings: Mapping[str, str] = NO_MORE
) -> Person | None:
    """Find the person that nginx passes on, as a proxy sent it. `sent` are other headers of the request."""
    headers = {"X-Tradewire-User": user, "X-Tradewire-Groups": groups}
    names = {"X-Forwarded-User": user, "X-Forwarded-Groups": groups}
    headers |= names if sent is None else sent
    return Proxied(read(**PROXY, **settings)).find(lambda name: headers.get(name, ""))


def test_a_person_has_the_roles_of_its_groups_and_a_name_that_no_key_and_no_user_has() -> None:
    assert find("alice", "skiers, desk") == Person("proxy:alice", frozenset({Role.VIEWER, Role.EXPORTER}))
    assert find("alice", "Händler".encode().decode("latin-1")) == Person("proxy:alice", frozenset({Role.PRODUCER}))


@pytest.mark.parametrize("groups", ["", "skiers", "Desk", "desk skiers", "\xff"])
def test_a_person_in_no_group_with_a_role_is_known_and_has_no_role(groups: str) -> None:
    assert find("alice", groups) == Person("proxy:alice", frozenset())


@pytest.mark.parametrize("name", ["a", "alice@example.com", "FIRM\\alice", "x" * 58, "auth0|5f7c"])
def test_a_name_has_one_to_58_visible_characters(name: str) -> None:
    found = find(name)
    assert found is not None
    assert found.name == f"proxy:{name}"


@pytest.mark.parametrize("name", ["x" * 59, "alice smith", "alice,bob", "alice, bob", "é", "a\tb", "\x7f"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(BadIdentity, match="X-Forwarded-User has no name of 1 to 58 visible ASCII characters"):
        find(name)


def test_without_a_trusted_proxy_no_header_of_a_client_names_a_person() -> None:
    assert find(sent={"X-Forwarded-User": "admin", "X-Forwarded-Groups": "desk"}) is None


@pytest.mark.parametrize(
    ("passed_on", "sent"),
    [
        (("alice", "desk"), {"X-Forwarded-User": "alice,admin", "X-Forwarded-Groups": "desk"}),
        (("alice, admin", "desk"), {"X-Forwarded-User": "alice,admin", "X-Forwarded-Groups": "desk"}),
        (("alice", "skiers"), {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "skiers,desk"}),
        (("alice", "skiers, desk"), {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "skiers,desk"}),
        (("alice", "desk"), {"X-Forwarded-User": "alice"}),
        (("alice", ""), {"X-Forwarded-User": "alice", "X-Forwarded-Groups": ",desk"}),
        (("alice", "desk"), {}),
    ],
)
def test_a_repeated_header_is_refused_whether_nginx_passes_on_one_or_all(
    passed_on: tuple[str, str], sent: dict[str, str]
) -> None:
    with pytest.raises(BadIdentity, match="came more than once: the proxy must replace what clients send"):
        find(*passed_on, sent=sent)


def test_the_headers_have_the_names_of_the_settings() -> None:
    names = {"PROXY_USER_HEADER": "Remote-User", "PROXY_GROUPS_HEADER": "remote-groups"}
    assert find("alice", "desk", sent={"Remote-User": "alice", "remote-groups": "desk"}, settings=names)
    with pytest.raises(BadIdentity, match="Remote-User"):
        find("alice", "desk", settings=names)


# ---- The settings.


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PROXY_USER_HEADER", "Remote-User"),
        ("PROXY_GROUPS_HEADER", "X-Auth-Request-Groups"),
        ("PROXY_GROUPS_HEADER", "x" * 64),
        ("LOGOUT_URL", "/oauth2/sign_out"),
        ("LOGOUT_URL", "/oauth2/sign_out?rd=%2Fbye&a=b"),
        ("LOGOUT_URL", "https://auth.example/logout?rd=https://trades.example/"),
        ("LOGOUT_URL", "https://[2001:db8::1]:8443/"),
        ("RECHECK_SECONDS", "5"),
        ("RECHECK_SECONDS", "3600"),
    ],
)
def test_a_valid_value_is_accepted_and_shown(name: str, text: str) -> None:
    assert str(read(**PROXY, **{name: text}).variables()[f"TRADEWIRE_{name}"]) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "-User", "1-User", "Remote_User", "Remote User", "Remote-User:", "é", "x" * 65, "a,b", '$x"'),
        *("Host", "host", "Cookie", "Authorization", "Origin", "X-API-Key", "X-Forwarded-For", "X-Request-ID"),
        *("X-Tradewire-User", "x-tradewire-groups", "X-Tradewire-Other", "User-Agent"),
    ],
)
@pytest.mark.parametrize("name", ["PROXY_USER_HEADER", "PROXY_GROUPS_HEADER"])
def test_another_header_is_refused(name: str, text: str) -> None:
    found = faults(**PROXY, **{name: text})
    assert found == () if not text else found[0].startswith(f"TRADEWIRE_{name}={text!r} can't be used: ")


@pytest.mark.parametrize(
    "text",
    [
        *("oauth2/sign_out", "//evil.example", "http://auth.example/", "https://auth.example", "javascript:alert(1)"),
        *("/a'b", '/a"b', "/a\\b", "/a$b", "/a b", "/a\nb", "/a;b", "/a#b", "https://a@b/", "/é"),
    ],
)
def test_another_address_of_the_log_out_is_refused_and_not_shown(text: str) -> None:
    [fault] = faults(**PROXY, LOGOUT_URL=text)
    assert fault == "TRADEWIRE_LOGOUT_URL can't be used: expected a path such as /oauth2/sign_out, or https://HOST/PATH"


def test_user_and_groups_come_in_two_headers() -> None:
    [fault] = faults(**PROXY, PROXY_USER_HEADER="Remote-Groups", PROXY_GROUPS_HEADER="remote-groups")
    assert fault == "TRADEWIRE_PROXY_USER_HEADER and TRADEWIRE_PROXY_GROUPS_HEADER must be two headers"


@pytest.mark.parametrize("access", ["open", "keys"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PROXY_USER_HEADER", "Remote-User"),
        ("PROXY_GROUPS_HEADER", "Remote-Groups"),
        ("LOGOUT_URL", "/out"),
        ("RECHECK_SECONDS", "60"),
    ],
)
def test_a_setting_that_would_change_nothing_is_a_fault(access: str, name: str, text: str) -> None:
    modes = "proxy or oidc" if name in {"GROUP_ROLES", "RECHECK_SECONDS"} else "proxy"
    assert faults(ACCESS=access, **{name: text}) == (f"TRADEWIRE_{name} needs TRADEWIRE_ACCESS={modes}",)


def test_the_roles_of_groups_need_a_proxy_or_an_issuer() -> None:
    expected = "TRADEWIRE_GROUP_ROLES needs TRADEWIRE_ACCESS=proxy or oidc, or TRADEWIRE_JWT_ISSUER"
    assert faults(ACCESS="keys", GROUP_ROLES="desk=viewer") == (expected,)
    issuer = {"JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "https://trades.example"}
    assert faults(ACCESS="keys", GROUP_ROLES="desk=viewer", **issuer) == ()


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "0.0.0.0:8080"])
def test_a_proxy_starts_only_with_trusted_addresses_and_groups(listen: str) -> None:
    assert read(**PROXY, LISTEN=listen).home == Path("var").absolute()
    missing = [
        fault.split()[0] for fault in faults(ACCESS="proxy") if "must be set: TRADEWIRE_ACCESS is proxy" in fault
    ]
    assert missing == ["TRADEWIRE_TRUSTED_PROXIES", "TRADEWIRE_GROUP_ROLES"]
