"""The watermark: the time before which every accepted message is archived, or named as lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewire.errors import Unavailable
from tradewire.ledger import slots
from tradewire.ledger.counters import clock_microseconds, translate_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tradewire.queue import TubeCounts

_MARGIN_MICROSECONDS: Final = 1000
"""For a clock that another core reads."""


def archived_up_to(folder: Path, count_archive: Callable[[], TubeCounts], passed: Mapping[int, int]) -> int:
    """Return the watermark. Call this before reading the messages that the watermark is for.

    Args:
        folder: The folder of the ledger.
        count_archive: Counts the archive's tube. If it raises Unavailable, the watermark is older, but still right.
        passed: By ingest process, the number of the last slot that has passed the archive's tube.

    Returns:
        Microseconds since 1970.

    Raises:
        Unavailable: The slots can't be read.
    """
    try:
        # In this order: a message that is put in between is seen either as in flight or in the tube.
        settled = settled_up_to(folder)
        counts = count_archive()
        if not counts.ready and not counts.reserved:
            return settled
    except Unavailable:
        pass
    return reconciled_up_to(folder, passed)


def settled_up_to(folder: Path) -> int:
    """Return the time before which no request is in flight any more. Every accepted one of them is in the queue.

    Args:
        folder: The folder of the ledger.

    Returns:
        Microseconds since 1970.

    Raises:
        Unavailable: The slots can't be read.
    """
    now = clock_microseconds() - _MARGIN_MICROSECONDS  # first: what begins later has a later time
    with translate_errors(folder):
        return min(now, slots.oldest_in_flight(folder) or now)


def reconciled_up_to(folder: Path, passed: Mapping[int, int]) -> int:
    """Return the time before which every accepted message is reconciled with the archive.

    It is behind the watermark by a few seconds, since a mark must pass first.

    Args:
        folder: The folder of the ledger.
        passed: By ingest process, the number of the last slot that has passed the archive's tube.

    Returns:
        Microseconds since 1970.

    Raises:
        Unavailable: The slots can't be read.
    """
    now = clock_microseconds() - _MARGIN_MICROSECONDS
    with translate_errors(folder):
        return min([now, *(name.label for name in slots.names(folder) if not name.is_passed(passed))])
