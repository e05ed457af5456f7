"""The contract of `tradewire.queue.Queue`, tested with every engine."""

from __future__ import annotations

import re
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from tests.integration.engines import ENGINES
from tests.rabbitmq import START_SECONDS
from tests.support import wait_until
from tradewire.errors import QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, DEAD_SUFFIX, LIVE, Job, Queue, Rejected, factory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.engines import Running

pytestmark = pytest.mark.timeout(START_SECONDS + 300)

BODIES = [b"", b"{}", b"one\ntwo\n", b"\r\n", b"\xff\xfe \x00", b"put 0 0 0 1\r\nx", b"x" * MAX_JOB_BYTES]


class Engine:
    """A running engine. It closes the connections that a test has opened."""

    def __init__(self, running: Running, closing: ExitStack) -> None:
        self._running = running
        self._closing = closing
        self.stop = running.stop

    def connect(self) -> Queue:
        queue = self._running.connect()
        self._closing.callback(queue.close)
        return queue


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, home: Path) -> Iterator[Engine]:
    with ENGINES[request.param](home, request) as running, ExitStack() as stack:
        yield Engine(running, stack)


@pytest.fixture
def queue(engine: Engine) -> Queue:
    return engine.connect()


def put(queue: Queue, *bodies: bytes, tube: str = LIVE) -> None:
    for body in bodies:
        queue.put(body, [tube])


def reserve_one(queue: Queue) -> Job:
    [job] = queue.reserve(LIVE, 1, 5)
    return job


def ready_bodies(queue: Queue, tube: str = LIVE) -> list[bytes]:
    """Return the bodies of all ready jobs. Reserve the jobs and release them again."""
    jobs = queue.reserve(tube, 1000, 0)
    queue.release(jobs)
    return [job.body for job in jobs]


def dead_letter(queue: Queue, event: bytes, reason: str = "because", tube: str = LIVE) -> str:
    """Put an event and make it a dead letter. Return the id of the letter."""
    queue.put(event, [tube])
    before = {letter.id for letter in queue.dead_letters(tube, 1000)}
    [job] = queue.reserve(tube, 1, 5)
    queue.dead_letter(job, [Rejected(event, reason)])
    [new] = [letter.id for letter in queue.dead_letters(tube, 1000) if letter.id not in before]
    return new


def test_the_contract_is_tested_with_the_engine_of_every_scheme() -> None:
    assert set(factory.ENGINES) <= set(ENGINES)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:20]))
def test_a_reserved_job_has_the_body_that_was_put(queue: Queue, body: bytes) -> None:
    put(queue, body)
    assert reserve_one(queue).body == body


def test_a_put_adds_one_copy_to_every_tube(queue: Queue) -> None:
    queue.put(b"both", ["live", "archive"])
    queue.put(b"one", ["archive"])
    assert ready_bodies(queue, "live") == [b"both"]
    assert ready_bodies(queue, "archive") == [b"both", b"one"]


def test_the_oldest_jobs_can_be_reserved_without_becoming_a_consumer(engine: Engine, queue: Queue) -> None:
    put(queue, *(b"%d" % number for number in range(10)))
    jobs = queue.reserve_oldest(LIVE, 4)
    assert [job.body for job in jobs] == [b"0", b"1", b"2", b"3"]
    assert engine.connect().counts(LIVE)[:4] == (6, 4, 0, 0)
    queue.delete(jobs[:1])
    queue.release(jobs[1:])
    assert [job.body for job in queue.reserve_oldest(LIVE, 100)] == [b"%d" % number for number in range(1, 10)]
    assert queue.reserve_oldest(LIVE, 1) == []


def test_the_oldest_jobs_are_reserved_until_they_have_enough_bytes(queue: Queue) -> None:
    put(queue, *[b"x" * 100] * 10)
    assert len(queue.reserve_oldest(LIVE, 10, 250)) == 3


def test_jobs_are_reserved_oldest_first_up_to_the_limit(queue: Queue) -> None:
    put(queue, *(b"%d" % number for number in range(200)))
    jobs = queue.reserve(LIVE, 150, 0)
    assert [int(job.body) for job in jobs] == list(range(150))
    assert queue.counts(LIVE)[:2] == (50, 150)


