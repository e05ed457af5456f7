"""`python -m processor live` between a real beanstalkd and a real wsserver: nothing is lost, whoever dies."""

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


def settled(home: Path) -> bool:
    """Tell whether the tube is empty, with no job in anyone's hand."""
    return counts(home)[:2] == (0, 0)


def ids(events: Sequence[bytes]) -> list[str]:
    return [id_of(event) for event in events]


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def rest(browser: Browser) -> list[str]:
    """Read what a browser still gets before its connection ends; give the ids."""
    got: list[str] = []
    try:
        while True:
            got += browser.receive_ids(1)
    except ConnectionClosed:
        return got


def test_a_thousand_posted_messages_wait_and_the_first_browser_gets_all_in_order(home: Path) -> None:
    with beanstalkd(home), wsserver(home), processor(home):
        with ingest_api(home):
            posted = [post(home, example()).json["id"] for _ in range(1000)]
        wait_until(lambda: counts(home).ready == 1000, "all wait")
        with Browser(home) as browser:
            begun = time.monotonic()
            first = browser.receive_ids(1)
            assert time.monotonic() - begun < 0.5  # by READY, not when the hold-off of 1 s is over
            assert first + browser.receive_ids(1000 - len(first)) == posted
            wait_until(lambda: settled(home), "all are deleted")


def test_a_single_event_reaches_a_watching_browser_at_once(home: Path) -> None:
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser:
        wait_until(lambda: counts(home).consumers, "the processor watches")
        for event in [event_json() for _ in range(20)]:
            begun = time.monotonic()
            put(home, event)
            assert browser.receive_ids(1) == [id_of(event)]
            assert time.monotonic() - begun < 0.5


