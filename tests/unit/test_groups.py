"""Groups give roles: which texts of the setting count, which faults the others have, and which roles a member gets."""

from __future__ import annotations

import pytest

from tests.unit.test_settings import faults, read
from tradewire.access.groups import GroupRoles
from tradewire.access.key import Role


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("traders=viewer", "traders=viewer"),
        ("traders = viewer + exporter , support=operator", "traders=exporter+viewer,support=operator"),
        ("a=viewer+viewer", "a=viewer"),
        ("cn=traders=viewer", "cn=traders=viewer"),
        ("/firm/desk=admin,role:desk=monitor", "/firm/desk=admin,role:desk=monitor"),
        ("Domain Users=viewer", "Domain Users=viewer"),
        ("Händler=producer", "Händler=producer"),
        (f"{'g' * 255}=viewer", f"{'g' * 255}=viewer"),
    ],
)
def test_a_group_gives_roles(text: str, expected: str) -> None:
    assert str(GroupRoles.parse(text)) == expected
    assert GroupRoles.parse(expected) == GroupRoles.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("traders", "'traders' has no ="),
        ("a=viewer,", "'' has no ="),
        ("=viewer", "'=viewer' names no group"),
        (" =viewer", "'=viewer' names no group"),
        (f"{'g' * 256}=viewer", "names no group of 1 to 255 printable characters"),
        ("a\tb=viewer", "names no group of 1 to 255 printable characters"),
        ("a=", "'' of the group 'a' is no role: the roles are producer, viewer, exporter, operator, monitor, admin"),
        ("a=viewer+", "'' of the group 'a' is no role"),
        ("a=viewer,b=boss", "'boss' of the group 'b' is no role"),
        ("a=Viewer", "'Viewer' of the group 'a' is no role"),
        ("a=viewer,b=admin,a=exporter", "the group 'a' is there twice: join its roles with +"),
    ],
)
def test_another_text_is_refused_with_what_is_wrong_in_it(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^(expected GROUP=ROLE|'|the group)") as refused:
        GroupRoles.parse(text)
    assert reason in str(refused.value)


def test_a_member_has_the_roles_of_all_its_groups_and_no_others() -> None:
    roles = GroupRoles.parse("desk=viewer+exporter,support=operator,chiefs=admin")
    assert roles.of(["support", "desk", "skiers"]) == {Role.VIEWER, Role.EXPORTER, Role.OPERATOR}
    assert roles.of(["Desk", "des", "desk,chiefs"]) == frozenset()
    assert roles.of([]) == frozenset()
    assert GroupRoles().of(["desk"]) == frozenset()


def test_the_setting_is_shown_as_it_counts() -> None:
    assert read().variables()["TRADEWIRE_GROUP_ROLES"] == ""
    proxy = {"ACCESS": "proxy", "TRUSTED_PROXIES": "127.0.0.1"}
    assert read(**proxy, GROUP_ROLES=" a = viewer ").variables()["TRADEWIRE_GROUP_ROLES"] == "a=viewer"
    [fault] = faults(**proxy, GROUP_ROLES="a=boss")
    assert fault.startswith("TRADEWIRE_GROUP_ROLES='a=boss' can't be used: 'boss' of the group 'a' is no role")