def test_a_reserve_waits_only_for_the_first_job(queue: Queue) -> None:
    put(queue, b"only")
    start = time.monotonic()
    assert len(queue.reserve(LIVE, 100, 30)) == 1
    assert time.monotonic() - start < 20


def test_a_reserve_waits_until_the_first_job_arrives(engine: Engine, queue: Queue) -> None:
    other = engine.connect()
    other.check()

    def put_when_a_consumer_waits() -> None:
        wait_until(lambda: other.counts(LIVE).consumers, "a consumer waits")
        put(other, b"late")

    thread = threading.Thread(target=put_when_a_consumer_waits)
    thread.start()
    assert [job.body for job in queue.reserve(LIVE, 10, 30)] == [b"late"]
    thread.join()


@pytest.mark.parametrize("timeout_seconds", [0, 1])
def test_a_reserve_from_an_empty_tube_returns_no_job_after_its_timeout(queue: Queue, timeout_seconds: int) -> None:
    start = time.monotonic()
    assert queue.reserve(LIVE, 10, timeout_seconds) == []
    assert timeout_seconds <= time.monotonic() - start + 0.01 < timeout_seconds + 20


def test_a_reserve_stops_after_the_size_of_the_largest_job(queue: Queue) -> None:
    put(queue, *[b"x" * 300_000] * 20)
    jobs = queue.reserve(LIVE, 100, 0)
    assert MAX_JOB_BYTES <= sum(len(job.body) for job in jobs) < 3 * MAX_JOB_BYTES


def test_a_reserve_with_a_higher_byte_limit_takes_more_jobs(queue: Queue) -> None:
    put(queue, *[b"x" * 300_000] * 20)
    jobs = queue.reserve(LIVE, 100, 0, 3 * MAX_JOB_BYTES)
    assert 3 * MAX_JOB_BYTES <= sum(len(job.body) for job in jobs) < 9 * MAX_JOB_BYTES


def test_a_deleted_job_is_removed(queue: Queue) -> None:
    put(queue, b"a", b"b", b"c")
    queue.delete(queue.reserve(LIVE, 2, 0))
    assert ready_bodies(queue) == [b"c"]
    assert queue.counts(LIVE)[:2] == (1, 0)


def test_released_jobs_keep_their_place(queue: Queue) -> None:
    put(queue, b"a", b"b", b"c")
    jobs = queue.reserve(LIVE, 2, 0)
    put(queue, b"d")
    queue.release(jobs[::-1])
    assert ready_bodies(queue) == [b"a", b"b", b"c", b"d"]


@pytest.mark.parametrize("settle", ["delete", "release"])
def test_settling_an_empty_list_has_no_effect(queue: Queue, settle: str) -> None:
    put(queue, b"a")
    getattr(queue, settle)([])
    assert ready_bodies(queue) == [b"a"]


def test_closing_releases_all_reserved_jobs(engine: Engine, queue: Queue) -> None:
    put(queue, b"a", b"b")
    queue.reserve(LIVE, 2, 0)
    other = engine.connect()
    assert other.counts(LIVE)[:2] == (0, 2)
    queue.close()
    wait_until(lambda: other.counts(LIVE)[:2] == (2, 0), "both jobs are ready")
    assert ready_bodies(other) == [b"a", b"b"]


def test_a_closed_queue_can_be_closed_again_and_reconnects(queue: Queue) -> None:
    put(queue, b"a")
    queue.close()
    queue.close()
    assert ready_bodies(queue) == [b"a"]


@pytest.mark.parametrize("settle", ["delete", "release"])
def test_a_job_reserved_by_another_connection_is_left_alone(engine: Engine, queue: Queue, settle: str) -> None:
    put(queue, b"a")
    late = queue.reserve(LIVE, 1, 0)
    queue.close()
    other = engine.connect()
    wait_until(lambda: other.counts(LIVE).ready, "the job is released")
    theirs = other.reserve(LIVE, 1, 5)
    assert queue.reserve(LIVE, 1, 0) == []  # reconnects
    getattr(queue, settle)(late)
    assert other.counts(LIVE)[:2] == (0, 1)
    other.release(theirs)
    assert ready_bodies(other) == [b"a"]