POISON = {
    "no JSON": b"garbage",
    "not UTF-8": b"\xff\xfe",
    "empty": b"",
    "not an event": b'{"id": 5}',
    "nested deep": b"[" * 100_000,
    "larger than a job may be": b"x" * (MAX_JOB_BYTES + 1000),
    "two lines larger than a frame": b"x" * (MAX_JOB_BYTES // 2) + b"\n" + b"y" * (MAX_JOB_BYTES // 2 + 1000),
    "line ends alone": b"\n\n",
    "an event cut": event_json()[:-1],
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_a_job_that_holds_no_event_is_buried_with_its_reason_and_the_next_goes_on(home: Path, poison: bytes) -> None:
    before, after = event_json(), event_json()
    with beanstalkd(home), wsserver(home), Browser(home) as browser:
        put(home, before, poison, after)
        with processor(home):
            assert browser.receive_ids(2) == ids([before, after])
            wait_until(lambda: settled(home), "all are settled")
        with open_queue(home) as queue:
            letters = queue.dead_letters(LIVE, 10)
            cut = poison if b"\n" in poison else poison[:MAX_JOB_BYTES]
            assert b"\n".join(one.event for one in letters) == cut
            assert all(one.reason and one.tube == LIVE and one.dead_lettered_at for one in letters)


def test_of_a_job_of_several_events_only_the_rejected_is_buried(home: Path) -> None:
    good = [event_json() for _ in range(5)]
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser:
        put(home, b"\n".join([*good[:2], b"bad", *good[2:]]))
        assert browser.receive_ids(5) == ids(good)
        with open_queue(home) as queue:
            wait_until(lambda: counts(home)[:3] == (0, 0, 1), "one is buried")
            assert [one.event for one in queue.dead_letters(LIVE, 10)] == [b"bad"]


def test_two_jobs_of_the_largest_size_are_shown(home: Path) -> None:
    large = [event_json(pad=MAX_JOB_BYTES - len(event_json())) for _ in range(2)]
    with beanstalkd(home), wsserver(home), processor(home), Browser(home) as browser:
        put(home, *large)
        assert browser.receive_ids(2) == ids(large)


def test_what_a_killed_wsserver_has_not_shown_arrives_at_the_next(home: Path) -> None:
    events = [event_json() for _ in range(400)]
    with beanstalkd(home), processor(home):
        with wsserver(home) as server, Browser(home) as browser:
            put(home, *events[:100])
            seen = browser.receive_ids(1)
            kill(server)
            seen += rest(browser)
        put(home, *events[100:])
        with wsserver(home), Browser(home, f"?epoch={browser.epoch}&offset={browser.offset}") as again:
            assert not again.resumed
            wanted = set(ids(events)) - set(seen)
            late = again.receive_ids(len(wanted))
            assert wanted <= set(late)
            assert len(late) == len(set(late))
            wait_until(lambda: settled(home), "all are settled")


def test_what_a_killed_beanstalkd_held_is_shown_once_after_its_restart(home: Path) -> None:
    events = [event_json() for _ in range(2000)]
    with wsserver(home), processor(home), Browser(home) as browser:
        with beanstalkd(home) as queue:
            put(home, *events[:1000])
            seen = browser.receive_ids(1)
            kill(queue)
        with beanstalkd(home):
            put(home, *events[1000:])
            seen += browser.receive_ids(2000 - len(seen))
            wait_until(lambda: settled(home), "all are settled")
            assert browser.is_silent()
    assert sorted(seen) == sorted(ids(events))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_processor_that_ends_midstream_loses_nothing_and_another_takes_over(
    home: Path, number: signal.Signals
) -> None:
    events = [event_json() for _ in range(4000)]
    with beanstalkd(home), wsserver(home), Browser(home) as browser:
        put(home, *events)
        seen: list[str] = []
        for _ in range(2):
            with processor(home) as process:
                seen += browser.receive_ids(1)
                process.send_signal(number)
                assert process.wait(10) == (0 if number is signal.SIGTERM else -number)
                wait_until(lambda: counts(home).reserved == 0, "what it had in hand is given back")
        with processor(home):
            seen += browser.receive_ids(4000 - len(seen)) if len(seen) < 4000 else []
            wait_until(lambda: settled(home), "all are settled")
            assert browser.is_silent()
    assert sorted(seen) == sorted(ids(events))


def test_several_processors_show_each_event_once(home: Path) -> None:
    events = [event_json() for _ in range(3000)]
    with ExitStack() as stack:
        for part in (beanstalkd(home), wsserver(home), processor(home), processor(home), processor(home)):
            stack.enter_context(part)
        wait_until(lambda: counts(home).consumers == 3, "all watch")
        browser = stack.enter_context(Browser(home))
        put(home, *events)
        assert sorted(browser.receive_ids(3000)) == sorted(ids(events))
        wait_until(lambda: settled(home), "all are settled")
        assert browser.is_silent()


@pytest.mark.parametrize("first", ["beanstalkd", "wsserver"])
def test_a_processor_started_without_neighbours_waits_for_them_and_then_works(home: Path, first: str) -> None:
    def told(process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None
        return any(b"waiting for a neighbour" in log.read_bytes() for log in home.glob("python*.log"))

    with ExitStack() as stack:
        process = stack.enter_context(processor(home))
        wait_until(lambda: told(process), "it says what it waits for")
        parts = [beanstalkd(home), wsserver(home)]
        for part in parts if first == "beanstalkd" else parts[::-1]:
            stack.enter_context(part)
        browser = stack.enter_context(Browser(home))
        event = event_json()
        put(home, event)
        assert browser.receive_ids(1) == [id_of(event)]
        assert process.poll() is None


def test_a_backlog_that_waits_costs_the_queues_log_nothing(home: Path) -> None:
    with beanstalkd(home), wsserver(home), processor(home):
        put(home, *(event_json() for _ in range(300)))
        written = beanstalkd_stats(home)["binlog-records-written"]
        wait_until(lambda: int(beanstalkd_stats(home)["cmd-release"]) >= 302, "it has been tried three times")
        assert beanstalkd_stats(home)["binlog-records-written"] == written


@pytest.mark.parametrize("state", ["idle", "waiting", "without neighbours"])
def test_sigterm_ends_a_processor_in_good_order_whatever_it_waits_for(home: Path, state: str) -> None:
    with ExitStack() as stack:
        if state != "without neighbours":
            stack.enter_context(beanstalkd(home))
            stack.enter_context(wsserver(home))
        process = stack.enter_context(processor(home))
        if state == "waiting":
            put(home, event_json())
            wait_until(lambda: int(beanstalkd_stats(home)["cmd-release"]), "it was told to wait")
        elif state == "idle":
            wait_until(lambda: counts(home).consumers, "it watches")
        else:
            wait_until(lambda: any(b"neighbour" in log.read_bytes() for log in home.glob("*.log")), "it waits")
        process.terminate()
        assert process.wait(5) == 0
        if state == "waiting":
            assert counts(home)[:2] == (1, 0)
