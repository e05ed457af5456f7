"""The contract of a sink, the place to which a processor delivers the events of one consumer."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue, Rejected
    from tradewire.settings import Settings

    SinkFactory = Callable[[Consumer, Settings, Queue], "Sink"]
    """Makes the sink of a processor. It connects to nothing yet.

    The arguments are the consumer's declaration with the values of its settings, all settings, and the processor's
    queue, which is for receipts only.
    """


class Verdict(Enum):
    """A sink's answer to a delivery. Any other outcome is an exception."""

    OK = "ok"
    """Delivered: the processor deletes the jobs."""
    WAIT = "wait"
    """Nothing was delivered, and later it can be: the processor releases the jobs and holds off."""


DELIVERY_SECONDS_MAX: Final = 15
"""Longest time that one delivery may take. Half of the TTR, since a delivery does not begin right when its jobs are
reserved (see `processor.loop.HOLD_SECONDS`)."""


class PartialDelivery(Exception):  # noqa: N818 - not an error: an outcome that is neither OK nor WAIT
    """Some events of a delivery were delivered, and others were not. Raised by `Sink.deliver`.

    The processor puts the failed events anew into its own tube, makes dead letters of the rejected ones, and only then
    deletes the jobs.

    Args:
        failed: Events that could not be delivered now. They are delivered again later.
        rejected: Events that can never be delivered, each with the reason.
    """

    def __init__(self, failed: Sequence[bytes] = (), rejected: Sequence[Rejected] = ()) -> None:
        super().__init__(f"{len(failed)} failed, {len(rejected)} rejected")
        self.failed = failed
        self.rejected = rejected


class Sink(Protocol):
    """Delivers the events of one tube. A processor calls it from one thread.

    Every call but `close` raises Unavailable if the service behind the sink can't be reached. The processor then
    closes its queue, which releases its jobs, and tries again later with growing delays.

    Example:
        class PrintSink:
            jobs_max = 100
            bytes_max = MAX_JOB_BYTES

            def __init__(self, consumer: Consumer, settings: Settings, queue: Queue) -> None:
                pass

            def connect(self) -> None:
                pass

            def deliver(self, events: Sequence[bytes]) -> Verdict:
                for trade_event in [event.decode(line) for line in events]:
                    print(trade_event.user_id)
                return Verdict.OK

            def hold_off(self, timeout_seconds: float) -> bool:
                raise NotImplementedError  # deliver() never returns WAIT

            def close(self) -> None:
                pass
    """

    jobs_max: int
    """Most jobs that the processor reserves at once."""
    bytes_max: int
    """Largest delivery in bytes, its lines joined by line ends. At least MAX_JOB_BYTES."""

    def connect(self) -> None:
        """Connect if needed. The processor calls this each time before it reserves jobs.

        Raises:
            Unavailable: The sink can't be reached, so no jobs should be reserved for it.
        """

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        """Deliver events. The call may block, but for `DELIVERY_SECONDS_MAX` at most: set time limits on all I/O.

        If a call takes longer than the TTR (`limits.TTR_SECONDS`), another processor gets the same jobs.

        An event may be delivered again after a crash or a lost connection. It then has the same id as before.

        If `delivered` is among the consumer's outcomes, the processor puts a receipt for each delivered event. A sink
        with an outcome of another kind puts its receipts itself, before it returns.

        Args:
            events: Lines as they came from the queue, encoded and unchecked; at least one.

        Returns:
            OK if all are delivered, WAIT if none can be delivered now.

        Raises:
            PartialDelivery: Some are delivered. It names all others.
            InvalidEvent: At least one of them can never be delivered, and none was. The processor finds it by
                delivering smaller parts, and makes a dead letter of it.
            Unavailable: The sink can't be reached. Some of the events may have been delivered.

        Example:
            failed = [line for line in events if not self._post(line)]
            if failed:
                raise PartialDelivery(failed)
            return Verdict.OK
        """

    def hold_off(self, timeout_seconds: float) -> bool:
        """Wait until the next delivery is worth a try. The processor calls this after a WAIT, holding no jobs.

        Args:
            timeout_seconds: The longest time to wait.

        Returns:
            True if the sink is known to take events again; the processor then goes on with full batches. False if
            the time ran out; it then tries a single job.

        Raises:
            Unavailable: The sink can't be reached.
        """

    def close(self) -> None:
        """Close connections. Does nothing if they are closed."""