@pytest.mark.parametrize("reconnects", [True, False])
def test_a_job_released_by_closing_is_not_deleted(engine: Engine, queue: Queue, *, reconnects: bool) -> None:
    put(queue, b"a")
    late = queue.reserve(LIVE, 1, 0)
    queue.close()
    other = engine.connect()
    wait_until(lambda: other.counts(LIVE).ready, "the job is released")
    if reconnects:
        queue.check()
    with suppress(QueueUnavailable):
        queue.delete(late)
    assert ready_bodies(other) == [b"a"]


def test_dead_letter_settles_the_job_and_stores_event_reason_tube_and_time(queue: Queue) -> None:
    put(queue, b"good\nbad\nworse")
    queue.dead_letter(reserve_one(queue), [Rejected(b"bad", "it is bad"), Rejected(b"worse", "ärger\n")])
    assert queue.counts(LIVE)[:3] == (0, 0, 2)
    first, second = queue.dead_letters(LIVE, 10)
    assert (first.event, first.reason, first.tube) == (b"bad", "it is bad", LIVE)
    assert (second.event, second.reason, second.tube) == (b"worse", "ärger\n", LIVE)
    assert first.dead_lettered_at.startswith(time.strftime("%Y-", time.gmtime()))


def test_dead_letter_without_a_rejected_event_only_settles_the_job(queue: Queue) -> None:
    put(queue, b"good")
    queue.dead_letter(reserve_one(queue), [])
    assert queue.counts(LIVE)[:3] == (0, 0, 0)


def test_a_rejected_event_over_the_job_limit_is_truncated_and_the_reason_says_so(queue: Queue) -> None:
    put(queue, b"x")
    huge = b"x" * (MAX_JOB_BYTES + 1)
    queue.dead_letter(reserve_one(queue), [Rejected(huge, "\x00ä" * 1000)])
    [letter] = queue.dead_letters(LIVE, 10)
    assert letter.event == huge[:MAX_JOB_BYTES]
    assert f"{len(huge)} bytes" in letter.reason


def test_dead_letters_are_listed_oldest_first_up_to_the_limit_and_repeatedly(engine: Engine, queue: Queue) -> None:
    ids = [dead_letter(queue, b"%d" % number) for number in range(5)]
    for reader in (queue, engine.connect()):
        for _ in range(2):
            assert [letter.id for letter in reader.dead_letters(LIVE, 3)] == ids[:3]
        assert [letter.id for letter in reader.dead_letters(LIVE, 10)] == ids


def test_large_dead_letters_do_not_shorten_the_list(queue: Queue) -> None:
    put(queue, b"three")
    large = b"x" * MAX_JOB_BYTES
    queue.dead_letter(reserve_one(queue), [Rejected(large, "one"), Rejected(large, "two"), Rejected(large, "three")])
    assert [letter.reason for letter in queue.dead_letters(LIVE, 10)] == ["one", "two", "three"]


def test_the_id_of_a_dead_letter_fits_into_a_path(queue: Queue) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", dead_letter(queue, b"x"))


def test_a_tube_without_dead_letters_has_an_empty_list(queue: Queue) -> None:
    assert queue.dead_letters(LIVE, 10) == []


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:20]))
def test_a_requeued_event_is_unchanged_and_the_newest_job_of_its_tube(queue: Queue, body: bytes) -> None:
    letter_id = dead_letter(queue, body)
    put(queue, b"before")
    assert queue.requeue(LIVE, letter_id)
    assert ready_bodies(queue) == [b"before", body]
    assert queue.counts(LIVE).dead_letters == 0


def test_a_discarded_dead_letter_is_removed(queue: Queue) -> None:
    kept, discarded = dead_letter(queue, b"kept"), dead_letter(queue, b"discarded")
    assert queue.discard(LIVE, discarded)
    assert [letter.id for letter in queue.dead_letters(LIVE, 10)] == [kept]
    assert ready_bodies(queue) == []


