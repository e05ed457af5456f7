"""Group commit: jobs of concurrent requests share a round trip, and each put returns only when its job is stored."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from api.http.queue_pool import QueuePool
from api.ingest.group_commit import GroupCommit, _jobs
from tests.support import TUBES, wait_until
from tradewire.errors import QueueUnavailable
from tradewire.queue import ARCHIVE, LIVE
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from collections.abc import Sequence


class GatedQueue(MemoryQueue):
    """A queue whose round trips end when the test opens a gate."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self.gate = threading.Semaphore(0)
        self.trips: list[list[bytes]] = []
        self.fault: BaseException | None = None

    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        self.trips.append(list(bodies))
        self.gate.acquire()
        if self.fault:
            raise self.fault
        super().put_all(bodies, tubes)


@pytest.fixture
def queue() -> GatedQueue:
    return GatedQueue(Broker())


@pytest.fixture
def group_commit(queue: GatedQueue) -> GroupCommit:
    return GroupCommit(QueuePool(lambda: queue), TUBES)


def bodies(queue: MemoryQueue, tube: str) -> list[bytes]:
    return [job.body for job in queue.reserve(tube, 1000, 0)]


def events(queue: MemoryQueue, tube: str) -> list[bytes]:
    return [event for body in bodies(queue, tube) for event in body.split(b"\n")]


def test_a_single_job_is_put_at_once_into_every_tube(queue: GatedQueue, group_commit: GroupCommit) -> None:
    queue.gate.release()
    group_commit.put([b"one"])
    assert queue.trips == [[b"one"]]
    assert [bodies(queue, tube) for tube in TUBES] == [[b"one"]] * len(TUBES)


def test_jobs_that_arrive_during_a_round_trip_share_the_next_one(queue: GatedQueue, group_commit: GroupCommit) -> None:
    names = [b"%d" % number for number in range(20)]
    with ThreadPoolExecutor(1 + len(names)) as threads:
        first = threads.submit(group_commit.put, [b"first"])
        wait_until(lambda: queue.trips, "the first put is in flight")
        others = [threads.submit(group_commit.put, [name]) for name in names]
        wait_until(lambda: len(group_commit.pending) == len(names), "the other puts wait")
        queue.gate.release(2)
        for put in (first, *others):
            put.result(10)
    assert queue.trips[0] == [b"first"]
    [joined] = queue.trips[1]
    assert sorted(joined.split(b"\n")) == sorted(names)
    assert len(queue.trips) == 2
    assert sorted(events(queue, LIVE)) == sorted(events(queue, ARCHIVE)) == sorted([b"first", *names])


def _waits(group_commit: GroupCommit, puts: int) -> bool:
    return len(group_commit.pending) == puts


def shared_trip(queue: GatedQueue, group_commit: GroupCommit, requests: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return the jobs of a round trip that requests share."""
    with ThreadPoolExecutor(1 + len(requests)) as threads:
        first = threads.submit(group_commit.put, [b"first"])
        wait_until(lambda: queue.trips, "the first put is in flight")
        others = []
        for number, request in enumerate(requests):
            others.append(threads.submit(group_commit.put, request))
            wait_until(partial(_waits, group_commit, number + 1), "the next put waits")
        queue.gate.release(2)
        for put in (first, *others):
            put.result(10)
    return queue.trips[1]


def test_a_batch_has_its_job_to_itself(queue: GatedQueue, group_commit: GroupCommit) -> None:
    requests = [[b"a"], [b"batch", b"of", b"three"], [b"b"], [b"c"]]
    assert shared_trip(queue, group_commit, requests) == [b"batch\nof\nthree", b"a\nb\nc"]


def test_single_events_share_jobs_of_64_kib_at_most(queue: GatedQueue, group_commit: GroupCommit) -> None:
    half = b"x" * (32 * 1024)
    jobs = shared_trip(queue, group_commit, [[half[:-1]], [half], [half], [b"y"]])
    assert [len(job) for job in jobs] == [64 * 1024, 32 * 1024 + 2]


def test_single_events_share_jobs_of_256_at_most() -> None:
    jobs = list(_jobs([[b"%d" % number] for number in range(600)]))
    assert [job.count(b"\n") + 1 for job in jobs] == [256, 256, 88]


@pytest.mark.parametrize("fault", [QueueUnavailable("full"), KeyboardInterrupt(), ValueError()], ids=repr)
def test_a_failed_round_trip_fails_every_put_that_shared_it_and_the_next_one_succeeds(
    queue: GatedQueue, group_commit: GroupCommit, fault: BaseException
) -> None:
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(group_commit.put, [b"first"])
        wait_until(lambda: queue.trips, "the first put is in flight")
        others = [threads.submit(group_commit.put, [b"other"]) for _ in range(3)]
        wait_until(lambda: len(group_commit.pending) == len(others), "the other puts wait")
        queue.gate.release()
        first.result(10)
        wait_until(lambda: len(queue.trips) == 2, "the other puts are in flight")
        queue.fault = fault
        queue.gate.release()
        errors = [put.exception(10) for put in others]
    assert all(errors)
    assert sum(isinstance(error, QueueUnavailable) for error in errors) >= len(others) - 1
    queue.fault = None
    queue.gate.release()
    group_commit.put([b"later"])
    assert bodies(queue, LIVE) == [b"first", b"later"]
