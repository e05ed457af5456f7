"""The RabbitMQ engine while a queue's leader is slow, and while connections compete: all is found all the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.rabbitmq import START_SECONDS
from tradewire.errors import QueueUnavailable
from tradewire.queue import DEAD_SUFFIX, LIVE, DeadLetter, Queue, Rejected
from tradewire.queue.rabbit import faults
from tradewire.queue.rabbit.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.rabbitmq import Cluster

pytestmark = pytest.mark.timeout(START_SECONDS + 300)

SLOW_SECONDS = 1.0
"""Longer than RabbitMQ waits for a queue's leader before it counts 0 messages."""


def dead_letters(queue: Queue, *events: bytes) -> list[DeadLetter]:
    """Make dead letters of events, and list them."""
    queue.put(b"\n".join(events), [LIVE])
    [job] = queue.reserve(LIVE, 1, 5)
    queue.dead_letter(job, [Rejected(event, "because") for event in events])
    letters = queue.dead_letters(LIVE, 100)
    assert [letter.event for letter in letters] == list(events)
    return letters


def test_a_slow_leader_hides_no_dead_letter(cluster: Cluster, connect: Callable[..., Queue]) -> None:
    [node] = cluster.nodes
    queue, other = connect(), connect()
    letters = dead_letters(queue, b"a", b"b", b"c")
    for reader in (queue, other):
        node.suspend_leader(LIVE + DEAD_SUFFIX, SLOW_SECONDS)
        assert reader.dead_letters(LIVE, 10) == letters
    node.suspend_leader(LIVE + DEAD_SUFFIX, SLOW_SECONDS)
    assert other.requeue(LIVE, letters[0].id)
    node.suspend_leader(LIVE + DEAD_SUFFIX, SLOW_SECONDS)
    assert other.discard(LIVE, letters[1].id)
    node.suspend_leader(LIVE + DEAD_SUFFIX, SLOW_SECONDS)
    assert queue.counts(LIVE)[:3] == (1, 0, 1)
    assert queue.dead_letters(LIVE, 10) == letters[2:]


def test_a_slow_leader_hides_no_job(cluster: Cluster, connect: Callable[..., Queue]) -> None:
    [node] = cluster.nodes
    queue = connect()
    bodies = [b"%d" % number for number in range(10)]
    queue.put_all(bodies, [LIVE])
    for reserve in (queue.reserve_oldest, lambda tube, limit: queue.reserve(tube, limit, 30)):
        node.suspend_leader(LIVE, SLOW_SECONDS)
        jobs = reserve(LIVE, 100)
        assert [job.body for job in jobs] == bodies
        node.suspend_leader(LIVE, SLOW_SECONDS)
        queue.release(jobs)
        assert queue.counts(LIVE)[:2] == (10, 0)
    node.suspend_leader(LIVE, SLOW_SECONDS)
    assert queue.counts(LIVE)[:2] == (10, 0)


def test_jobs_that_a_connection_holds_hide_no_others_from_it(cluster: Cluster, connect: Callable[..., Queue]) -> None:
    queue = connect()
    for _ in range(3):  # the fourth consumer gets three jobs, so the next message is the fourth of its channel
        assert queue.reserve(LIVE, 1, 1) == []
    queue.put_all([b"a", b"b", b"c"], [LIVE])
    assert len(queue.reserve(LIVE, 3, 5)) == 3
    queue.put(b"d", [LIVE])
    cluster.nodes[0].suspend_leader(LIVE, SLOW_SECONDS)
    assert [job.body for job in queue.reserve_oldest(LIVE, 10)] == [b"d"]


def test_connections_that_use_dead_letters_at_the_same_time_hide_none_from_each_other(
    connect: Callable[..., Queue],
) -> None:
    letters = dead_letters(connect(), *(b"%d" % number for number in range(6)))
    with ThreadPoolExecutor() as threads:
        lists = threads.map(lambda reader: [reader.dead_letters(LIVE, 100) for _ in range(5)], [connect(), connect()])
        assert all(each == letters for lists_of_one in lists for each in lists_of_one)
        found = threads.map(lambda letter: connect().discard(LIVE, letter.id), letters)
        assert all(found)


def test_a_dead_letter_that_a_broken_connection_may_hold_is_not_said_to_be_missing(
    connect: Callable[..., Queue], home: Path
) -> None:
    queue = connect()
    [letter] = dead_letters(queue, b"a")
    with closing(Notes(home / "ledger")) as notes:  # of a connection that broke while it took dead letters
        notes.miss(LIVE + DEAD_SUFFIX, 1)
    with pytest.raises(QueueUnavailable, match=faults.AWAY):
        queue.discard(LIVE, "0")
    assert queue.discard(LIVE, letter.id)
