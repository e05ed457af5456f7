"""The cookies in the browsers of users. Scripts can't read them, and other sites can't make use of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.ledger.counters import stack_id

if TYPE_CHECKING:
    from tradewire.settings import Settings


def name_of(kind: str, settings: Settings) -> str:
    """Return the name of a cookie. It has the stack's id, since all ports of a host share their cookies.

    Args:
        kind: `session`, `known` or `login`.
        settings: The stack's settings.

    Raises:
        Unavailable: The stack's id can't be read.
    """
    secure = "__Secure-" if settings.public_path else "__Host-"  # the latter is for the whole host alone
    prefix = secure if settings.is_https else ""
    return f"{prefix}tradewire-{kind}-{stack_id(settings.counters)}"


def value_of(cookies: str, name: str) -> str:
    """Return the value of a cookie in the header `Cookie`; empty without it."""
    for part in cookies.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def setting(
    name: str, value: str, settings: Settings, *, seconds: int | None = None, comes_with_links: bool = False
) -> str:
    """Return the header `Set-Cookie`.

    Args:
        name: The cookie's name.
        value: The cookie's value.
        settings: The stack's settings.
        seconds: How long the browser keeps the cookie; None: until the browser ends.
        comes_with_links: Whether the browser has to send it when another site leads it here, as a provider does.
    """
    age = "" if seconds is None else f"; Max-Age={seconds}"
    # A link on another site sends a lax cookie. Over https, the browser tells so, and the API refuses the request.
    sent = "Lax" if settings.is_https or comes_with_links else "Strict"
    secure = "; Secure" if settings.is_https else ""
    return f"{name}={value}; Path={settings.public_path}/; HttpOnly; SameSite={sent}{secure}{age}"


def comes_back_to(origin: str, settings: Settings) -> bool:
    """Return whether a browser sends these cookies back to an origin of the stack.

    Args:
        origin: The page's origin, such as `http://127.0.0.1:8080`. A proxy in front may give it another path and scheme
            than nginx.
        settings: The stack's settings.
    """
    if settings.public_path and origin != settings.public_origin:
        return False
    return origin.startswith("https:") or not settings.is_https  # over http, some browsers keep no secure cookie
