"""Add, list, change and remove local users. The stack need not run; if it does, it follows by itself."""

from __future__ import annotations

import getpass
import os
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from deploy import console, environment, layout
from deploy.arguments import add_roles, principal_name
from deploy.audit_trail import recorded
from deploy.console import CommandParser, Failure, say, table, time_text
from tradewire.access import key_file, password, user
from tradewire.errors import Unavailable
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from tradewire.access.key import Role
    from tradewire.access.user import User
    from tradewire.settings import Settings


def command() -> None:
    """Do what the arguments say."""
    arguments = _parser().parse_args()
    settings = environment.read(os.environ).settings()
    layout.check_may_change_principals(settings)
    try:
        _act(settings, arguments)
    except Unavailable as error:
        raise Failure(str(error), f"Nothing was changed. The file is {settings.users}.") from error


def _act(settings: Settings, arguments: argparse.Namespace) -> None:
    name = arguments.name if "name" in arguments else ""
    given: frozenset[Role] = frozenset(arguments.role) if "role" in arguments else frozenset()
    match arguments.action:
        case "add":
            _add(settings, name, given)
        case "password":
            _named(user.FILE.read(settings.users), name)  # before a password is asked for
            stored = password.hashed(_new_password())
            _change(settings, "user-password-changed", name, lambda old: old.with_password(stored))
            say(f"{name} has another password. All sessions of {name} end.")
        case "roles":
            _change(settings, "user-roles-changed", name, lambda old: old.with_roles(given))
            say(f"{name} may: {', '.join(sorted(given))}.")
        case "logout":
            _change(settings, "user-logged-out", name, lambda old: old.logged_out())
            say(f"All sessions of {name} end.")
        case "remove":
            _change(settings, "user-removed", name, lambda _: None)
            say(f"Removed {name}. All sessions of {name} end.")
        case _:
            _list(settings)


def _add(settings: Settings, name: str, given: Iterable[Role]) -> None:
    _check_is_free(settings, name, user.FILE.read(settings.users))
    stored = password.hashed(_new_password())
    with ExitStack() as trail, user.FILE.changing(settings.users, layout.program_group(settings)) as users:
        _check_is_free(settings, name, users)
        made = user.make(name, given, stored, now=int(time.time()))
        trail.enter_context(recorded(settings, "user-added", _details(made)))
        users.append(made)
    say(f"Added {name}, who may: {', '.join(sorted(given))}.")
    access = environment.assignments(settings.home / "conf/settings").get(f"{PREFIX}ACCESS")  # that of the last start
    if access != "keys":
        say(f"Access is {access}, so no user logs in here. Set {PREFIX}ACCESS to keys to change that.")


def _check_is_free(settings: Settings, name: str, users: Iterable[User]) -> None:
    if any(each.name == name for each in users):
        raise Failure(f"there is a user of the name {name}", "deploy/user password and roles change users.")
    if any(each.name == name for each in key_file.read(settings.keys)):
        raise Failure(f"there is a key of the name {name}", "Choose another one: names tell who did what.")


def _change(settings: Settings, action: str, name: str, change: Callable[[User], User | None]) -> None:
    """Replace a user by the changed one; remove the user if that is None. The audit trail records the action."""
    with ExitStack() as trail, user.FILE.changing(settings.users, layout.program_group(settings)) as users:
        old = _named(users, name)
        changed = change(old)
        trail.enter_context(recorded(settings, action, _details(changed or old)))
        users[users.index(old) : users.index(old) + 1] = [changed] if changed else []


def _details(changed: User) -> dict[str, Any]:
    """Return what the audit trail tells of a user."""
    return {"name": changed.name, "roles": sorted(changed.roles)}


def _named(users: Iterable[User], name: str) -> User:
    found = next((each for each in users if each.name == name), None)
    if found is None:
        raise Failure(f"there is no user of the name {name}", "deploy/user list shows them all.")
    return found


def _list(settings: Settings) -> None:
    rows = [("NAME", "ROLES", "CREATED")]
    rows += [
        (each.name, ",".join(sorted(each.roles)), time_text(each.created)) for each in user.FILE.read(settings.users)
    ]
    say(*table(rows))


def _new_password() -> str:
    """Ask for a password twice on a terminal, or read it from the first line of standard input."""
    if sys.stdin.isatty():
        new = getpass.getpass("New password: ")
        if getpass.getpass("Again: ") != new:
            raise Failure("the two passwords differ", "Nothing was changed.")
    else:
        try:
            new = sys.stdin.buffer.readline().decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise Failure("the password is not UTF-8", "Nothing was changed.") from error
    if not password.CHARS_MIN <= len(new) <= password.CHARS_MAX:
        raise Failure(
            f"a password has {password.CHARS_MIN} to {password.CHARS_MAX} characters, not {len(new)}",
            "Nothing was changed. Several words in a row are easy to remember and hard to guess.",
        )
    return new


def _parser() -> CommandParser:
    parser = CommandParser(prog="deploy/user", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|password|roles|logout|remove")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, allow_abbrev=False, help=text)
        made.add_argument("name", metavar="NAME", type=principal_name)
        return made

    for each in (action("add", "add a user"), action("roles", "set the roles")):
        add_roles(each)
    action("password", "set another password, and end all sessions")
    action("logout", "end all sessions")
    action("remove", "remove a user, and end all sessions")
    actions.add_parser("list", allow_abbrev=False, help="show all users")
    return parser


if __name__ == "__main__":
    sys.exit(console.run("deploy/user", command))
