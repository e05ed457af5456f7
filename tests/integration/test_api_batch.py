"""Batches, to the API as it is deployed, with a real beanstalkd."""

from __future__ import annotations

import gzip
import uuid
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.integration.conftest import call_ingest, ingest_api, open_queue
from tests.support import EXAMPLE, beanstalkd, example
from tradewire.limits import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Response

GOOD = [example(userId=str(number)) for number in range(1, 6)]
BAD = example(currencyTo="XYZ", rate=0)


@pytest.fixture(scope="module")
def shared(module_home: Path) -> Iterator[Path]:
    """Give the home of a running API."""
    with beanstalkd(module_home), ingest_api(module_home):
        yield module_home


def post(home: Path, body: bytes, **headers: str) -> Response:
    return call_ingest(home, "/api/messages", method="POST", body=body, **headers)


def lines(*messages: bytes) -> bytes:
    return b"\n".join(messages)


def take(home: Path, tube: str) -> list[list[dict[str, Any]]]:
    """Take every job of a tube, for good: a list of its events each."""
    taken: list[list[dict[str, Any]]] = []
    with open_queue(home) as queue:
        while jobs := queue.reserve(tube, 1000, 0):
            taken += [[msgspec.json.decode(line) for line in job.events] for job in jobs]
            queue.delete(jobs)
    return taken


@pytest.fixture(autouse=True)
def _nothing_before(shared: Path) -> None:
    for tube in TUBES:
        take(shared, tube)


def test_a_batch_is_one_job_in_every_tube_and_its_ids_are_answered_in_order(shared: Path) -> None:
    answer = post(shared, lines(*GOOD))
    assert answer.status == 201
    assert answer.json.keys() == {"status", "accepted", "ids"}
    assert (answer.json["status"], answer.json["accepted"]) == ("OK", len(GOOD))
    for tube in TUBES:
        [job] = take(shared, tube)
        assert [event["id"] for event in job] == answer.json["ids"]
        assert [event["userId"] for event in job] == ["1", "2", "3", "4", "5"]


def test_a_json_array_is_the_same_batch_as_ndjson(shared: Path) -> None:
    assert post(shared, b"[" + b",".join(GOOD) + b"]", Content_Type="text/plain").json["accepted"] == len(GOOD)


def test_the_good_messages_of_a_batch_are_taken_and_the_faults_of_the_others_named(shared: Path) -> None:
    answer = post(shared, lines(GOOD[0], BAD, GOOD[1], b"no json"))
    assert answer.status == 207
    assert (answer.json["status"], answer.json["accepted"]) == ("PARTIAL", 2)
    assert [bool(one) for one in answer.json["ids"]] == [True, False, True, False]
    found = [(one["index"], [fault["field"] for fault in one["errors"]]) for one in answer.json["refused"]]
    assert found == [(1, ["currencyTo", "rate"]), (3, [None])]
    for tube in TUBES:
        [job] = take(shared, tube)
        assert [event["id"] for event in job] == [one for one in answer.json["ids"] if one]


def test_a_batch_without_a_good_message_puts_nothing(shared: Path) -> None:
    answer = post(shared, lines(BAD, BAD))
    assert (answer.status, answer.json["status"]) == (400, "FAILED")
    assert [fault["code"] for fault in answer.json["errors"]] == ["all-refused"]
    assert [one["index"] for one in answer.json["refused"]] == [0, 1]
    assert [take(shared, tube) for tube in TUBES] == [[], []]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"[{}", 400, "not-json"),
        (lines(*[GOOD[0]] * (MAX_BATCH_MESSAGES + 1)), 400, "too-many"),
        (GOOD[0].ljust(MAX_BATCH_BYTES + 1), 413, "too-large"),
    ],
    ids=["empty", "cut", "too many", "too large"],
)
def test_what_is_no_batch_is_refused_whole(shared: Path, body: bytes, status: int, code: str) -> None:
    answer = post(shared, body)
    assert (answer.status, answer.json["status"]) == (status, "FAILED")
    assert [fault["code"] for fault in answer.json["errors"]] == [code]
    assert [take(shared, tube) for tube in TUBES] == [[], []]


def test_as_many_messages_as_a_batch_may_hold_are_taken_at_once(shared: Path) -> None:
    body = lines(*[GOOD[0]] * MAX_BATCH_MESSAGES).ljust(MAX_BATCH_BYTES)
    assert post(shared, body).json["accepted"] == MAX_BATCH_MESSAGES


def test_a_batch_that_is_sent_again_under_its_key_is_the_same_messages(shared: Path) -> None:
    key = str(uuid.uuid4())
    first = post(shared, lines(GOOD[0], BAD, GOOD[1]), Idempotency_Key=key)
    again = post(shared, lines(GOOD[0], GOOD[2], GOOD[1]), Idempotency_Key=key)
    assert (first.status, again.status) == (207, 201)
    assert [first.json["ids"][place] for place in (0, 2)] == [again.json["ids"][place] for place in (0, 2)]
    assert {uuid.UUID(one).version for one in again.json["ids"]} == {8}


@pytest.mark.parametrize("path", ["/api/message", "/api/messages"])
@pytest.mark.parametrize("name", ["gzip", "X-GZIP"])
def test_a_body_may_be_packed_with_gzip(shared: Path, path: str, name: str) -> None:
    answer = call_ingest(shared, path, method="POST", body=gzip.compress(GOOD[0]), Content_Encoding=name)
    assert answer.status == 201
    assert [event["userId"] for event in take(shared, TUBES[0])[0]] == ["1"]


@pytest.mark.parametrize(("path", "limit"), [("/api/message", MAX_MESSAGE_BYTES), ("/api/messages", MAX_BATCH_BYTES)])
def test_the_limit_holds_for_what_is_unpacked(shared: Path, path: str, limit: int) -> None:
    def sent(size: int) -> Response:
        return call_ingest(
            shared, path, method="POST", body=gzip.compress(GOOD[0].ljust(size)), Content_Encoding="gzip"
        )

    assert sent(limit).status == 201
    assert sent(limit + 1).status == 413
    assert sent(200 * limit).status == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(GOOD[0])[:-1], gzip.compress(GOOD[0]) * 2, zlib.compress(GOOD[0])],
    ids=["empty", "not packed", "cut", "twice", "zlib"],
)
def test_what_is_not_one_whole_piece_of_gzip_is_refused(shared: Path, body: bytes) -> None:
    answer = post(shared, body, Content_Encoding="gzip")
    assert (answer.status, answer.json["errors"][0]["code"]) == (400, "bad-gzip")
    assert take(shared, TUBES[0]) == []


def test_a_body_that_is_packed_otherwise_is_told_how_it_may_be(shared: Path) -> None:
    answer = post(shared, GOOD[0], Content_Encoding="br")
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "gzip")
    assert answer.json["errors"][0]["code"] == "unsupported-media-type"


def test_a_page_of_another_site_can_not_post_a_batch(shared: Path) -> None:
    assert post(shared, GOOD[0], Sec_Fetch_Site="cross-site").status == 403


def test_without_a_queue_nothing_of_a_batch_is_promised(home: Path) -> None:
    with ingest_api(home):
        answer = post(home, lines(*GOOD, BAD))
    assert (answer.status, answer.json["status"]) == (503, "FAILED")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Idempotency-Key" in answer.json["errors"][0]["detail"]


def test_the_example_may_come_alone_in_a_batch(shared: Path) -> None:
    assert post(shared, msgspec.json.encode([EXAMPLE])).status == 201
