"""Make, list, rotate and revoke API keys. The stack need not run; if it does, it follows by itself."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from deploy import console, environment, holder, layout
from deploy.arguments import add_roles, principal_name
from deploy.audit_trail import recorded
from deploy.console import CommandParser, Failure, say, table, time_text
from tradewire.access import key_file, key_use, user
from tradewire.access.key import make
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.access.key import Key
    from tradewire.settings import Settings

_ROTATED_SECONDS: Final = 24 * 3600
"""How long an old key is good after it was rotated."""
_RATE_MAX: Final = 1_000_000
_UNIT_SECONDS: Final = {"h": 3600, "d": 86400}


def key() -> None:
    """Do what the arguments say."""
    arguments = _parser().parse_args()
    settings = environment.read(os.environ).settings()
    layout.check_may_change_principals(settings)
    try:
        match arguments.action:
            case "add":
                _add(settings, arguments)
            case "rotate":
                _rotate(settings, arguments)
            case "revoke":
                _revoke(settings, arguments.name)
            case _:
                _list(settings)
    except Unavailable as error:
        raise Failure(str(error), f"Nothing was changed. The file is {settings.keys}.") from error


def _add(settings: Settings, arguments: argparse.Namespace) -> None:
    now = int(time.time())
    with ExitStack() as trail:
        with key_file.changing(settings.keys, layout.program_group(settings)) as keys:
            if any(each.name == arguments.name for each in keys):
                raise Failure(f"there is a key of the name {arguments.name}", "Rotate it, or revoke it first.")
            if any(each.name == arguments.name for each in user.FILE.read(settings.users)):
                raise Failure(
                    f"there is a user of the name {arguments.name}", "Choose another one: names tell who did what."
                )
            expires = now + arguments.expires if arguments.expires else None
            made, token = make(
                arguments.name, arguments.role, now=now, slot=_free_slot(keys), expires=expires, rate=arguments.rate
            )
            if arguments.certificate or arguments.issuer:
                made, token = made.for_certificate(*_holder_of(settings, arguments, keys)), ""
            trail.enter_context(recorded(settings, "key-added", _details(made)))
            keys.append(made)
        _show(made, token)  # before the end is recorded, which may be impossible: there is no other way to the token


def _holder_of(settings: Settings, arguments: argparse.Namespace, keys: Sequence[Key]) -> tuple[str, str]:
    """Return issuer and subject of a new key's certificate. Raise Failure if another key is for the same."""
    if not arguments.certificate:
        raise Failure("--issuer needs --certificate: it names the CA of a SUBJECT")
    issuer, subject = holder.of(arguments.certificate, arguments.issuer, settings)
    for each in keys:
        if (each.issuer, each.subject) == (issuer, subject):
            raise Failure(f"the key {each.name} is for the certificate of {_holder(each)}", "Revoke it first.")
    return issuer, subject


def _rotate(settings: Settings, arguments: argparse.Namespace) -> None:
    now = int(time.time())
    end = now + _ROTATED_SECONDS
    with ExitStack() as trail:
        with key_file.changing(settings.keys, layout.program_group(settings)) as keys:
            own = _named(keys, arguments.name)
            newest = own[-1]
            if newest.subject:
                raise Failure(
                    f"{newest.name} has a certificate, and no token to rotate",
                    "Each new certificate of its subject counts.",
                )
            lifetime = arguments.expires or (newest.expires and newest.expires - newest.created)
            made, token = make(
                newest.name,
                newest.roles,
                now=now,
                slot=_free_slot(keys),
                expires=now + lifetime if lifetime else None,
                rate=newest.rate,
            )
            trail.enter_context(recorded(settings, "key-rotated", _details(made) | {"old": [old.id for old in own]}))
            for old in own:
                keys.remove(old)
                if old.is_valid(now):
                    keys.append(old.ending(end))
            keys.append(made)
        _show(made, token)
    say(f"The old key is good until {time_text(end)}, unless it expires before." if newest.is_valid(now) else "")


def _revoke(settings: Settings, name: str) -> None:
    with ExitStack() as trail, key_file.changing(settings.keys, layout.program_group(settings)) as keys:
        own = _named(keys, name)
        trail.enter_context(recorded(settings, "key-revoked", {"name": name, "ids": [old.id for old in own]}))
        for old in own:
            keys.remove(old)
    say(f"Revoked: {', '.join(old.id for old in own)}. A running stack refuses it within 5 seconds.")


