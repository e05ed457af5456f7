"""What a crowd of browsers tells of itself, in a module of its own: both ends of the pipe must know it by one name."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """What a crowd has seen since it came."""

    browsers: int
    """Connected, and welcomed by the server."""
    dropped: int
    """Left by the server."""
    least: int
    """Events, of the browser that was shown the fewest."""
    most: int
    gaps: int
    """Times that a browser was told that it missed something."""
    begun_ns: int
    """When the first one began to connect, by the monotonic clock, as all moments here."""
    welcomed_ns: int
    """When the last one was welcomed. 0: none was."""
    first_ns: int
    """When the first event came. 0: none has."""
    last_ns: int
