"""The api-ingest program in its deployed configuration, over its unix socket, with a real beanstalkd."""

from __future__ import annotations

import os
import signal
import socket
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec
import psutil
import pytest

from tests.integration.conftest import beanstalkd_stats, call_ingest, ingest_api, open_queue, post
from tests.support import EXAMPLE, EXAMPLE_WITH_TYPOS, beanstalkd, example, wait_until
from tradewire.limits import MAX_MESSAGE_BYTES
from tradewire.queue import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Response


@pytest.fixture(scope="module")
def shared(module_home: Path, lane: str) -> Iterator[Path]:
    """Return the home directory of a running api-ingest, for tests that leave only jobs behind."""
    with beanstalkd(module_home), ingest_api(module_home, lane):
        yield module_home


def take_all(home: Path) -> list[dict[str, Any]]:
    """Take all events out of the live tube and delete their jobs."""
    events: list[dict[str, Any]] = []
    with open_queue(home) as queue:
        while jobs := queue.reserve(LIVE, 1000, 0):
            events += [msgspec.json.decode(event) for job in jobs for event in job.events]
            queue.delete(jobs)
    return events


def take_accepted(home: Path, response: Response) -> dict[str, Any]:
    """Check for status 201 and take the accepted event out of the live tube."""
    assert response.status == 201, response.body
    [event] = [event for event in take_all(home) if event["id"] == response.json["id"]]
    return event


def fault_codes(response: Response, status: int) -> set[tuple[str | None, str]]:
    """Check that a response has the error format. Return the field and code of each fault."""
    assert response.status == status, response.body
    assert response.headers["Content-Type"] == "application/json"
    assert response.json["status"] == "FAILED"
    assert all(error["detail"] for error in response.json["errors"])
    return {(error["field"], error["code"]) for error in response.json["errors"]}


def test_an_accepted_message_gets_an_id_and_its_event_is_in_the_tube(shared: Path) -> None:
    response = post(shared, b" " + example(amountBuy="747.10", rate="0.7471"))
    assert response.headers["Content-Type"] == "application/json"
    assert response.json.keys() == {"status", "userId", "id"}
    assert (response.json["status"], response.json["userId"]) == ("OK", "134259")
    assert uuid.UUID(response.json["id"]).version == 7
    assert response.headers["Location"] == f"message/{response.json['id']}"
    event = take_accepted(shared, response)
    assert event.pop("receivedAt").endswith("Z")
    assert event == EXAMPLE | {
        "id": response.json["id"],
        "amountSell": "1000",
        "amountBuy": "747.10",
        "rate": "0.7471",
        "timePlaced": "2015-01-24T10:27:44Z",
        "flags": [],
    }


def test_the_widely_copied_example_with_typos_is_accepted(shared: Path) -> None:
    event = take_accepted(shared, post(shared, EXAMPLE_WITH_TYPOS))
    assert event["currencyFrom"] == "EUR"
    assert event["timePlaced"] == "2015-01-24T10:27:44Z"
    assert event["amountBuy"] == "747.10"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "\xe9"]
)
def test_any_content_type_is_accepted(shared: Path, content_type: str) -> None:
    assert take_accepted(shared, post(shared, example(), Content_Type=content_type))


def test_unknown_fields_are_named_in_the_response(shared: Path) -> None:
    response = post(shared, example(venue="XLON", **{"trader id": 7}))
    assert set(response.json["ignored"]) == {"venue", "trader id"}
    assert "venue" not in take_accepted(shared, response)


def test_rounded_fields_are_named_in_the_response_and_flagged_in_the_event(shared: Path) -> None:
    response = post(shared, example(amountBuy=1533.5986119999998, rate=1.5335986119999998))
    assert response.json["rounded"] == ["amountBuy", "rate"]
    event = take_accepted(shared, response)
    assert (event["amountBuy"], event["rate"], event["flags"]) == ("1533.598612", "1.533598612", ["rounded"])


def test_a_response_names_the_first_ten_faults_and_counts_the_others(shared: Path) -> None:
    unknown = {f"\0{number}": 0 for number in range(1000)}
    response = post(shared, msgspec.json.encode(unknown))
    assert len(fault_codes(response, 400)) == 10
    assert response.json["moreErrors"] == 8 + 1000 - 10
    assert len(response.body) < 2000


