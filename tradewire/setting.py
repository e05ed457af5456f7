"""The declaration of one setting that a consumer brings, and the checks that settings share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class BadUrl(ValueError):  # noqa: N818 - named after its cause
    """A URL can't be used. The text names the expected form. It is shown, so it must not repeat any part of the URL."""


class Setting(NamedTuple):
    """A setting of a consumer.

    Example:
        Setting("URL", None, https_url)  # the consumer `webhook` reads it from TRADEWIRE_WEBHOOK_URL
    """

    name: str
    """The end of the variable's name, in capitals, with its unit: `TIMEOUT_SECONDS`."""
    default: Any
    """The value if the variable is unset or empty. None: the variable must be set."""
    parse: Callable[[str], Any]
    """Returns the value of a text, which is not empty. Raises ValueError with the expectation in words.

    A setting whose name ends with URL may hold a password, so its value is never shown. For it, only the text of a
    BadUrl is shown: that of another ValueError, such as urllib's, may repeat the value.
    """


def is_secret(name: str) -> bool:
    """Return whether the value of a variable may be or hold a secret, so that it is never shown."""
    return name.endswith("URL") or any(word in name for word in ("SECRET", "PASSWORD", "TOKEN"))


def whole(low: int, high: int) -> Callable[[str], int]:
    """Make the check of a whole number between two bounds, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,15}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return parse
