"""Announces to the users of a consumer that events were given up, and tries again until that has succeeded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tradewire.backoff import Backoff
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

_RETRY_SECONDS: Final = 5.0
_RETRY_SECONDS_MAX: Final = 60.0


class Announcer:
    """Makes the announcements of one consumer.

    An announcement that fails holds up nothing: events are given up all the same, or the queue would fill up.

    Args:
        announce: Makes one announcement. Raises Unavailable if that fails.
        log: Gets a line for each failure.
    """

    def __init__(self, announce: Callable[[], None], log: BoundLogger) -> None:
        self._announce = announce
        self._log = log
        self._backoff = Backoff(_RETRY_SECONDS, _RETRY_SECONDS_MAX)
        self._is_owed = False
        self._not_before = 0.0
        """After a failure: when to try again, in seconds of the monotonic clock."""

    def announce(self) -> None:
        """Announce that events are about to be given up."""
        self._is_owed = True
        self.retry()

    def retry(self) -> None:
        """Make the announcement that has failed, if there is one and it is time."""
        if not self._is_owed or time.monotonic() < self._not_before:
            return
        try:
            self._announce()
        except Unavailable as error:
            pause = self._backoff.next()
            self._not_before = time.monotonic() + pause
            self._log.warning("can't announce that events were given up", reason=str(error), retry_seconds=round(pause))
        else:
            self._is_owed = False
            self._not_before = 0.0
            self._backoff.reset()
