"""The ledger adds up, whatever was killed, retried, buried, expired or put in by hand; and it finds what is lost."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import (
    Browser,
    call_ingest,
    call_query,
    event_json,
    ingest_api,
    open_queue,
    post,
    processor,
    query_api,
)
from tests.support import beanstalkd, example, wait_until, wsserver
from tradewire.queue import ARCHIVE, LIVE, TUBES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POSTS = 5


@contextmanager
def parts(home: Path, **env: str) -> Iterator[None]:
    """Run all that the ledger is about, but for browsers."""
    (home / "store").mkdir(exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(beanstalkd(home))
        stack.enter_context(wsserver(home))
        stack.enter_context(ingest_api(home))
        stack.enter_context(query_api(home))
        stack.enter_context(processor(home, **env))
        stack.enter_context(processor(home, "archive"))
        yield


def ledger(home: Path) -> dict[str, Any]:
    """Give the ledger at rest."""
    found: dict[str, Any] = {}

    def settled() -> bool:
        answer = call_query(home, "/api/ledger")
        found.clear()
        found.update(answer.json)
        return answer.status == 200 and found["status"] != "settling"

    wait_until(settled, "the ledger is at rest")
    return found


def post_some(home: Path, count: int = POSTS, **headers: str) -> None:
    for number in range(count):
        assert post(home, example(userId=f"{number}"), **headers).status == 201


def post_batch(home: Path, count: int = POSTS) -> None:
    body = b"\n".join(example(userId=f"{number}") for number in range(count))
    assert call_ingest(home, "/api/messages", method="POST", body=body).status == 201


def differences(account: dict[str, int]) -> tuple[int, int, int]:
    return account["unanswered"], account["unexplained"], account["missing"]


def test_what_was_shown_and_archived_balances_what_was_accepted(home: Path) -> None:
    with parts(home), Browser(home) as browser:
        post_some(home)
        browser.receive_ids(POSTS)
        wait_until(lambda: ledger(home)["tubes"]["live"]["shown"] == POSTS, "all are told to be shown")
        found = ledger(home)
    assert (found["status"], found["accepted"], found["begun"]) == ("balanced", POSTS, POSTS)
    assert found["tubes"]["archive"]["archived"] == POSTS
    for account in found["tubes"].values():
        assert differences(account) == (0, 0, 0)
        assert account["waiting"] == account["duplicates"] == account["deadLetters"] == 0


def test_messages_that_no_browser_was_there_for_wait_and_are_archived(home: Path) -> None:
    with parts(home):
        post_some(home)
        wait_until(lambda: ledger(home)["tubes"]["archive"]["archived"] == POSTS, "all are archived")
        found = ledger(home)
    assert found["status"] == "balanced"
    assert (found["tubes"]["live"]["waiting"], found["tubes"]["live"]["shown"]) == (POSTS, 0)


def test_the_messages_of_batches_that_wait_are_counted_and_not_their_jobs(home: Path) -> None:
    with parts(home):
        post_some(home)
        post_batch(home, 300)
        post_batch(home, 200)
        expected = POSTS + 500
        wait_until(lambda: ledger(home)["tubes"]["archive"]["archived"] == expected, "all are archived")
        found = ledger(home)
        assert (found["status"], found["accepted"]) == ("balanced", expected)
        assert found["tubes"]["live"]["waiting"] == expected
        with Browser(home) as browser:
            browser.receive_ids(expected)
            wait_until(lambda: ledger(home)["tubes"]["live"]["shown"] == expected, "all are told to be shown")
            found = ledger(home)
    assert found["status"] == "balanced"
    assert differences(found["tubes"]["live"]) == (0, 0, 0)


def test_messages_that_expired_unseen_are_counted_as_such(home: Path) -> None:
    with parts(home, TRADEWIRE_LIVE_MAX_AGE_SECONDS="1"):
        post_some(home)
        wait_until(lambda: ledger(home)["tubes"]["live"]["expired"] == POSTS, "all have expired")
        assert ledger(home)["status"] == "balanced"


def test_a_retry_under_its_key_is_accepted_again_and_is_the_same_message(home: Path) -> None:
    with parts(home), Browser(home) as browser:
        for _ in range(3):
            assert post(home, example(), Idempotency_Key="the-same").status == 201
        browser.receive_ids(1)
        wait_until(lambda: ledger(home)["tubes"]["live"]["shown"] == 1, "it is told to be shown")
        wait_until(lambda: ledger(home)["tubes"]["archive"]["duplicates"] == 2, "its retries are known")
        found = ledger(home)
    assert (found["status"], found["accepted"], found["tubes"]["archive"]["archived"]) == ("balanced", 3, 1)
    assert differences(found["tubes"]["live"]) == (0, 0, 0)


def test_what_is_buried_and_what_an_operator_discards_is_accounted_for(home: Path) -> None:
    (home / "operator-token").write_text("secret")
    with parts(home), Browser(home):
        post_some(home, 1)
        with open_queue(home) as queue:
            queue.put(b'{"id":"no event"}', [LIVE])
        wait_until(lambda: ledger(home)["tubes"]["live"]["deadLetters"] == 1, "it is buried")
        found = ledger(home)
        assert found["status"] == "balanced"
        assert differences(found["tubes"]["live"]) == (0, 1, 0), "nobody posted it"
        operator = {"Authorization": "Bearer secret"}
        [letter] = call_query(home, "/api/dead-letters?tube=live", **operator).json["deadLetters"]
        assert call_query(home, f"/api/dead-letters/live/{letter['id']}", method="DELETE", **operator).status in {
            200,
            204,
        }
        assert differences(ledger(home)["tubes"]["live"]) == (0, 0, 0)


def test_a_message_in_one_tube_of_two_is_a_surplus_there_and_no_loss(home: Path) -> None:
    with parts(home), Browser(home) as browser:
        post_some(home, 1)
        with open_queue(home) as queue:
            queue.put(event_json(), [LIVE])
        browser.receive_ids(2)
        wait_until(lambda: ledger(home)["tubes"]["live"]["shown"] == 2, "both are told to be shown")
        found = ledger(home)
    assert found["status"] == "balanced"
    assert differences(found["tubes"]["live"]) == (0, 1, 0)
    assert differences(found["tubes"]["archive"]) == (0, 0, 0)


@pytest.mark.parametrize(("post", "lost"), [(post_some, 1), (post_batch, POSTS)])
@pytest.mark.parametrize("tube", TUBES)
def test_an_accepted_job_that_is_gone_is_a_loss_of_each_of_its_messages(
    home: Path, tube: str, post: Callable[[Path], None], lost: int
) -> None:
    (home / "store").mkdir()
    with beanstalkd(home), ingest_api(home), query_api(home):
        post(home)
        with open_queue(home) as queue:
            queue.delete(queue.reserve(tube, 1, 0))
        with processor(home, "archive"):
            wait_until(lambda: ledger(home)["tubes"][tube]["missing"], "the loss is found")
            found = ledger(home)
    assert found["status"] == "loss"
    assert {name: account["missing"] for name, account in found["tubes"].items()} == {LIVE: 0, ARCHIVE: 0} | {
        tube: lost
    }


def test_the_account_survives_every_part_and_goes_on_after_it(home: Path) -> None:
    (home / "store").mkdir()
    with beanstalkd(home) as queue, processor(home, "archive") as archiver, query_api(home):
        with ingest_api(home) as server:
            post_some(home)
            wait_until(lambda: ledger(home)["tubes"]["archive"]["archived"] == POSTS, "all are archived")
            for process in (server, archiver, queue):
                process.kill()
                process.wait()
        with beanstalkd(home), ingest_api(home), processor(home, "archive"):
            post_some(home)
            wait_until(lambda: ledger(home)["tubes"]["archive"]["archived"] == 2 * POSTS, "all are archived")
            found = ledger(home)
    assert (found["status"], found["accepted"]) == ("balanced", 2 * POSTS)
    assert found["tubes"]["live"]["waiting"] == 2 * POSTS


def test_where_the_store_can_not_be_asked_there_is_no_ledger(home: Path) -> None:
    with beanstalkd(home), query_api(home):
        answer = call_query(home, "/api/ledger")
        assert (answer.status, answer.json["status"]) == (503, "FAILED")
