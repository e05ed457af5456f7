"""Posted batches: the api-ingest program in its deployed configuration, with a real beanstalkd."""

from __future__ import annotations

import gzip
import uuid
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from api.ingest import batch
from tests.integration.conftest import call_ingest, ingest_api, open_queue
from tests.support import EXAMPLE, TUBES, beanstalkd, example
from tradewire.limits import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Response

VALID = [example(userId=str(number)) for number in range(1, 6)]
INVALID = example(currencyTo="XYZ", rate=0)


@pytest.fixture(scope="module")
def shared(module_home: Path, lane: str) -> Iterator[Path]:
    """Return the home directory of a running api-ingest."""
    with beanstalkd(module_home), ingest_api(module_home, lane):
        yield module_home


def post_batch(home: Path, body: bytes, **headers: str) -> Response:
    return call_ingest(home, "/api/messages", method="POST", body=body, **headers)


def lines(*messages: bytes) -> bytes:
    return b"\n".join(messages)


def take(home: Path, tube: str) -> list[list[dict[str, Any]]]:
    """Take all jobs out of a tube and delete them. Return a list of events for each job."""
    batches: list[list[dict[str, Any]]] = []
    with open_queue(home) as queue:
        while jobs := queue.reserve(tube, 1000, 0):
            batches += [[msgspec.json.decode(line) for line in job.events] for job in jobs]
            queue.delete(jobs)
    return batches


@pytest.fixture(autouse=True)
def _empty_tubes(shared: Path) -> None:
    for tube in TUBES:
        take(shared, tube)


def test_a_batch_is_one_job_in_every_tube_and_the_response_has_its_ids_in_order(shared: Path) -> None:
    response = post_batch(shared, lines(*VALID))
    assert response.status == 201
    assert response.json.keys() == {"status", "accepted", "ids"}
    assert (response.json["status"], response.json["accepted"]) == ("OK", len(VALID))
    for tube in TUBES:
        [job] = take(shared, tube)
        assert [event["id"] for event in job] == response.json["ids"]
        assert [event["userId"] for event in job] == ["1", "2", "3", "4", "5"]


def test_a_json_array_is_accepted_like_ndjson(shared: Path) -> None:
    assert post_batch(shared, b"[" + b",".join(VALID) + b"]", Content_Type="text/plain").json["accepted"] == len(VALID)


def test_valid_messages_of_a_batch_are_accepted_and_faults_of_the_others_are_named(shared: Path) -> None:
    response = post_batch(shared, lines(VALID[0], INVALID, VALID[1], b"no json"))
    assert response.status == 207
    assert (response.json["status"], response.json["accepted"]) == ("PARTIAL", 2)
    assert [id_ is not None for id_ in response.json["ids"]] == [True, False, True, False]
    refused = [(entry["index"], [fault["field"] for fault in entry["errors"]]) for entry in response.json["refused"]]
    assert refused == [(1, ["currencyTo", "rate"]), (3, [None])]
    for tube in TUBES:
        [job] = take(shared, tube)
        assert [event["id"] for event in job] == [id_ for id_ in response.json["ids"] if id_]


def test_a_batch_without_a_valid_message_puts_no_job(shared: Path) -> None:
    response = post_batch(shared, lines(INVALID, INVALID))
    assert (response.status, response.json["status"]) == (400, "FAILED")
    assert [fault["code"] for fault in response.json["errors"]] == ["all-refused"]
    assert [entry["index"] for entry in response.json["refused"]] == [0, 1]
    assert [take(shared, tube) for tube in TUBES] == [[], []]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"[{}", 400, "not-json"),
        (lines(*[VALID[0]] * (MAX_BATCH_MESSAGES + 1)), 400, "too-many"),
        (VALID[0].ljust(MAX_BATCH_BYTES + 1), 413, "too-large"),
    ],
    ids=["empty", "truncated", "too many", "too large"],
)
def test_an_invalid_batch_is_refused_as_a_whole(shared: Path, body: bytes, status: int, code: str) -> None:
    response = post_batch(shared, body)
    assert (response.status, response.json["status"]) == (status, "FAILED")
    assert [fault["code"] for fault in response.json["errors"]] == [code]
    assert [take(shared, tube) for tube in TUBES] == [[], []]


def test_a_batch_of_the_maximum_size_is_accepted(shared: Path) -> None:
    body = lines(*[VALID[0]] * MAX_BATCH_MESSAGES).ljust(MAX_BATCH_BYTES)
    assert post_batch(shared, body).json["accepted"] == MAX_BATCH_MESSAGES


def test_a_retried_batch_with_a_key_gets_the_same_ids(shared: Path) -> None:
    key = str(uuid.uuid4())
    first = post_batch(shared, lines(VALID[0], INVALID, VALID[1]), Idempotency_Key=key)
    retry = post_batch(shared, lines(VALID[0], VALID[2], VALID[1]), Idempotency_Key=key)
    assert (first.status, retry.status) == (207, 201)
    assert [first.json["ids"][place] for place in (0, 2)] == [retry.json["ids"][place] for place in (0, 2)]
    assert {uuid.UUID(id_).version for id_ in retry.json["ids"]} == {8}


