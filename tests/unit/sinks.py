"""A sink that does what a test says, and the processor around it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from processor.loop import Processor
from processor.sinks import Verdict
from tradewire.errors import InvalidEvent
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import LIVE, DeadLetter
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tradewire.errors import Unavailable


class ScriptedSink:
    """Takes events, all or none of them; none where one is empty or begins with `bad`.

    `script` holds the next deliveries' answers: OK is as just said, anything else happens instead.
    """

    tube = LIVE
    jobs_max = 500
    bytes_max = MAX_JOB_BYTES

    def __init__(self) -> None:
        self.away: Unavailable | None = None
        self.script: list[Verdict | Exception] = []
        self.ready = True
        """Whether it says READY when it is waited for."""
        self.asked: list[list[bytes]] = []
        self.shown: list[bytes] = []
        self.held_off: list[float] = []
        self.closed = 0
        self.before_delivery: Callable[[], object] = lambda: None
        self.during_hold_off: Callable[[], object] = lambda: None

    def connect(self) -> None:
        if self.away:
            raise self.away

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        self.before_delivery()
        assert events
        assert len(b"\n".join(events)) <= self.bytes_max
        self.asked.append(list(events))
        answer = self.script.pop(0) if self.script else Verdict.OK
        if isinstance(answer, Exception):
            raise answer
        if answer is Verdict.WAIT:
            return answer
        for event in events:
            if not event or event.startswith(b"bad"):
                raise InvalidEvent(f"told so of {event.decode()}")
        self.shown += events
        return Verdict.OK

    def hold_off(self, timeout_seconds: float) -> bool:
        self.held_off.append(timeout_seconds)
        self.during_hold_off()
        if self.away:
            raise self.away
        return self.ready

    def close(self) -> None:
        self.closed += 1


class PatientStop(Stop):
    """A stop whose waits take no time; `during_wait` is called with their numbers, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.during_wait: Callable[[int], object] = lambda _: None

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.during_wait(len(self.waits))


class Bench:
    """A processor with all that is around it, and the jobs of this test put into its tube."""

    def __init__(self, *bodies: bytes) -> None:
        self.broker = Broker()
        self.sink = ScriptedSink()
        self.stop = PatientStop()
        self._capture = LogCapture()
        log = structlog.wrap_logger(logging.getLogger(__name__), processors=[self._capture], wrapper_class=BoundLogger)
        self.processor = Processor(MemoryQueue(self.broker), self.sink, self.stop, log)
        self.put(*bodies)

    def put(self, *bodies: bytes) -> None:
        """Put jobs into the tube."""
        queue = MemoryQueue(self.broker)
        for body in bodies:
            queue.put(body, [LIVE])

    @property
    def waiting(self) -> list[bytes]:
        """The bodies of the jobs that are ready, in order."""
        ready = self.broker.ready[LIVE]
        return [ready[number].body for number in sorted(ready)]

    @property
    def in_flight(self) -> int:
        """How many jobs are reserved."""
        return len(self.broker.reserved)

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """What an operator sees as buried."""
        return MemoryQueue(self.broker).dead_letters(LIVE, 1000)

    def logged(self, event: str) -> int:
        """How many times the event was logged."""
        return sum(entry["event"] == event for entry in self._capture.entries)
