"""The names of API keys and local users."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def is_name(text: object) -> bool:
    """Return whether a key or a user may have this name. It fits into an event as the name of its producer."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None
