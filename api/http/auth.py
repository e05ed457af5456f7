"""Who may do what only operators may: whoever has the token that deploy/up has made."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def check(token_file: Path) -> None:
    """Check that the request carries the token. Raises Unauthorized, or Unavailable where there is none to compare."""
    try:
        token = token_file.read_bytes().strip()
    except OSError as error:
        raise Unavailable(f"{token_file.name} can't be read: {error.strerror}; deploy/up makes one") from error
    if not token:
        raise Unavailable(f"{token_file.name} is empty; delete it, and deploy/up makes another")
    given = request.authorization
    is_bearer = given is not None and given.type == "bearer"
    if not (is_bearer and given and hmac.compare_digest((given.token or "").encode(), token)):
        raise Unauthorized(
            f"This is for operators: send Authorization: Bearer and the token in {token_file.name}, in the stack's "
            "TRADEWIRE_HOME.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