def test_a_form_is_refused_with_the_json_that_belongs_there(shared: Path) -> None:
    response = post(shared, b"userId=134259&rate=0.7471", Content_Type="application/x-www-form-urlencoded")
    [error] = response.json["errors"]
    assert (response.status, error["code"]) == (400, "not-json")
    shown = error["detail"].partition("{")[1:]
    assert take_accepted(shared, post(shared, "".join(shown).encode()))


def test_a_chunked_body_is_accepted(shared: Path) -> None:
    halves = [example()[:50], example()[50:]]
    assert take_accepted(shared, post(shared, iter(halves), Transfer_Encoding="chunked"))


def test_only_the_same_key_and_body_get_the_same_id(shared: Path) -> None:
    key = str(uuid.uuid4())
    first, retry = (post(shared, example(), Idempotency_Key=key) for _ in range(2))
    other_body = post(shared, example(userId="7"), Idempotency_Key=key)
    other_key = post(shared, example(), Idempotency_Key=key + "x")
    assert first.json == retry.json
    ids = {response.json["id"] for response in (first, other_body, other_key)}
    assert len(ids) == 3
    assert {uuid.UUID(id_).version for id_ in ids} == {8}
    assert {event["id"] for event in take_all(shared)} >= ids


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9", "\t"])
def test_an_invalid_idempotency_key_is_refused(shared: Path, key: str) -> None:
    assert fault_codes(post(shared, example(), Idempotency_Key=key), 400) == {(None, "bad-idempotency-key")}


def test_a_message_with_faults_puts_no_job_and_the_response_names_every_fault(shared: Path) -> None:
    take_all(shared)
    invalid = {"currencyFrom": "XYZ", "currencyTo": 5, "amountSell": -1, "rate": "NaN", "timePlaced": "now"}
    faults = fault_codes(post(shared, msgspec.json.encode(invalid)), 400)
    missing = {"userId", "amountBuy", "originatingCountry"}
    assert {field for field, _ in faults} == set(invalid) | missing
    assert {field for field, code in faults if code == "missing"} == missing
    assert take_all(shared) == []