def _list(settings: Settings) -> None:
    now = time.time()
    keys = key_file.read(settings.keys)
    has_certificates = any(each.subject for each in keys)
    heading = ("NAME", "ID", "ROLES", "RATE", "CREATED", "EXPIRES", "LAST USED")
    rows: list[tuple[str, ...]] = [(*heading, "CERTIFICATE") if has_certificates else heading]
    for each in keys:
        used = key_use.last_use(settings.key_use, each)
        expires = "never" if each.expires is None else time_text(each.expires)
        rows.append(
            (
                each.name,
                each.id,
                ",".join(sorted(each.roles)),
                f"{each.rate}/s" if each.rate else "-",
                time_text(each.created),
                expires if each.is_valid(now) else f"{expires} (expired)",
                time_text(used) if used else "never",
                *([_holder(each) or "-"] if has_certificates else []),
            )
        )
    say(*table(rows))


def _details(made: Key) -> dict[str, Any]:
    """Return what the audit trail tells of a new key."""
    expires = None if made.expires is None else time_text(made.expires)
    details = {"name": made.name, "id": made.id, "roles": sorted(made.roles), "rate": made.rate, "expires": expires}
    return details | ({"subject": made.subject, "issuer": made.issuer} if made.subject else {})


def _holder(key: Key) -> str:
    """Return whose certificate a key is for; empty if it has a token."""
    return f"{key.subject}, issued by {key.issuer}" if key.subject else ""


def _named(keys: Sequence[Key], name: str) -> list[Key]:
    """Return the keys of a name, the newest last."""
    found = [each for each in keys if each.name == name]
    if not found:
        raise Failure(f"there is no key of the name {name}", "deploy/key list shows them all.")
    return found


def _free_slot(keys: Sequence[Key]) -> int:
    taken = {each.slot for each in keys}
    slot = next(number for number in range(len(keys) + 1) if number not in taken)
    if slot >= key_use.SLOTS:
        raise Failure(f"there are {key_use.SLOTS} keys, the most there can be", "Revoke some of them.")
    return slot


def _show(made: Key, token: str) -> None:
    if made.subject:
        say(
            f"Made key {made.id} for {made.name}. It has no token: it is for each certificate of",
            "",
            f"  {_holder(made)}",
            "",
            f"It may: {', '.join(sorted(made.roles))}.",
        )
        return
    say(
        f"Made key {made.id} for {made.name}. This is its token, which is shown only now:",
        "",
        f"  {token}",
        "",
        f"Send it as Authorization: Bearer, or as X-API-Key. It may: {', '.join(sorted(made.roles))}.",
    )


def _parser() -> CommandParser:
    parser = CommandParser(prog="deploy/key", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|rotate|revoke")
    add = actions.add_parser("add", allow_abbrev=False, help="make a key, and show its token, once")
    add.add_argument("name", type=principal_name, metavar="NAME")
    add_roles(add)
    add.add_argument("--rate", type=_rate, default=0, metavar="N", help="requests a second; without it, no limit")
    add.add_argument(
        "--certificate", metavar="FILE|SUBJECT", help="the holder of a client certificate, instead of a token"
    )
    add.add_argument("--issuer", metavar="NAME", help="the CA of a SUBJECT; without it, the only CA that the stack has")
    rotate = actions.add_parser("rotate", allow_abbrev=False, help="make a new token; the old token works for 24 h")
    rotate.add_argument("name", metavar="NAME")
    for each in (add, rotate):
        each.add_argument("--expires", type=_lifetime, metavar="TIME", help="how long the key is good: 12h, 90d")
    actions.add_parser("revoke", allow_abbrev=False, help="end all keys of a name").add_argument("name", metavar="NAME")
    actions.add_parser("list", allow_abbrev=False, help="show all keys, without their tokens")
    return parser


def _rate(text: str) -> int:
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII) or not 0 < int(text) <= _RATE_MAX:
        raise argparse.ArgumentTypeError(f"expected a whole number of requests a second, from 1 to {_RATE_MAX}")
    return int(text)


def _lifetime(text: str) -> int:
    """Return the seconds."""
    if not re.fullmatch(r"[1-9]\d{0,4}[hd]", text, re.ASCII):
        raise argparse.ArgumentTypeError("expected hours or days, such as 12h or 90d")
    return int(text[:-1]) * _UNIT_SECONDS[text[-1]]


if __name__ == "__main__":
    sys.exit(console.run("deploy/key", key))
