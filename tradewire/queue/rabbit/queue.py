"""The queue of the RabbitMQ engine. Each tube is a quorum queue of its name, with another one for its dead letters."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from tradewire.errors import QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, DEAD_SUFFIX, DeadLetter, Job, Queue, Rejected, TubeCounts, dead_letter
from tradewire.queue.rabbit import faults
from tradewire.queue.rabbit.alone import alone
from tradewire.queue.rabbit.hand import Hand, Held
from tradewire.queue.rabbit.link import RefusedError
from tradewire.queue.rabbit.links import Links
from tradewire.queue.rabbit.reasons import ERRORS, reason
from tradewire.queue.rabbit.topology import PROBE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tradewire.queue.rabbit.address import Address
    from tradewire.queue.rabbit.receiver import Receiver

_TRUST_SECONDS: Final = 1.0
"""How long the outcome of a check is valid: that RabbitMQ takes messages, or that it does not."""
_TURN_ANSWERS: Final = 2
"""How long to wait while others use a tube's dead letters: as long as for so many answers."""
_LETTERS_MAX: Final = 10**6


class RabbitQueue(Queue):
    """One connection to a cluster of RabbitMQ.

    Args:
        address: The parts of the URL.
        max_bytes: Size of all jobs together at which `put` is refused.
        folder: For the notes about each tube.
    """

    def __init__(self, address: Address, max_bytes: int, folder: Path) -> None:
        self._links = Links(address)
        self._answer_seconds = address.answer_seconds
        self._where = ", ".join(address.hosts)
        self._max_bytes = max_bytes
        self._folder = folder
        self._hand = Hand(folder)
        self._trusted_until = 0.0
        self._refused_until = 0.0
        self._fault = ""

    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        if time.monotonic() >= self._trusted_until:
            self.check()
        try:
            self._publish([(tube, body) for tube in tubes for body in bodies])
        except QueueUnavailable:
            self._trusted_until = 0.0
            raise

    def put_receipt(self, receipt: bytes) -> None:
        self._publish([(ARCHIVE, receipt)])

    def put_mark(self, tube: str, mark: bytes) -> None:
        self._publish([(tube, mark)])

    def reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        with self._receiving() as receiver:
            self._hand.notes.consume(tube)
            return [held.job for held in self._hand.take(receiver, tube, limit, timeout_seconds, bytes_max)]

    def reserve_oldest(self, tube: str, limit: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        with self._receiving() as receiver:
            return [held.job for held in self._hand.take(receiver, tube, limit, 0, bytes_max)]

    def delete(self, jobs: Sequence[Job]) -> None:
        with self._holding() as receiver:
            self._hand.accept(receiver, self._hand.own(jobs))

    def release(self, jobs: Sequence[Job]) -> None:
        with self._holding() as receiver:
            self._hand.give_back(receiver, self._hand.own(jobs))

    def put_again(self, tube: str, events: Sequence[bytes]) -> None:
        with self._holding():
            self._publish([(tube, event) for event in events])

    def dead_letter(self, job: Job, rejected: Sequence[Rejected]) -> None:
        with self._holding() as receiver:
            self._publish([(job.tube + DEAD_SUFFIX, dead_letter.encode(job.tube, one)) for one in rejected])
            self._hand.accept(receiver, self._hand.own([job]))

    def dead_letters(self, tube: str, limit: int) -> list[DeadLetter]:
        with self._letters(tube) as (receiver, letters):
            self._hand.give_back(receiver, letters)
        return [_decode(tube, letter) for letter in letters[:limit]]

    def requeue(self, tube: str, dead_letter_id: str) -> bool:
        def put(letter: Held) -> None:
            self._publish([(tube, _decode(tube, letter).event)])

        return self._settle_letter(tube, dead_letter_id, put)

    def discard(self, tube: str, dead_letter_id: str) -> bool:
        return self._settle_letter(tube, dead_letter_id, lambda _: None)

    def counts(self, tube: str) -> TubeCounts:
        with self._receiving() as receiver:
            return self._hand.counts(receiver, tube)

    def has_strays(self, tube: str) -> bool:
        with self._translated():
            return self._hand.notes.look(tube).stray > 0

    def fill(self) -> float:
        with self._receiving() as receiver:
            receiver.ready(PROBE)
            return self._hand.total_bytes() / self._max_bytes

    def check(self) -> None:
        self._trusted_until = 0.0
        if time.monotonic() < self._refused_until:  # the answer would be the same, after seconds
            raise QueueUnavailable(self._fault)
        try:
            if self.fill() > 1:
                self.close()
                raise QueueUnavailable(f"{faults.FULL}: its jobs have over {self._max_bytes} bytes")
            self._retry(lambda: self._links.publisher().publish([(PROBE, b"")]))
        except QueueUnavailable as error:
            self._refused_until, self._fault = time.monotonic() + _TRUST_SECONDS, str(error)
            raise
        self._trusted_until = time.monotonic() + _TRUST_SECONDS

    def close(self) -> None:
        if self._hand and self._links.is_receiving:
            with suppress(QueueUnavailable), self._translated():  # if it fails, RabbitMQ gives the jobs back later
                self._hand.give_back_all(self._links.receiver(may_renew=False))
        self._links.close()
        self._hand.close()

    def _publish(self, puts: Sequence[tuple[str, bytes]]) -> None:
        """Publish bodies. If an open link turns out to be dead, publish them on another, so some may be put twice.

        A second copy of an event has the same id, so it is still shown and archived once.
        """
        if not puts:
            return
        with self._translated():
            self._hand.note_puts(puts)
        self._retry(lambda: self._links.publisher().publish(puts))
        self._hand.add_bytes(puts)

    @contextmanager
    def _letters(self, tube: str) -> Iterator[tuple[Receiver, list[Held]]]:
        """Take the dead letters of a tube, oldest first, for a block that settles all or gives them back.

        All that were confirmed before are there (see `Receiver.take_counted`): the stack's connections do this one
        after the other, and no other stack uses the virtual host. Only the letters of a connection that broke or was
        killed may be missing, until RabbitMQ has noticed. All are taken, however few are wanted, since a part that goes
        back would lie behind the others.
        """
        dead = tube + DEAD_SUFFIX
        wait_seconds = _TURN_ANSWERS * self._answer_seconds
        with self._translated(), alone(self._folder, dead, wait_seconds) as is_alone:
            if not is_alone:
                raise RefusedError(faults.BUSY)
            with self._receiving() as receiver:  # if it fails, others know of lost letters before they take any
                yield receiver, self._hand.take_counted(receiver, dead, _LETTERS_MAX)

    def _settle_letter(self, tube: str, letter_id: str, prepare: Callable[[Held], None]) -> bool:
        with self._letters(tube) as (receiver, letters):
            found = next((letter for letter in letters if letter.letter_id == letter_id), None)
            if found:
                prepare(found)
                self._hand.accept(receiver, [found])
            self._hand.give_back(receiver, [letter for letter in letters if letter is not found])
            if not found and self._hand.notes.look(tube + DEAD_SUFFIX).stray:
                raise RefusedError(faults.AWAY)
        return found is not None

    def _retry(self, call: Callable[[], None]) -> None:
        """Make a call that may be made twice: if an open link turns out to be dead, repeat it on another."""
        may_repeat = self._links.is_publishing and not self._hand
        try:
            with self._translated():
                return call()
        except QueueUnavailable as error:
            if not may_repeat or isinstance(error.__cause__, TimeoutError | RefusedError):
                raise
        with self._translated():
            return call()

    @contextmanager
    def _receiving(self) -> Iterator[Receiver]:
        """Yield the link to take jobs. Open it first if it is closed, or was not used for long."""
        with self._translated():
            yield self._links.receiver(may_renew=not self._hand)

    @contextmanager
    def _holding(self) -> Iterator[Receiver]:
        """Yield the link that reserved the jobs, never a different one."""
        if not self._links.is_receiving:
            raise QueueUnavailable("the connection that had reserved the jobs is closed")
        with self._translated():
            yield self._links.receiver(may_renew=False)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors into QueueUnavailable. Close the links on any, since later answers can't be trusted."""
        try:
            yield
        except QueueUnavailable:
            raise
        except RefusedError as error:
            self._links.avoid()
            self.close()
            raise QueueUnavailable(str(error)) from error
        except ERRORS as error:
            text = reason(error, self._links.hosts or self._where, self._answer_seconds)
            self._drop()
            raise QueueUnavailable(text) from error
        except BaseException:  # an interrupted call may leave an answer that the next one would read
            self._drop()
            raise

    def _drop(self) -> None:
        """Drop the links. RabbitMQ holds the reserved jobs for some time more."""
        self._links.drop()
        with suppress(OSError):  # no disk space for the notes: then there are none about these jobs
            self._hand.lose()
        self._hand.close()


def _decode(tube: str, letter: Held) -> DeadLetter:
    return dead_letter.decode(tube, letter.letter_id, letter.job.body)