BODIES = [
    b"",
    b"nonsense",
    b"[]",
    b'"x"',
    b"{",
    b"[" * 60_000,
    b"\xff",
    b'{"userId":"\\ud800"}',
    b'{"rate":1e9999999}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:20]))
def test_a_body_that_is_not_a_message_is_refused(shared: Path, body: bytes) -> None:
    assert fault_codes(post(shared, body), 400)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_can_not_post(shared: Path, site: str) -> None:
    assert fault_codes(post(shared, example(), Sec_Fetch_Site=site), 403) == {(None, "forbidden")}


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_the_same_origin_and_a_direct_request_can_post(shared: Path, site: str) -> None:
    assert take_accepted(shared, post(shared, example(), Sec_Fetch_Site=site))


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_of_64_kib_is_accepted_and_a_larger_one_is_refused(shared: Path, *, chunked: bool) -> None:
    def post_body(body: bytes) -> Response:
        return post(shared, iter([body]), Transfer_Encoding="chunked") if chunked else post(shared, body)

    largest = example().ljust(MAX_MESSAGE_BYTES)
    assert take_accepted(shared, post_body(largest))
    assert fault_codes(post_body(largest + b" "), 413) == {(None, "too-large")}
    assert fault_codes(post_body(largest * 16), 413) == {(None, "too-large")}


@pytest.mark.parametrize(
    ("method", "target", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("POST", "/api/message/", 404, None),
        ("POST", "/api/messages/x", 404, None),
        ("GET", "/api/message", 405, {"POST", "OPTIONS"}),
        ("DELETE", "/api/message", 405, {"POST", "OPTIONS"}),
        ("POST", "/healthz", 405, {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_other_paths_and_methods_are_refused_in_the_same_format(
    shared: Path, method: str, target: str, status: int, allow: set[str] | None
) -> None:
    response = call_ingest(shared, target, method=method, body=b"{}")
    assert fault_codes(response, status)
    if allow:
        assert set(response.headers["Allow"].split(", ")) == allow


def send_raw(home: Path, data: bytes) -> bytes:
    """Send bytes, close the sending side, and return everything that the API sends back."""
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as reader:
        sock.settimeout(10)
        sock.connect(str(home / "sock/api-ingest.sock"))
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return reader.read()


def request(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /api/message HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_pipelined_requests_get_their_responses_in_order(shared: Path) -> None:
    take_all(shared)
    bodies = [
        example(userId="one"),
        b"bad",
        example(userId="two"),
        example().ljust(70_000),
        example(userId="three"),
    ]
    responses = send_raw(
        shared, b"".join(request(body) for body in bodies[:3]) + request(bodies[4], b"Connection: close")
    )
    assert [int(response[:3]) for response in responses.split(b"HTTP/1.1 ")[1:]] == [201, 400, 201, 201]
    assert [event["userId"] for event in take_all(shared)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    "broken",
    [
        request(example())[:-1],
        request(b"") + b"\x00\x01\r\n\r\n",
        request(example(), b"Content-Length: 5"),
        request(example(), b"Transfer-Encoding: chunked"),
        b"POST /api/message HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + example(),
        b"POST /api/message HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    ],
    ids=["truncated", "trailing garbage", "two lengths", "length and chunks", "invalid chunk", "truncated chunk"],
)
def test_a_truncated_or_ambiguous_request_puts_no_job_and_causes_no_500(shared: Path, broken: bytes) -> None:
    take_all(shared)
    assert b" 500 " not in send_raw(shared, broken)
    assert take_all(shared) == []
    assert take_accepted(shared, post(shared, example()))


def is_unavailable(home: Path) -> bool:
    """Post a message and return whether it is refused with 503, after checks of the error format."""
    response = post(home, example())
    if response.status == 201:
        return False
    assert fault_codes(response, 503) == {(None, "unavailable")}
    assert int(response.headers["Retry-After"]) >= 1
    return True


def test_without_a_queue_the_status_is_503_until_the_queue_starts(home: Path, lane: str) -> None:
    with ingest_api(home, lane):
        for _ in range(5):
            assert is_unavailable(home)
        with beanstalkd(home):
            assert take_accepted(home, post(home, example()))
        assert is_unavailable(home)


def test_a_queue_that_drains_or_writes_no_log_gives_503(home: Path, lane: str) -> None:
    with ingest_api(home, lane):
        with beanstalkd(home, "-V"):
            assert is_unavailable(home)
        with beanstalkd(home) as process:
            assert not is_unavailable(home)
            process.send_signal(signal.SIGUSR1)
            wait_until(lambda: beanstalkd_stats(home)["draining"] == "true", "beanstalkd drains")
            for _ in range(4):  # enough requests to reach every worker
                assert is_unavailable(home)


@pytest.mark.parametrize("victim", ["beanstalkd", "worker", "everything"])
def test_accepted_messages_survive_a_kill_and_the_next_post_is_accepted(home: Path, lane: str, victim: str) -> None:
    ids: set[str] = set()
    with ExitStack() as stack:
        queue, server = stack.enter_context(beanstalkd(home)), stack.enter_context(ingest_api(home, lane))
        for _ in range(20):
            ids |= {post(home, example()).json["id"] for _ in range(5)}
            if len(ids) != 50:
                continue
            if victim == "worker":
                worker = psutil.Process(server.pid).children()[0]
                os.kill(worker.pid, signal.SIGKILL)
                psutil.wait_procs([worker], 5)
                continue
            if victim == "everything":
                for child in psutil.Process(server.pid).children():
                    os.kill(child.pid, signal.SIGKILL)
                server.kill()
                server.wait()
            queue.kill()
            queue.wait()
            queue = stack.enter_context(beanstalkd(home))
            if victim == "everything":
                server = stack.enter_context(ingest_api(home, lane))
        queue.kill()
        queue.wait()
    with beanstalkd(home):
        assert {event["id"] for event in take_all(home)} == ids
        assert len(ids) == 100


def test_only_its_own_user_can_access_the_socket(shared: Path) -> None:
    assert (shared / "sock/api-ingest.sock").stat().st_mode & 0o077 == 0
