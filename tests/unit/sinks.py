"""A sink with scripted behaviour, and a processor that uses it."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from processor.loop import Processor
from processor.sinks import Verdict
from processor.turns import Turns
from tradewire import receipt
from tradewire.consumers import live
from tradewire.errors import InvalidEvent
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, DeadLetter
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from tradewire.consumer import Consumer
    from tradewire.errors import Unavailable
    from tradewire.queue import Job, Rejected
    from tradewire.receipt import Receipt


class ScriptedSink:
    """Takes all events of a delivery, or none of them if one is empty or begins with `bad`.

    `script` holds the results of the next deliveries. OK stands for the behaviour above. Other verdicts are returned,
    and exceptions are raised.
    """

    jobs_max = 500
    bytes_max = MAX_JOB_BYTES

    def __init__(self) -> None:
        self.outage: Unavailable | None = None
        self.script: list[Verdict | Exception] = []
        self.ready = True
        """Whether a hold-off ends with READY."""
        self.deliveries: list[list[bytes]] = []
        self.delivered: list[bytes] = []
        self.hold_offs: list[float] = []
        self.closed = 0
        self.before_delivery: Callable[[], object] = lambda: None
        self.during_hold_off: Callable[[], object] = lambda: None

    def connect(self) -> None:
        if self.outage:
            raise self.outage

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        self.before_delivery()
        assert events
        assert len(b"\n".join(events)) <= self.bytes_max
        self.deliveries.append(list(events))
        result = self.script.pop(0) if self.script else Verdict.OK
        if isinstance(result, Exception):
            raise result
        if result is Verdict.WAIT:
            return result
        for event in events:
            if not event or event.startswith(b"bad"):
                raise InvalidEvent(f"invalid: {event.decode()}")
        self.delivered += events
        return Verdict.OK

    def hold_off(self, timeout_seconds: float) -> bool:
        self.hold_offs.append(timeout_seconds)
        self.during_hold_off()
        if self.outage:
            raise self.outage
        return self.ready

    def close(self) -> None:
        self.closed += 1


class InstantStop(Stop):
    """A stop whose waits take no time. Each wait calls `during_wait` with its number, from 1."""

    def __init__(self) -> None:
        self.requested = False  # a Stop would open a pipe for each test, too
        self.waits: list[float] = []
        self.during_wait: Callable[[int], object] = lambda _: None

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.during_wait(len(self.waits))


class UnsettlingQueue(MemoryQueue):
    """A queue that becomes unavailable when a reserved job is about to be settled."""

    def delete(self, jobs: Sequence[Job]) -> None:
        self._broker.fault = "away"
        super().delete(jobs)

    def dead_letter(self, job: Job, rejected: Sequence[Rejected]) -> None:
        self._broker.fault = "away"
        self._check_reachable()
        super().dead_letter(job, rejected)


_folder = TemporaryDirectory(prefix="tw-turns-")
_numbers = itertools.count()


def new_turns(tube: str) -> Turns:
    """Return the turns of a program in a tube that no other program uses."""
    return Turns(Path(_folder.name) / str(next(_numbers)), tube)


class ProcessorHarness:
    """A processor with its queue, sink and log. The bodies are put into its tube."""

    def __init__(
        self, *bodies: bytes, queue: type[MemoryQueue] = MemoryQueue, consumer: Consumer = live.CONSUMER
    ) -> None:
        self.tube = consumer.name
        self.broker = Broker()
        self.sink = ScriptedSink()
        self.stop = InstantStop()
        self._capture = LogCapture()
        log = structlog.wrap_logger(logging.getLogger(__name__), processors=[self._capture], wrapper_class=BoundLogger)
        self.processor = Processor(queue(self.broker), consumer, self.sink, new_turns(consumer.name), self.stop, log)
        self.put(*bodies)

    def put(self, *bodies: bytes) -> None:
        """Put jobs into the tube."""
        queue = MemoryQueue(self.broker)
        for body in bodies:
            queue.put(body, [self.tube])

    @property
    def waiting(self) -> list[bytes]:
        """The bodies of the ready jobs, in order."""
        ready = self.broker.ready[self.tube]
        return [ready[number].body for number in sorted(ready)]

    @property
    def in_flight(self) -> int:
        """The number of reserved jobs."""
        return len(self.broker.reserved)

    @property
    def receipts(self) -> list[Receipt]:
        """The receipts in the archive's tube."""
        ready = self.broker.ready[ARCHIVE]
        return [receipt.decode(ready[number].body) for number in sorted(ready)]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """The dead letters that an operator sees."""
        return MemoryQueue(self.broker).dead_letters(self.tube, 1000)

    @property
    def log(self) -> list[MutableMapping[str, Any]]:
        """All lines that were logged."""
        return self._capture.entries

    def logged(self, event: str) -> int:
        """Return how many times this event was logged."""
        return sum(entry["event"] == event for entry in self.log)
