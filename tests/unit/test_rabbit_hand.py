"""What a connection to RabbitMQ counts: it believes the server only as far as the notes of the stack agree."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tradewire.queue import LIVE
from tradewire.queue.rabbit import stamp
from tradewire.queue.rabbit.hand import Hand
from tradewire.queue.rabbit.notes import RETURN_SECONDS
from tradewire.queue.rabbit.receiver import Delivery, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Server(Receiver):
    """A receiver that needs no RabbitMQ. It has a queue `live`."""

    def __init__(self) -> None:
        self.waiting: list[Delivery] = []
        self.has_leader = True
        self.asked = 0
        self.may_lose = False
        self.is_broken = False
        self._number = 0

    def put(self, *bodies: bytes) -> None:
        for body in bodies:
            self._number += 1
            self.waiting.append(Delivery(self._number, "1", stamp.make(), body))

    def ready(self, queue: str) -> int:
        return len(self.waiting) if queue == LIVE and self.has_leader else 0

    def ready_for_certain(self, queue: str) -> int:
        self.asked += 1
        if not self.has_leader:
            raise TimeoutError
        return self.ready(queue)

    def take(
        self, queue: str, limit: int, wait_seconds: float, bytes_max: float, has_rivals: Callable[[], bool]
    ) -> list[Delivery]:
        assert (queue, wait_seconds, bytes_max, has_rivals()) == (LIVE, 0, 100, False)
        if self.is_broken:
            raise ConnectionResetError
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        pass

    def give_back(self, queue: str, deliveries: Sequence[Delivery], has_rivals: Callable[[], bool]) -> None:
        assert (queue, has_rivals()) == (LIVE, False)
        self.waiting = sorted([*self.waiting, *deliveries], key=lambda delivery: delivery.message_id)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path)


def put(hand: Hand, server: Server, *bodies: bytes) -> None:
    puts = [(LIVE, body) for body in bodies]
    hand.note_puts(puts)
    server.put(*bodies)
    hand.add_bytes(puts)


def test_jobs_are_counted_from_their_put_until_they_are_settled(hand: Hand, server: Server) -> None:
    put(hand, server, b"12", b"345", b"6789")
    assert hand.counts(server, LIVE) == (3, 0, 0, 0, 0, 9, 0)
    first, second = hand.take(server, LIVE, 2, 0, 100)
    assert hand.counts(server, LIVE)[:2] == (1, 2)
    hand.accept(server, [first])
    hand.give_back(server, [second])
    assert hand.counts(server, LIVE) == (2, 0, 0, 0, 0, 7, 0)
    assert server.asked == 0


def test_only_jobs_that_the_connection_holds_are_its_own(hand: Hand, server: Server) -> None:
    put(hand, server, b"a", b"b")
    held = hand.take(server, LIVE, 2, 0, 100)
    hand.accept(server, held[:1])
    jobs = [each.job for each in held]
    assert hand.own(jobs) == held[1:]
    hand.lose()
    assert hand.own(jobs) == []
    assert not hand


def test_a_tube_without_a_leader_does_not_count_as_empty(hand: Hand, server: Server) -> None:
    put(hand, server, b"a")
    server.has_leader = False
    with pytest.raises(TimeoutError):
        hand.counts(server, LIVE)
    server.has_leader = True
    assert hand.counts(server, LIVE)[:2] == (1, 0)


def test_an_empty_tube_is_not_asked_for_a_job(hand: Hand, server: Server) -> None:
    put(hand, server, b"a")
    hand.accept(server, hand.take(server, LIVE, 1, 0, 100))
    assert hand.counts(server, LIVE) == (0,) * 7
    assert server.asked == 0


def test_jobs_that_were_never_put_are_forgotten_once_their_tube_is_empty(hand: Hand, server: Server) -> None:
    hand.note_puts([(LIVE, b"a"), (LIVE, b"b")])
    for _ in range(2):
        assert hand.counts(server, LIVE) == (0,) * 7
    assert server.asked == 1


def test_jobs_that_were_put_twice_are_counted_when_they_are_seen(hand: Hand, server: Server) -> None:
    put(hand, server, b"a")
    server.put(b"a")
    assert hand.counts(server, LIVE)[:2] == (2, 0)
    assert hand.notes.look(LIVE).jobs == 2


def test_jobs_of_a_broken_connection_count_as_reserved_until_rabbitmq_must_have_given_them_back(
    hand: Hand, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(hand, server, b"a", b"b")
    hand.take(server, LIVE, 2, 0, 100)
    hand.lose()
    assert hand.counts(server, LIVE)[:2] == (0, 2)
    now = time.monotonic_ns() + RETURN_SECONDS * 10**9
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    assert not hand.notes.look(LIVE).stray


@pytest.mark.parametrize("may_lose", [True, False])
def test_a_connection_that_breaks_while_it_takes_jobs_may_have_taken_some_unseen(
    hand: Hand, server: Server, *, may_lose: bool
) -> None:
    server.is_broken, server.may_lose = True, may_lose
    with pytest.raises(ConnectionResetError):
        hand.take(server, LIVE, 2, 0, 100)
    hand.lose()
    assert hand.notes.look(LIVE).stray == may_lose
    server.is_broken = False
    assert hand.take(server, LIVE, 2, 0, 100) == []
    hand.lose()
    assert hand.notes.look(LIVE).stray == may_lose, "the second link broke between two calls"


def test_the_age_of_a_tube_that_was_never_seen_empty_begins_at_the_first_look(
    hand: Hand, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: now)
    put(hand, server, b"a")
    assert hand.counts(server, LIVE).oldest_job_age_seconds == 0
    now += 2 * 10**9
    assert hand.counts(server, LIVE).oldest_job_age_seconds == 2


def test_the_age_of_a_tube_begins_when_it_was_last_seen_empty(
    hand: Hand, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: now)
    assert hand.counts(server, LIVE).oldest_job_age_seconds == 0
    now += 3 * 10**9
    put(hand, server, b"a")
    now += 2 * 10**9
    assert hand.counts(server, LIVE).oldest_job_age_seconds == 5  # it may be too high by the time between two looks
    [held] = hand.take(server, LIVE, 1, 0, 100)
    hand.give_back(server, [held])
    assert hand.counts(server, LIVE).oldest_job_age_seconds == 2
