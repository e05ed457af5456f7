"""Authentication of operators, by the token that deploy/up creates."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def require_operator(token_file: Path) -> None:
    """Check that the request carries the operator token.

    Args:
        token_file: The file that holds the token.

    Raises:
        Unauthorized: The request has no token, or another one.
        Unavailable: The file is missing, unreadable or empty.
    """
    try:
        token = token_file.read_bytes().strip()
    except OSError as error:
        raise Unavailable(f"{token_file.name} can't be read: {error.strerror}; deploy/up creates it") from error
    if not token:
        raise Unavailable(f"{token_file.name} is empty; delete it, and deploy/up creates another")
    credentials = request.authorization
    is_bearer = credentials is not None and credentials.type == "bearer"
    if not (is_bearer and credentials and hmac.compare_digest((credentials.token or "").encode(), token)):
        raise Unauthorized(
            "The operator token is required: send Authorization: Bearer with the token in "
            f"{token_file.name}, in the stack's TRADEWIRE_HOME.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
