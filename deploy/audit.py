"""Check the audit trail, and look up users in it. The stack need not run."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Final

from deploy import console, environment
from deploy.audit_trail import run_tool
from deploy.console import CommandParser, Failure

_HEAD_DIGITS_MIN: Final = 13
"""As many as the metric `audit_head` has."""


def audit() -> None:
    """Do what the arguments say."""
    arguments = _parser().parse_args()
    settings = environment.read(os.environ).settings()
    if arguments.action == "pseudonym":
        done = run_tool(settings, "pseudonym", input=sys.stdin.read())
    else:
        done = run_tool(settings, "verify", *_seen(arguments))
    if done.returncode:
        raise Failure("the audit trail is not whole, or can't be read", "See the line above.")


def _seen(arguments: argparse.Namespace) -> list[str]:
    """Return the arguments for the head that was seen before."""
    if (arguments.count is None) != (arguments.head is None):
        raise Failure("--count and --head belong together")
    return [] if arguments.count is None else ["--count", str(arguments.count), "--head", arguments.head]


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="deploy/audit", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="verify|pseudonym")
    verify = actions.add_parser("verify", allow_abbrev=False, help="walk the chain, and name the first bad line")
    verify.add_argument("--count", type=_count, metavar="N", help="the number of records that was seen before")
    verify.add_argument("--head", type=_head, metavar="HEX", help="the head that was seen with it, or its beginning")
    actions.add_parser("pseudonym", allow_abbrev=False, help="show the pseudonym of each user id on standard input")
    return parser


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise argparse.ArgumentTypeError("expected a whole number")
    return int(text)


def _head(text: str) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{{_HEAD_DIGITS_MIN},64}}", text):
        raise argparse.ArgumentTypeError(f"expected {_HEAD_DIGITS_MIN} to 64 hexadecimal digits")
    return text


if __name__ == "__main__":
    sys.exit(console.run("deploy/audit", audit))
