"""The arguments that deploy/key and deploy/user share."""

from __future__ import annotations

import argparse

from tradewire.access.key import Role
from tradewire.access.name import is_name


def principal_name(text: str) -> str:
    """Return the name of a key or a user."""
    if not is_name(text):
        raise argparse.ArgumentTypeError("expected 1 to 64 letters, digits and ._-, beginning with a letter or a digit")
    if text == "operator":
        raise argparse.ArgumentTypeError("operator is the name of the operator token's holder")
    return text


def add_roles(parser: argparse.ArgumentParser) -> None:
    """Add the required option `--role`. Its values are joined: lists with commas, however often it is given."""
    parser.add_argument(
        "--role", type=_roles, action="extend", required=True, metavar="ROLE[,ROLE…]", help=", ".join(Role)
    )


def _roles(text: str) -> frozenset[Role]:
    try:
        return frozenset(Role(name.strip()) for name in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected one or more of {', '.join(Role)}") from None
