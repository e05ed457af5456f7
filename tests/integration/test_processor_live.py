"""The live processor with a real beanstalkd and a real WebSocket server: no event is lost, even after kills."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from tests.integration.conftest import (
    Browser,
    beanstalkd_stats,
    event_json,
    id_of,
    ingest_api,
    keeper,
    open_queue,
    post,
    processor,
)
from tests.support import beanstalkd, example, wait_until, wsserver
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import LIVE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from tradewire.queue import TubeCounts


def put(home: Path, *bodies: bytes) -> None:
    with open_queue(home) as queue:
        for body in bodies:
            queue.put(body, [LIVE])


def counts(home: Path) -> TubeCounts:
    with open_queue(home) as queue:
        return queue.counts(LIVE)


def is_settled(home: Path) -> bool:
    """Return whether the tube has no ready and no reserved job."""
    return counts(home)[:2] == (0, 0)


def ids_of(events: Sequence[bytes]) -> list[str]:
    return [id_of(event) for event in events]


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def receive_rest(browser: Browser) -> list[str]:
    """Receive events until the connection ends and return their ids."""
    received: list[str] = []
    try:
        while True:
            received += browser.receive_ids(1)
    except ConnectionClosed:
        return received


def test_a_thousand_messages_wait_and_the_first_browser_gets_all_of_them_in_order(home: Path) -> None:
    with beanstalkd(home), wsserver(home), processor(home):
        with ingest_api(home):
            posted = [post(home, example()).json["id"] for _ in range(1000)]
        wait_until(lambda: counts(home).ready == 1000, "all wait")
        with Browser(home) as browser:
            start = time.monotonic()
            first = browser.receive_ids(1)
            assert time.monotonic() - start < 0.5  # READY ends the hold-off of 1 s early
            assert first + browser.receive_ids(1000 - len(first)) == posted
            wait_until(lambda: is_settled(home), "all are deleted")


def test_a_single_event_reaches_a_connected_browser_at_once(home: Path) -> None:
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser:
        wait_until(lambda: counts(home).consumers, "the processor watches the tube")
        for event in [event_json() for _ in range(20)]:
            start = time.monotonic()
            put(home, event)
            assert browser.receive_ids(1) == [id_of(event)]
            assert time.monotonic() - start < 0.5


INVALID_JOBS = {
    "not JSON": b"garbage",
    "not UTF-8": b"\xff\xfe",
    "empty": b"",
    "not an event": b'{"id": 5}',
    "deep nesting": b"[" * 100_000,
    "over the job limit": b"x" * (MAX_JOB_BYTES + 1000),
    "two lines over the frame limit": b"x" * (MAX_JOB_BYTES // 2) + b"\n" + b"y" * (MAX_JOB_BYTES // 2 + 1000),
    "only line breaks": b"\n\n",
    "a truncated event": event_json()[:-1],
}


@pytest.mark.parametrize("invalid", INVALID_JOBS.values(), ids=INVALID_JOBS)
def test_a_job_without_a_valid_event_is_dead_lettered_with_a_reason_and_the_next_one_is_shown(
    home: Path, invalid: bytes
) -> None:
    before, after = event_json(), event_json()
    with beanstalkd(home), wsserver(home), Browser(home) as browser:
        put(home, before, invalid, after)
        with processor(home):
            assert browser.receive_ids(2) == ids_of([before, after])
            wait_until(lambda: is_settled(home), "all are settled")
        with open_queue(home) as queue:
            letters = queue.dead_letters(LIVE, 10)
            expected = invalid if b"\n" in invalid else invalid[:MAX_JOB_BYTES]
            assert b"\n".join(letter.event for letter in letters) == expected
            assert all(letter.reason and letter.tube == LIVE and letter.dead_lettered_at for letter in letters)


def test_only_the_rejected_event_of_a_job_is_dead_lettered(home: Path) -> None:
    valid = [event_json() for _ in range(5)]
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser:
        put(home, b"\n".join([*valid[:2], b"bad", *valid[2:]]))
        assert browser.receive_ids(5) == ids_of(valid)
        with open_queue(home) as queue:
            wait_until(lambda: counts(home)[:3] == (0, 0, 1), "one event is dead-lettered")
            assert [letter.event for letter in queue.dead_letters(LIVE, 10)] == [b"bad"]


def test_two_jobs_of_the_largest_size_are_shown(home: Path) -> None:
    large = [event_json(pad=MAX_JOB_BYTES - len(event_json())) for _ in range(2)]
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser:
        put(home, *large)
        assert browser.receive_ids(2) == ids_of(large)


def test_events_that_a_killed_wsserver_did_not_show_are_shown_by_the_next(home: Path) -> None:
    events = [event_json() for _ in range(400)]
    with beanstalkd(home), processor(home):
        with wsserver(home) as server, Browser(home) as browser:
            put(home, *events[:100])
            seen = browser.receive_ids(1)
            kill(server)
            seen += receive_rest(browser)
        put(home, *events[100:])
        with wsserver(home), Browser(home, f"?epoch={browser.epoch}&offset={browser.offset}") as again:
            assert not again.resumed
            unseen = set(ids_of(events)) - set(seen)
            received = again.receive_ids(len(unseen))
            assert unseen <= set(received)
            assert len(received) == len(set(received))
            wait_until(lambda: is_settled(home), "all are settled")


def test_jobs_of_a_killed_beanstalkd_are_shown_once_after_its_restart(home: Path) -> None:
    events = [event_json() for _ in range(2000)]
    with wsserver(home), processor(home), Browser(home) as browser:
        with beanstalkd(home) as queue:
            put(home, *events[:1000])
            seen = browser.receive_ids(1)
            kill(queue)
        with beanstalkd(home):
            put(home, *events[1000:])
            seen += browser.receive_ids(2000 - len(seen))
            wait_until(lambda: is_settled(home), "all are settled")
            assert browser.is_silent()
    assert sorted(seen) == sorted(ids_of(events))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_event_is_lost_when_a_processor_ends_and_another_takes_over(home: Path, number: signal.Signals) -> None:
    events = [event_json() for _ in range(4000)]
    with beanstalkd(home), wsserver(home), Browser(home) as browser:
        put(home, *events)
        seen: list[str] = []
        for _ in range(2):
            with processor(home) as process:
                wait_until(lambda: counts(home).consumers == 1, "the processor takes jobs")
                seen += browser.receive_ids(1)
                process.send_signal(number)
                assert process.wait(10) == (0 if number is signal.SIGTERM else -number)
                wait_until(lambda: counts(home).reserved == 0, "its jobs are released")
        with processor(home):
            seen += browser.receive_ids(4000 - len(seen)) if len(seen) < 4000 else []
            wait_until(lambda: is_settled(home), "all are settled")
            assert browser.is_silent()
    assert sorted(seen) == sorted(ids_of(events))


def test_several_processors_show_each_event_once(home: Path) -> None:
    events = [event_json() for _ in range(3000)]
    with ExitStack() as stack:
        for program in (beanstalkd(home), wsserver(home), processor(home), processor(home), processor(home)):
            stack.enter_context(program)
        wait_until(lambda: counts(home).consumers == 3, "all processors watch the tube")
        browser = stack.enter_context(Browser(home))
        put(home, *events)
        assert sorted(browser.receive_ids(3000)) == sorted(ids_of(events))
        wait_until(lambda: is_settled(home), "all are settled")
        assert browser.is_silent()


@pytest.mark.parametrize("first", ["beanstalkd", "wsserver"])
def test_a_processor_started_first_waits_for_its_neighbours_and_then_works(home: Path, first: str) -> None:
    def is_waiting(process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None
        return any(b"waiting for a dependency" in log.read_bytes() for log in home.glob("python*.log"))

    with ExitStack() as stack:
        process = stack.enter_context(processor(home))
        wait_until(lambda: is_waiting(process), "the processor logs that it waits")
        programs = [beanstalkd(home), wsserver(home)]
        for program in programs if first == "beanstalkd" else programs[::-1]:
            stack.enter_context(program)
        browser = stack.enter_context(Browser(home))
        event = event_json()
        put(home, event)
        assert browser.receive_ids(1) == [id_of(event)]
        assert process.poll() is None


def test_a_waiting_backlog_writes_nothing_to_the_queues_log(home: Path) -> None:
    with beanstalkd(home), wsserver(home):
        put(home, *(event_json() for _ in range(300)))
        written = beanstalkd_stats(home)["binlog-records-written"]
        with processor(home):  # it takes all of them at once, and then one at a time
            wait_until(lambda: int(beanstalkd_stats(home)["cmd-release"]) >= 302, "the processor has tried three times")
            assert beanstalkd_stats(home)["binlog-records-written"] == written


@pytest.mark.parametrize("state", ["idle", "waiting", "without neighbours"])
def test_sigterm_ends_the_processor_cleanly_in_every_state(home: Path, state: str) -> None:
    with ExitStack() as stack:
        if state != "without neighbours":
            stack.enter_context(beanstalkd(home))
            stack.enter_context(wsserver(home))
        process = stack.enter_context(processor(home))
        if state == "waiting":
            put(home, event_json())
            wait_until(lambda: int(beanstalkd_stats(home)["cmd-release"]), "the server has replied WAIT")
        elif state == "idle":
            wait_until(lambda: counts(home).consumers, "the processor watches the tube")
        else:
            wait_until(
                lambda: any(b"dependency" in log.read_bytes() for log in home.glob("*.log")),
                "the processor logs that it waits",
            )
        process.terminate()
        assert process.wait(5) == 0
        if state == "waiting":
            assert counts(home)[:2] == (1, 0)


def test_a_browser_is_told_of_a_gap_where_events_were_given_up_while_it_was_connected(home: Path) -> None:
    large = [event_json(pad=MAX_JOB_BYTES - 1000) for _ in range(4)]
    with beanstalkd(home), wsserver(home), Browser(home) as browser:
        put(home, *large)  # more than the share of a queue of 10 MB
        with keeper(home, TRADEWIRE_QUEUE_MAX_BYTES="10000000"):
            assert browser.receive_frame() == {"gap": True, "offset": 1}
            wait_until(lambda: counts(home).ready == 2, "the oldest events are given up")
        with processor(home):
            assert browser.receive_ids(2) == ids_of(large[2:])


def test_events_are_given_up_also_while_the_browsers_can_not_be_told(home: Path) -> None:
    large = [event_json(pad=MAX_JOB_BYTES - 1000) for _ in range(4)]
    with beanstalkd(home), keeper(home, TRADEWIRE_QUEUE_MAX_BYTES="10000000"):
        put(home, *large)
        wait_until(lambda: counts(home).ready == 2, "the oldest events are given up")
        with wsserver(home), Browser(home) as browser:
            assert browser.receive_frame() == {"gap": True, "offset": 1}