@pytest.mark.parametrize("act", ["requeue", "discard"])
def test_an_id_without_a_dead_letter_in_the_tube_is_refused(queue: Queue, act: str) -> None:
    elsewhere = dead_letter(queue, b"elsewhere", tube="archive")
    put(queue, b"ready")
    ready = reserve_one(queue)
    queue.release([ready])
    for wrong in (elsewhere, ready.id, "987654", "no-such_ID", "0", "9" * 64, f"0{elsewhere}"):
        assert not getattr(queue, act)(LIVE, wrong)
    assert ready_bodies(queue) == [b"ready"]
    assert [letter.id for letter in queue.dead_letters("archive", 10)] == [elsewhere]


@pytest.mark.parametrize("body", [b"by hand", b"{}\nx", b"\xff", b""])
def test_a_job_put_into_the_dead_tube_by_hand_is_listed_and_requeued(queue: Queue, body: bytes) -> None:
    put(queue, body, tube=LIVE + DEAD_SUFFIX)
    [letter] = queue.dead_letters(LIVE, 10)
    assert letter.event == body
    assert queue.requeue(LIVE, letter.id)
    assert ready_bodies(queue) == [body]


def test_counts_are_separate_for_each_tube(engine: Engine, queue: Queue) -> None:
    assert queue.counts(LIVE) == (0, 0, 0, 0, 0, 0, 0)
    put(queue, b"a", b"b", b"c")
    put(queue, b"d", tube="archive")
    dead_letter(queue, b"e", tube="archive")
    other = engine.connect()
    other.reserve(LIVE, 1, 0)
    assert queue.counts(LIVE)[:3] == (2, 1, 0)
    assert queue.counts("archive")[:3] == (1, 0, 1)


def test_the_size_of_a_tube_is_that_of_its_jobs_until_they_are_settled(engine: Engine, queue: Queue) -> None:
    put(queue, b"12345", b"123")
    queue.put_receipt(b"1234567")
    other = engine.connect()
    held = other.reserve(LIVE, 2, 0)
    assert [queue.counts(tube).bytes for tube in (LIVE, "archive")] == [8, 7]
    other.release(held[:1])
    other.delete(held[1:])
    assert queue.counts(LIVE).bytes == 5
    other.close()
    assert queue.counts(LIVE).bytes == 5
    queue.put_again(LIVE, [b"12"])
    assert queue.counts(LIVE).bytes == 7


def test_the_size_of_dead_letters_is_counted_separately(queue: Queue) -> None:
    letters = [dead_letter(queue, b"x" * 1000) for _ in range(2)]
    assert queue.counts(LIVE).bytes == 0
    assert queue.counts(LIVE).dead_letter_bytes >= 2000
    queue.requeue(LIVE, letters[0])
    assert queue.counts(LIVE).bytes == 1000
    assert 1000 <= queue.counts(LIVE).dead_letter_bytes < 2000
    queue.discard(LIVE, letters[1])
    assert queue.counts(LIVE).dead_letter_bytes == 0


def test_each_connection_that_watches_a_tube_counts_as_a_consumer(engine: Engine, queue: Queue) -> None:
    first, second = engine.connect(), engine.connect()
    for consumer in (first, second):
        consumer.reserve(LIVE, 1, 0)
    assert queue.counts(LIVE).consumers == 2
    first.close()
    wait_until(lambda: queue.counts(LIVE).consumers == 1, "the closed connection does not count")


def test_the_age_of_a_tube_is_the_age_of_its_next_job(queue: Queue) -> None:
    put(queue, b"old")
    wait_until(lambda: queue.counts(LIVE).oldest_job_age_seconds >= 1, "the job is a second old")
    put(queue, b"young")
    assert queue.counts(LIVE).oldest_job_age_seconds >= 1
    queue.delete([reserve_one(queue)])
    queue.release([reserve_one(queue)])  # some engines learn only so which job is next
    assert queue.counts(LIVE).oldest_job_age_seconds == 0