@pytest.mark.parametrize("path", ["/api/message", "/api/messages"])
@pytest.mark.parametrize("name", ["gzip", "X-GZIP"])
def test_a_gzip_body_is_accepted(shared: Path, path: str, name: str) -> None:
    response = call_ingest(shared, path, method="POST", body=gzip.compress(VALID[0]), Content_Encoding=name)
    assert response.status == 201
    assert [event["userId"] for event in take(shared, TUBES[0])[0]] == ["1"]


@pytest.mark.parametrize(("path", "limit"), [("/api/message", MAX_MESSAGE_BYTES), ("/api/messages", MAX_BATCH_BYTES)])
def test_the_size_limit_applies_to_the_decompressed_body(shared: Path, path: str, limit: int) -> None:
    def post_body(size: int) -> Response:
        return call_ingest(
            shared, path, method="POST", body=gzip.compress(VALID[0].ljust(size)), Content_Encoding="gzip"
        )

    assert post_body(limit).status == 201
    assert post_body(limit + 1).status == 413
    assert post_body(200 * limit).status == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(VALID[0])[:-1], gzip.compress(VALID[0]) * 2, zlib.compress(VALID[0])],
    ids=["empty", "not compressed", "truncated", "two members", "zlib"],
)
def test_a_body_that_is_not_one_complete_gzip_member_is_refused(shared: Path, body: bytes) -> None:
    response = post_batch(shared, body, Content_Encoding="gzip")
    assert (response.status, response.json["errors"][0]["code"]) == (400, "bad-gzip")
    assert take(shared, TUBES[0]) == []


@pytest.mark.parametrize("path", ["/api/message", "/api/messages"])
@pytest.mark.parametrize("encoding", ["identity", "", " Identity ", "identity,", "identity, identity"])
def test_a_body_that_is_not_encoded_may_say_so(shared: Path, path: str, encoding: str) -> None:
    assert call_ingest(shared, path, method="POST", body=VALID[0], Content_Encoding=encoding).status == 201


@pytest.mark.parametrize("encoding", ["gzip, identity", "identity,GZIP,"])
def test_gzip_may_be_named_together_with_identity(shared: Path, encoding: str) -> None:
    assert post_batch(shared, gzip.compress(VALID[0]), Content_Encoding=encoding).status == 201


@pytest.mark.parametrize("encoding", ["gzip, gzip", "identity, br", "gzip;q=1"])
def test_several_or_other_encodings_are_refused(shared: Path, encoding: str) -> None:
    assert post_batch(shared, gzip.compress(VALID[0]), Content_Encoding=encoding).status == 415


def test_a_response_to_a_small_body_lists_ten_faults_and_counts_the_others(shared: Path) -> None:
    body = gzip.compress(lines(*[b"{}"] * MAX_BATCH_MESSAGES))
    response = post_batch(shared, body, Content_Encoding="gzip")
    listed = [fault["field"] for refused in response.json["refused"] for fault in refused["errors"]]
    assert (response.status, len(listed), response.json["moreErrors"]) == (400, 10, 8 * MAX_BATCH_MESSAGES - 10)
    assert len(response.body) < 2000


def test_a_response_with_many_faults_is_not_larger_than_the_request(shared: Path) -> None:
    nul = b",".join(b'"%d":"\\u0000"' % number for number in range(100))
    for messages in ([b"{%b}" % nul] * 400, [b"{}"] * MAX_BATCH_MESSAGES, [INVALID] * MAX_BATCH_MESSAGES):
        body = lines(*messages)
        response = post_batch(shared, body)
        listed = sum(len(refused["errors"]) for refused in response.json["refused"])
        assert listed >= 10
        assert len(response.body) <= max(len(body), 2000)
        faults = batch.check(body, None, datetime.now(UTC))
        assert listed + response.json.get("moreErrors", 0) == (
            sum(map(len, faults.refused.values())) + faults.more_faults
        )


def test_a_207_names_the_messages_whose_faults_it_does_not_list_by_null(shared: Path) -> None:
    response = post_batch(shared, lines(VALID[0], *[b"{}"] * 100))
    assert (response.status, response.json["accepted"]) == (207, 1)
    assert response.json["ids"][1:] == [None] * 100
    assert response.json["moreErrors"] == 800 - 10


def test_another_content_encoding_is_refused_with_the_accepted_one(shared: Path) -> None:
    response = post_batch(shared, VALID[0], Content_Encoding="br")
    assert (response.status, response.headers["Accept-Encoding"]) == (415, "gzip")
    assert response.json["errors"][0]["code"] == "unsupported-media-type"


def test_a_page_of_another_site_can_not_post_a_batch(shared: Path) -> None:
    assert post_batch(shared, VALID[0], Sec_Fetch_Site="cross-site").status == 403


def test_without_a_queue_a_whole_batch_gets_503(home: Path) -> None:
    with ingest_api(home):
        response = post_batch(home, lines(*VALID, INVALID))
    assert (response.status, response.json["status"]) == (503, "FAILED")
    assert int(response.headers["Retry-After"]) >= 1
    assert "Idempotency-Key" in response.json["errors"][0]["detail"]


def test_a_batch_of_one_message_is_accepted(shared: Path) -> None:
    assert post_batch(shared, msgspec.json.encode([EXAMPLE])).status == 201
