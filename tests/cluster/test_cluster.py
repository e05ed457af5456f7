"""A whole stack on a RabbitMQ cluster of three nodes, while nodes are killed and fall silent under load."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.producer import Producer
from tests.chaos.reconcile import find_violations
from tests.chaos.scenario import Chaos
from tests.rabbitmq import Cluster, Node, rabbitmq
from tests.stack import Stack, is_settled, stack
from tests.support import example, wait_until
from tests.watcher import Watcher
from tradewire.errors import QueueUnavailable
from tradewire.queue import ARCHIVE, DEAD_SUFFIX, LIVE, factory
from tradewire.queue.rabbit.address import ANSWER_SECONDS
from tradewire.queue.rabbit.notes import RETURN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewire.queue import Queue

pytestmark = pytest.mark.timeout(900)

SILENCE_SECONDS = 8
"""Longer than a program waits for an answer, and shorter than nodes wait for each other."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="tw-", dir="/tmp") as home, rabbitmq(Path(home), size=3) as running:
        yield running


@pytest.fixture
def running(cluster: Cluster, home: Path) -> Iterator[Stack]:
    cluster.prepare()
    with stack(
        home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off", QUEUE_URL=cluster.url(answer_seconds=ANSWER_SECONDS)
    ) as started:
        yield started


def connect(cluster: Cluster, node: Node, home: Path) -> Queue:
    """Return a connection to one node, which waits for each answer as long as those of a stack do."""
    return factory.open_queue(cluster.url(node.port, answer_seconds=ANSWER_SECONDS), 10**9, home / "ledger")


def settled(running: Stack) -> dict[str, Any]:
    """Wait until the ledger has settled, which takes longer after a silence."""
    ledger: dict[str, Any] = {}

    def has_settled() -> bool:
        response = running.get("/api/ledger")
        if response.status == 200:
            ledger.update(response.json)
        return response.status == 200 and is_settled(ledger)

    wait_until(has_settled, lambda: f"all is settled: {ledger}\n{running.logs()}", RETURN_SECONDS + 120, 0.2)
    return ledger


@contextmanager
def load(running: Stack) -> Iterator[Chaos]:
    """Post messages, and show them in a browser, until the block ends. Then check every guarantee."""
    with Watcher(running.port) as watcher, Producer(running.port) as producer:
        chaos = Chaos(running, producer)
        chaos.recover()
        yield chaos
        chaos.wait_accepted()
        producer.stop()
        ledger = settled(running)
        accepted = set(producer.accepted)
        wait_until(lambda: accepted <= set(watcher.ids), "every message is shown")
    violations = find_violations(running, producer, ledger)
    assert not violations, "\n".join([*violations, running.logs()])
    assert len(watcher.ids) == len(set(watcher.ids)), "the browser is shown each message once"
    assert len(accepted) > 100


def test_nothing_is_lost_or_doubled_when_each_node_is_killed_in_turn(cluster: Cluster, running: Stack) -> None:
    with load(running) as chaos:
        for node in cluster.nodes:
            node.kill()
            chaos.wait_accepted()
            node.start()
            node.wait_until_ready()


def test_nothing_is_lost_or_doubled_and_no_loss_is_named_when_a_node_falls_silent(
    cluster: Cluster, running: Stack
) -> None:
    with load(running) as chaos:
        for node in cluster.nodes[:2]:
            node.freeze()
            time.sleep(SILENCE_SECONDS)  # the fault itself
            chaos.wait_accepted()
            node.thaw()


def test_without_a_majority_messages_are_refused_until_a_node_is_back(cluster: Cluster, running: Stack) -> None:
    with load(running) as chaos:
        for node in cluster.nodes[:2]:
            node.kill()
        wait_until(lambda: running.post(example()).status == 503, "messages are refused", pause_seconds=0.1)
        # nginx limits how often one address may ask.
        wait_until(lambda: running.get("/readyz").json.get("status") == "not-ready", "it says so", pause_seconds=0.2)
        for node in cluster.nodes[:2]:
            node.start()
        for node in cluster.nodes[:2]:
            node.wait_until_ready()
        chaos.wait_accepted()


def test_a_tube_without_a_leader_is_never_counted_as_empty(cluster: Cluster, home: Path) -> None:
    cluster.prepare()
    first, *others = cluster.nodes
    with closing(connect(cluster, first, home)) as queue:
        queue.put(b"a", [ARCHIVE])
        queue.put(b"letter", [ARCHIVE + DEAD_SUFFIX])
        assert queue.counts(ARCHIVE)[:3] == (1, 0, 1)
        for node in others:
            node.kill()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                counts = queue.counts(ARCHIVE)
            except QueueUnavailable:
                continue
            # A job that was asked for when the majority went away counts as reserved until RabbitMQ must have it back.
            assert counts.ready + counts.reserved >= 1
            assert counts.dead_letters >= 1
        for node in others:
            node.start()
        for node in others:
            node.wait_until_ready()
        wait_until(lambda: _counts(queue) == (1, 0, 1), "the jobs are back", RETURN_SECONDS + 60)


@pytest.mark.parametrize("jobs", [1, 7])
def test_the_jobs_of_a_killed_node_come_back_while_it_is_away(cluster: Cluster, home: Path, jobs: int) -> None:
    cluster.prepare()
    first, second, _ = cluster.nodes
    bodies = [b"%d" % number for number in range(jobs)]
    with closing(connect(cluster, first, home)) as broken, closing(connect(cluster, second, home)) as queue:
        queue.put_all(bodies, [LIVE])
        assert len(broken.reserve(LIVE, jobs, 5)) == jobs
        first.kill()
        try:
            wait_until(lambda: _ready(queue, LIVE) == jobs, "the jobs are back", RETURN_SECONDS)
            assert [job.body for job in queue.reserve(LIVE, jobs, 5)] == bodies
        finally:
            first.start()
            first.wait_until_ready()


def _ready(queue: Queue, tube: str) -> int | None:
    try:
        return queue.counts(tube).ready
    except QueueUnavailable:
        return None


def _counts(queue: Queue) -> tuple[int, ...] | None:
    try:
        return queue.counts(ARCHIVE)[:3]
    except QueueUnavailable:
        return None
