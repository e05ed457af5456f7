"""The roles of the groups that an identity provider or an identity proxy names: `TRADEWIRE_GROUP_ROLES`.

Example:
    roles = GroupRoles.parse("traders=viewer+exporter, support=operator")
    assert roles.of(["traders", "skiers"]) == {Role.VIEWER, Role.EXPORTER}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradewire.access.key import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHARS_MAX: Final = 255
_FORM: Final = "expected GROUP=ROLE or GROUP=ROLE+ROLE, or several, separated by commas"


@dataclass(frozen=True)
class GroupRoles:
    """The roles of each group that has some. It is false without a group."""

    by_group: tuple[tuple[str, frozenset[Role]], ...] = ()

    @classmethod
    def parse(cls, text: str) -> GroupRoles:
        """Read the roles from a setting's text.

        Args:
            text: `GROUP=ROLE+ROLE`, or several, separated by commas. A group's name may hold `=`, and no comma.

        Raises:
            ValueError: The text names an unknown role, a group twice, or no group. The message says what was expected.
        """
        found: dict[str, frozenset[Role]] = {}
        for each in text.split(","):
            group, equals, roles = (part.strip() for part in each.rpartition("="))
            if not equals:
                raise ValueError(f"{_FORM}; {each.strip()!r} has no =")
            if not group or len(group) > _CHARS_MAX or not group.isprintable():
                raise ValueError(f"{_FORM}; {each.strip()!r} names no group of 1 to {_CHARS_MAX} printable characters")
            if group in found:
                raise ValueError(f"the group {group!r} is there twice: join its roles with +")
            found[group] = _roles(group, roles)
        return cls(tuple(found.items()))

    def of(self, groups: Iterable[str]) -> frozenset[Role]:
        """Return the roles of a member of these groups: those of all of them. Groups without a role are ignored."""
        member_of = set(groups)
        return frozenset(role for group, roles in self.by_group if group in member_of for role in roles)

    def __bool__(self) -> bool:
        return bool(self.by_group)

    def __str__(self) -> str:
        return ",".join(f"{group}={'+'.join(sorted(roles))}" for group, roles in self.by_group)


def _roles(group: str, text: str) -> frozenset[Role]:
    names = [name.strip() for name in text.split("+")]
    if unknown := [name for name in names if name not in set(Role)]:
        raise ValueError(f"{unknown[0]!r} of the group {group!r} is no role: the roles are {', '.join(Role)}")
    return frozenset(map(Role, names))


NO_GROUPS: Final = GroupRoles()
BY_NAME: Final = GroupRoles(tuple((role.value, frozenset({role})) for role in Role))
"""Each group with the name of a role has that role."""
