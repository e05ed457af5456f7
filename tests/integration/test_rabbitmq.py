"""The RabbitMQ engine on a node: its queues, alarms, and connections that break."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.rabbitmq import START_SECONDS
from tests.relay import relay
from tests.support import ROOT, wait_until
from tradewire.errors import QueueUnavailable
from tradewire.queue import ARCHIVE, LIVE, Queue, factory
from tradewire.queue.rabbit import faults, notes
from tradewire.queue.rabbit.address import ANSWER_SECONDS
from tradewire.queue.rabbit.notes import RETURN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.rabbitmq import Cluster

pytestmark = pytest.mark.timeout(START_SECONDS + 300)


@pytest.fixture
def queue(connect: Callable[..., Queue]) -> Queue:
    return connect()


def broker(home: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/sbin:/usr/bin:/bin", "TRADEWIRE_HOME": str(home), "TRADEWIRE_QUEUE_URL": url}
    command = [str(ROOT / "deploy/broker"), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_the_command_declares_the_queues_of_all_tubes_once(rabbitmq_node: Cluster, home: Path) -> None:
    rabbitmq_node.clear()
    first, second = (broker(home, rabbitmq_node.url(), "declare") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.strip() == "Made the queues probe, live, live.dead, archive, archive.dead."
    assert second.stdout.strip() == "All queues exist."


def test_the_command_declares_nothing_while_a_node_is_away(rabbitmq_node: Cluster, home: Path) -> None:
    rabbitmq_node.clear()
    done = broker(home, rabbitmq_node.url(rabbitmq_node.nodes[0].port, 1), "declare")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "s3cret" not in done.stderr
    queue = factory.open_queue(rabbitmq_node.url(), 10**9, home / "ledger")
    with closing(queue), pytest.raises(QueueUnavailable, match=faults.MISSING):
        queue.counts(LIVE)


def test_a_queue_that_is_missing_refuses_messages_and_nothing_declares_it(cluster: Cluster, queue: Queue) -> None:
    with cluster.nodes[0].connect() as connection:
        connection.channel().queue_delete(LIVE)
    for _ in range(2):
        with pytest.raises(QueueUnavailable, match=f"{faults.MISSING}: live; deploy/broker declare makes it"):
            queue.put(b"a", [ARCHIVE, LIVE])
        with pytest.raises(QueueUnavailable, match=faults.MISSING):
            queue.reserve(LIVE, 1, 0)


@pytest.mark.parametrize(("user", "text"), [("nobody", "it refuses the user or the password")])
def test_a_wrong_user_is_named_without_the_password(cluster: Cluster, home: Path, user: str, text: str) -> None:
    url = cluster.url().replace("tradewire:", f"{user}:")
    with closing(factory.open_queue(url, 10**9, home / "ledger")) as queue:
        with pytest.raises(QueueUnavailable, match=text) as caught:
            queue.check()
        assert "s3cret" not in str(caught.value)


def test_a_virtual_host_that_does_not_exist_is_named_as_the_reason(cluster: Cluster, home: Path) -> None:
    url = cluster.url().replace("%2F", "elsewhere")
    queue = factory.open_queue(url, 10**9, home / "ledger")
    with closing(queue), pytest.raises(QueueUnavailable, match="no such virtual host"):
        queue.check()


def test_a_job_that_is_released_again_and_again_stays(queue: Queue) -> None:
    queue.put(b"a", [LIVE])
    for _ in range(30):  # by default, RabbitMQ 4 drops it after 20 times
        queue.release(queue.reserve(LIVE, 1, 5))
    assert [job.body for job in queue.reserve(LIVE, 1, 5)] == [b"a"]


def test_a_queue_over_its_limit_refuses_messages_but_takes_receipts_and_marks(connect: Callable[..., Queue]) -> None:
    queue = connect(max_bytes=1000)
    queue.put(b"x" * 1001, [LIVE])
    wait_until(lambda: _refuses(queue), "the limit is noticed")
    with pytest.raises(QueueUnavailable, match=faults.FULL):
        queue.put(b"a", [LIVE, ARCHIVE])
    queue.put_receipt(b"receipt")
    queue.put_mark(LIVE, b"mark")
    assert [job.body for job in queue.reserve(ARCHIVE, 10, 5)] == [b"receipt"]


def test_during_an_alarm_messages_are_refused_at_once_and_jobs_still_leave(cluster: Cluster, queue: Queue) -> None:
    [node] = cluster.nodes
    queue.put(b"a", [LIVE])
    [job] = queue.reserve(LIVE, 1, 5)
    node.limit_memory("{absolute, 1000000}")
    try:
        wait_until(lambda: _refuses(queue), "messages are refused")
        began = time.monotonic()
        with pytest.raises(QueueUnavailable, match=faults.BLOCKED):
            queue.put(b"b", [LIVE])
        assert time.monotonic() - began < 15  # an answer is waited for twice as long
        queue.close()
        [job] = queue.reserve(LIVE, 1, 5)
        queue.delete([job])
    finally:
        node.limit_memory("0.9")
    wait_until(lambda: not _refuses(queue), "messages are taken again")
    assert all(job.body == b"probe" for job in queue.reserve(LIVE, 100, 5))


def _refuses(queue: Queue) -> bool:
    try:
        queue.put(b"probe", [LIVE])
    except QueueUnavailable:
        return True
    return False


def test_a_put_after_its_connection_was_closed_is_not_refused(cluster: Cluster, queue: Queue) -> None:
    queue.put(b"a", [LIVE])
    cluster.nodes[0].close_connections()
    queue.put(b"b", [LIVE])
    assert [job.body for job in queue.reserve(LIVE, 10, 5)] == [b"a", b"b"]


def test_jobs_of_a_connection_that_fell_silent_count_as_reserved_until_they_are_back(
    cluster: Cluster, connect: Callable[..., Queue]
) -> None:
    [node] = cluster.nodes
    with relay(node.port) as way:
        other, lost = connect(node.port), connect(way.port, answer_seconds=ANSWER_SECONDS)
        other.put_all([b"a", b"b"], [LIVE])
        jobs = lost.reserve(LIVE, 2, 5)
        assert len(jobs) == 2
        assert not other.has_strays(LIVE)
        way.hold()
        with pytest.raises(QueueUnavailable, match="no answer within 5 s"):
            lost.release(jobs)
        assert other.has_strays(LIVE)
        assert not other.has_strays(ARCHIVE)
        assert other.counts(LIVE)[:2] == (0, 2)
        assert other.reserve(LIVE, 2, 0) == []
    wait_until(lambda: other.counts(LIVE).ready, "RabbitMQ has noticed", RETURN_SECONDS)
    assert [job.body for job in other.reserve(LIVE, 2, 5)] == [b"a", b"b"]


def test_strays_are_forgotten_when_rabbitmq_must_have_given_them_back(
    cluster: Cluster, connect: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewire.queue.rabbit.notes.RETURN_SECONDS", 1)
    other, lost = connect(), connect()
    other.put(b"a", [LIVE])
    [job] = lost.reserve(LIVE, 1, 5)
    cluster.nodes[0].close_connections()
    with pytest.raises(QueueUnavailable):
        lost.delete([job])
    wait_until(lambda: not other.has_strays(LIVE), "there are no strays")
    wait_until(lambda: other.counts(LIVE)[:2] == (1, 0), "the job is back")


def test_jobs_that_were_on_their_way_to_a_connection_when_it_broke_are_strays(
    cluster: Cluster, connect: Callable[..., Queue]
) -> None:
    [node] = cluster.nodes
    with relay(node.port) as way, node.connect() as connection, ThreadPoolExecutor() as thread:
        other, lost = connect(node.port), connect(way.port)
        waits = thread.submit(lost.reserve, LIVE, 1, 60)
        looks = connection.channel()
        wait_until(lambda: looks.queue_declare(LIVE, passive=True).consumer_count, "a job is waited for")
        way.hold()
        other.put(b"a", [LIVE])
        wait_until(lambda: not other.counts(LIVE).ready, "the job is on its way")
        assert not other.has_strays(LIVE)
        way.cut()
        with pytest.raises(QueueUnavailable):
            waits.result()
        assert other.has_strays(LIVE)
    wait_until(lambda: other.counts(LIVE).ready, "RabbitMQ has noticed", RETURN_SECONDS)


def test_a_loss_of_contact_is_remembered_for_longer_than_any_node_is_believed_to_live() -> None:
    net_tick_seconds = 60  # RabbitMQ's default; it may take a quarter more
    assert 1.25 * net_tick_seconds < notes.RETURN_SECONDS


@pytest.mark.parametrize("count", [500, 5000])
def test_jobs_come_in_the_order_of_their_puts_from_several_connections(
    connect: Callable[..., Queue], count: int
) -> None:
    first, second = connect(), connect()
    for number in range(0, count, count // 10):
        (first if number % 2 else second).put_all(
            [b"%d" % each for each in range(number, number + count // 10)], [LIVE]
        )
    jobs = first.reserve(LIVE, count, 5)
    assert [int(job.body) for job in jobs] == list(range(count))
