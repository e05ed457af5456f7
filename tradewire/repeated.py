"""Work that is done again and again, in a thread of its own, for as long as the process lives.

Example:
    repeated.start(discovery, "discovery", REFRESH_SECONDS, Backoff(5, 60), log)
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from tradewire.backoff import Backoff


class Repeated(Protocol):
    """Work that can be done again."""

    fault: str
    """Why the last step failed. Each step sets it, and empties it if it succeeds."""

    def step(self) -> None:
        """Do the work once. It may raise any error, which is logged, and is then the fault."""


def start(work: Repeated, name: str, pause_seconds: float, backoff: Backoff, log: BoundLogger) -> None:
    """Start to do some work, now and from then on.

    Args:
        work: The work.
        name: The name of the thread.
        pause_seconds: How long to wait after a step that succeeded.
        backoff: How long to wait after a step that failed.
        log: Gets a line for each error that a step raises.
    """

    def run() -> None:
        while True:
            time.sleep(once(work, pause_seconds, backoff, log))

    threading.Thread(target=run, name=name, daemon=True).start()


def once(work: Repeated, pause_seconds: float, backoff: Backoff, log: BoundLogger) -> float:
    """Do a step, and return how many seconds to wait before the next one. The arguments are those of `start`."""
    try:
        work.step()
    except Exception as error:  # the next attempt may succeed
        work.fault = f"an internal error: {error!r}"
        log.exception("unhandled error", exc_info=error)
    if work.fault:
        return backoff.next()
    backoff.reset()
    return pause_seconds
