"""Whether a request comes from the stack's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_own(origins: Sequence[str], hosts: Sequence[str], public_origin: str) -> bool:
    """Return whether a request names the stack's own origin, and no other.

    Args:
        origins: The values of its `Origin` headers. Browsers send one; programs send none.
        hosts: The values of its `Host` headers.
        public_origin: The page's origin behind a proxy that changes the host. Empty without such a proxy.
    """
    public = urlsplit(public_origin)
    if public_origin and (list(origins) == [public_origin] or [*hosts] in ([public.netloc], [public.hostname])):
        return list(origins) == [public_origin]  # the proxy may name its own host; another scheme or port is foreign
    try:
        return bool(origins) and [urlsplit(origin).netloc for origin in origins] == list(hosts)
    except ValueError:  # the Origin is not a URL
        return False
