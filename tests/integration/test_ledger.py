"""The ledger balances after kills, retries, dead letters, expiry and manual puts, and it detects losses."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec
import psutil
import pytest

from tests.integration.conftest import (
    Browser,
    call_ingest,
    call_query,
    event_json,
    ingest_api,
    keeper,
    open_queue,
    post,
    processor,
    query_api,
    reconciler,
)
from tests.support import TUBES, beanstalkd, example, wait_until, wsserver
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POSTS = 5


@contextmanager
def whole_stack(home: Path, **env: str) -> Iterator[None]:
    """Run all programs that the ledger depends on, without a browser."""
    (home / "store").mkdir(exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(beanstalkd(home))
        stack.enter_context(wsserver(home))
        stack.enter_context(ingest_api(home))
        stack.enter_context(query_api(home))
        stack.enter_context(keeper(home, **env))
        stack.enter_context(reconciler(home, **env))
        stack.enter_context(processor(home, **env))
        stack.enter_context(processor(home, "archive"))
        yield


def settled_ledger(home: Path) -> dict[str, Any]:
    """Return the ledger once it has settled."""
    ledger: dict[str, Any] = {}

    def has_settled() -> bool:
        response = call_query(home, "/api/ledger")
        ledger.clear()
        ledger.update(response.json)
        return response.status == 200 and ledger["status"] != "settling"

    wait_until(has_settled, "the ledger has settled")
    return ledger


def post_messages(home: Path, count: int = POSTS, **headers: str) -> None:
    for number in range(count):
        assert post(home, example(userId=f"{number}"), **headers).status == 201


def post_batch(home: Path, count: int = POSTS) -> None:
    body = b"\n".join(example(userId=f"{number}") for number in range(count))
    assert call_ingest(home, "/api/messages", method="POST", body=body).status == 201


def differences(account: dict[str, int]) -> tuple[int, int, int]:
    return account["unanswered"], account["unexplained"], account["missing"]


def test_shown_and_archived_messages_balance_the_accepted_ones(home: Path) -> None:
    with whole_stack(home), Browser(home) as browser:
        post_messages(home)
        browser.receive_ids(POSTS)
        wait_until(lambda: settled_ledger(home)["tubes"]["live"]["shown"] == POSTS, "the archive has all receipts")
        ledger = settled_ledger(home)
    assert (ledger["status"], ledger["accepted"], ledger["begun"]) == ("balanced", POSTS, POSTS)
    assert ledger["tubes"]["archive"]["archived"] == POSTS
    for account in ledger["tubes"].values():
        assert differences(account) == (0, 0, 0)
        assert account["waiting"] == account["duplicates"] == account["deadLetters"] == 0


def test_messages_without_a_browser_wait_and_are_archived(home: Path) -> None:
    with whole_stack(home):
        post_messages(home)
        wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["archived"] == POSTS, "all are archived")
        ledger = settled_ledger(home)
    assert ledger["status"] == "balanced"
    assert (ledger["tubes"]["live"]["waiting"], ledger["tubes"]["live"]["shown"]) == (POSTS, 0)


def test_waiting_batches_are_counted_as_messages_not_as_jobs(home: Path) -> None:
    with whole_stack(home):
        post_messages(home)
        post_batch(home, 300)
        post_batch(home, 200)
        expected = POSTS + 500
        wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["archived"] == expected, "all are archived")
        ledger = settled_ledger(home)
        assert (ledger["status"], ledger["accepted"]) == ("balanced", expected)
        assert ledger["tubes"]["live"]["waiting"] == expected
        with Browser(home) as browser:
            browser.receive_ids(expected)
            wait_until(
                lambda: settled_ledger(home)["tubes"]["live"]["shown"] == expected, "the archive has all receipts"
            )
            ledger = settled_ledger(home)
    assert ledger["status"] == "balanced"
    assert differences(ledger["tubes"]["live"]) == (0, 0, 0)


def test_expired_messages_are_counted(home: Path) -> None:
    with whole_stack(home, TRADEWIRE_LIVE_MAX_AGE_SECONDS="1"):
        post_messages(home)
        wait_until(lambda: settled_ledger(home)["tubes"]["live"]["expired"] == POSTS, "all have expired")
        assert settled_ledger(home)["status"] == "balanced"


def test_retries_with_a_key_are_counted_as_duplicates_of_one_message(home: Path) -> None:
    with whole_stack(home), Browser(home) as browser:
        for _ in range(3):
            assert post(home, example(), Idempotency_Key="the-same").status == 201
        browser.receive_ids(1)
        wait_until(lambda: settled_ledger(home)["tubes"]["live"]["shown"] == 1, "the archive has the receipt")
        wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["duplicates"] == 2, "the retries are counted")
        ledger = settled_ledger(home)
    assert (ledger["status"], ledger["accepted"], ledger["tubes"]["archive"]["archived"]) == ("balanced", 3, 1)
    assert differences(ledger["tubes"]["live"]) == (0, 0, 0)


def test_dead_letters_and_discarded_ones_are_counted(home: Path) -> None:
    (home / "operator-token").write_text("secret")
    with whole_stack(home), Browser(home):
        post_messages(home, 1)
        with open_queue(home) as queue:
            queue.put(b'{"id":"no event"}', [LIVE])
        wait_until(lambda: settled_ledger(home)["tubes"]["live"]["shown"] == 1, "the archive has the receipt")
        wait_until(lambda: settled_ledger(home)["tubes"]["live"]["deadLetters"] == 1, "the job is dead-lettered")
        ledger = settled_ledger(home)
        assert ledger["status"] == "balanced"
        assert differences(ledger["tubes"]["live"]) == (0, 1, 0), "no producer posted it"
        operator = {"Authorization": "Bearer secret"}
        [letter] = call_query(home, "/api/dead-letters?tube=live", **operator).json["deadLetters"]
        assert call_query(home, f"/api/dead-letters/live/{letter['id']}", method="DELETE", **operator).status in {
            200,
            204,
        }
        assert differences(settled_ledger(home)["tubes"]["live"]) == (0, 0, 0)


def test_an_event_in_only_one_tube_is_unexplained_there_and_not_a_loss(home: Path) -> None:
    with whole_stack(home), Browser(home) as browser:
        post_messages(home, 1)
        with open_queue(home) as queue:
            queue.put(event_json(), [LIVE])
        browser.receive_ids(2)
        wait_until(lambda: settled_ledger(home)["tubes"]["live"]["shown"] == 2, "the archive has both receipts")
        ledger = settled_ledger(home)
    assert ledger["status"] == "balanced"
    assert differences(ledger["tubes"]["live"]) == (0, 1, 0)
    assert differences(ledger["tubes"]["archive"]) == (0, 0, 0)


@pytest.mark.parametrize(("post", "lost"), [(post_messages, 1), (post_batch, POSTS)])
@pytest.mark.parametrize("tube", TUBES)
def test_each_message_of_a_lost_job_is_reported_as_missing(
    home: Path, tube: str, post: Callable[[Path], None], lost: int
) -> None:
    (home / "store").mkdir()
    with beanstalkd(home), ingest_api(home), query_api(home), wsserver(home), Browser(home):
        post(home)
        with open_queue(home) as queue:
            [job] = queue.reserve(tube, 1, 0)
            queue.delete([job])
        with processor(home, "archive"), processor(home), reconciler(home):
            wait_until(lambda: settled_ledger(home)["tubes"][tube]["missing"], "the loss is detected")
            ledger = settled_ledger(home)
    assert ledger["status"] == "loss"
    assert {name: account["missing"] for name, account in ledger["tubes"].items()} == {LIVE: 0, ARCHIVE: 0} | {
        tube: lost
    }
    lost_event = msgspec.json.decode(job.events[0])
    [loss] = ledger["losses"]
    assert (loss["tube"], loss["messages"], loss["of"]) == (tube, lost, lost)
    assert (loss["receivedAt"], loss["firstId"]) == (lost_event["receivedAt"], lost_event["id"])


def test_the_ledger_survives_a_kill_of_every_program(home: Path) -> None:
    (home / "store").mkdir()
    with beanstalkd(home) as queue, processor(home, "archive") as archiver, query_api(home), reconciler(home):
        with ingest_api(home) as server:
            post_messages(home)
            wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["archived"] == POSTS, "all are archived")
            workers = psutil.Process(server.pid).children()
            for process in (server, archiver, queue):
                process.kill()
                process.wait()
            for worker in workers:  # else they would answer until the next server has taken their socket over
                with suppress(psutil.NoSuchProcess):  # it ends by itself, too
                    worker.kill()
            psutil.wait_procs(workers)
        with beanstalkd(home), ingest_api(home), processor(home, "archive"):
            post_messages(home)
            wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["archived"] == 2 * POSTS, "all are archived")
            ledger = settled_ledger(home)
    assert (ledger["status"], ledger["accepted"]) == ("balanced", 2 * POSTS)
    assert ledger["tubes"]["live"]["waiting"] == 2 * POSTS


def test_without_a_store_the_ledger_is_unavailable(home: Path) -> None:
    with beanstalkd(home), query_api(home):
        response = call_query(home, "/api/ledger")
        assert (response.status, response.json["status"]) == (503, "FAILED")