def test_a_receipt_goes_only_into_the_archives_tube_and_keeps_jobs_reserved(queue: Queue) -> None:
    put(queue, b"a")
    job = reserve_one(queue)
    queue.put_receipt(b"shown")
    queue.delete([job])
    assert queue.counts(LIVE)[:2] == (0, 0)
    assert [job.body for job in queue.reserve(ARCHIVE, 10, 0)] == [b"shown"]


def test_a_mark_goes_only_into_its_tube_behind_all_other_jobs_and_keeps_jobs_reserved(queue: Queue) -> None:
    put(queue, b"a", b"b")
    job = reserve_one(queue)
    queue.put_mark(LIVE, b"mark")
    queue.release([job])
    assert ready_bodies(queue) == [b"a", b"b", b"mark"]
    assert ready_bodies(queue, ARCHIVE) == []


def test_a_job_that_goes_back_lies_before_a_mark_that_goes_back_too(engine: Engine, queue: Queue) -> None:
    put(queue, b"a")
    queue.put_mark(LIVE, b"mark")
    other = engine.connect()
    [job] = other.reserve(LIVE, 1, 5)
    mark = reserve_one(queue)
    queue.release([mark])
    other.release([job])
    assert ready_bodies(queue) == [b"a", b"mark"]


def test_events_put_again_are_the_newest_jobs_of_their_tube_and_keep_jobs_reserved(queue: Queue) -> None:
    put(queue, b"a\nb\nc", b"d")
    job = reserve_one(queue)
    queue.put_again(LIVE, [b"a", b"c"])
    assert queue.counts(LIVE)[:2] == (3, 1)
    queue.delete([job])
    assert ready_bodies(queue) == [b"d", b"a", b"c"]
    assert ready_bodies(queue, ARCHIVE) == []


def test_fill_grows_with_the_jobs_in_the_queue(queue: Queue) -> None:
    before = queue.fill()
    for _ in range(12):
        put(queue, b"x" * MAX_JOB_BYTES)
    assert before < queue.fill() < 1


def test_check_passes_for_a_healthy_queue(queue: Queue) -> None:
    queue.check()
    put(queue, b"a")
    queue.check()


@pytest.mark.parametrize(
    "use",
    [
        lambda queue, _: queue.put(b"a", [LIVE]),
        lambda queue, _: queue.put_receipt(b"a"),
        lambda queue, _: queue.put_mark(LIVE, b"a"),
        lambda queue, _: queue.reserve(LIVE, 1, 0),
        lambda queue, _: queue.put_again(LIVE, [b"a"]),
        lambda queue, _: queue.reserve_oldest(LIVE, 1),
        lambda queue, job: queue.delete([job]),
        lambda queue, job: queue.release([job]),
        lambda queue, job: queue.dead_letter(job, [Rejected(b"a", "why")]),
        lambda queue, _: queue.dead_letters(LIVE, 1),
        lambda queue, job: queue.requeue(LIVE, job.id),
        lambda queue, job: queue.discard(LIVE, job.id),
        lambda queue, _: queue.counts(LIVE),
        lambda queue, _: queue.fill(),
        lambda queue, _: queue.check(),
    ],
)
def test_every_call_to_an_unavailable_queue_raises_queue_unavailable(
    engine: Engine, queue: Queue, use: Callable[[Queue, Job], object]
) -> None:
    put(queue, b"a")
    job = reserve_one(queue)
    engine.stop()
    for _ in range(2):
        with pytest.raises(QueueUnavailable):
            use(queue, job)


def test_thousands_of_large_jobs_are_put_at_once(queue: Queue) -> None:
    bodies = [b"%4000d" % number for number in range(2000)]
    queue.put_all(bodies, [LIVE])
    assert queue.counts(LIVE).ready == len(bodies)


def test_thousands_of_jobs_are_reserved_and_settled_at_once(queue: Queue) -> None:
    names = [b"%d" % number for number in range(6000)]  # more replies than the buffers of a socket can hold
    queue.put_all(names, [LIVE])
    jobs = queue.reserve(LIVE, len(names), 0)
    assert [job.body for job in jobs] == names
    queue.release(jobs[:3000])
    queue.delete(jobs[3000:])
    assert queue.counts(LIVE)[:2] == (3000, 0)
