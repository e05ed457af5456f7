"""The counts that a client pool reports.

They have a module of their own because they are pickled: both ends of the pipe must import them by the same name.
"""

from __future__ import annotations

from typing import NamedTuple


class ClientCounts(NamedTuple):
    """Totals of a client pool since it connected. Times are ns of the monotonic clock; 0 means "not yet"."""

    connected: int
    """Clients that are connected and have received the server's hello, if it sends one."""
    dropped: int
    """Clients disconnected by the server."""
    min_events: int
    """Events received by the client with the fewest."""
    max_events: int
    """Events received by the client with the most."""
    gaps: int
    """Gap frames received, by all clients together."""
    connect_start_ns: int
    """When the first client began to connect."""
    last_hello_ns: int
    """When the last hello arrived."""
    first_event_ns: int
    last_event_ns: int
