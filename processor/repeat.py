"""Repeats the step of a program that works on the queue, through outages of its neighbours, until it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.backoff import Backoff
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from tradewire.queue import Queue
    from tradewire.stop import Stop


def repeat(step: Callable[[], None], queue: Queue, stop: Stop, log: BoundLogger) -> None:
    """Repeat a step until a stop is requested. Then close the queue, which releases reserved jobs.

    Args:
        step: Raises Unavailable in an outage. It is repeated after a pause, with the queue closed.
        queue: The queue that the step uses.
        stop: Ends the loop.
        log: Gets a line at the beginning and the end of each outage.
    """
    backoff = Backoff()
    in_outage = False
    while not stop.requested:
        try:
            step()
            if in_outage:
                log.info("dependency is back")
                in_outage = False
            backoff.reset()
        except Unavailable as error:
            queue.close()
            if not in_outage:
                log.warning("waiting for a dependency", reason=str(error))
                in_outage = True
            stop.wait(backoff.next())
    queue.close()
