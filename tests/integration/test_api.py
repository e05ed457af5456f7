"""The API under gunicorn as it is deployed, with a real beanstalkd, over its unix socket."""

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
def shared(module_home: Path) -> Iterator[Path]:
    """Give the home of a running API, for facts that leave nothing behind but jobs."""
    with beanstalkd(module_home), ingest_api(module_home):
        yield module_home


def take(home: Path) -> list[dict[str, Any]]:
    """Take every event in the live tube, for good."""
    events: list[dict[str, Any]] = []
    with open_queue(home) as queue:
        while jobs := queue.reserve(LIVE, 1000, 0):
            events += [msgspec.json.decode(event) for job in jobs for event in job.events]
            queue.delete(jobs)
    return events


def taken(home: Path, answer: Response) -> dict[str, Any]:
    """Take the event that this 201 promised."""
    assert answer.status == 201, answer.body
    [event] = [event for event in take(home) if event["id"] == answer.json["id"]]
    return event


def codes(answer: Response, status: int) -> set[tuple[str | None, str]]:
    """Check that an answer has the form of a failure; give each fault's field and code."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["status"] == "FAILED"
    assert all(error["detail"] for error in answer.json["errors"])
    return {(error["field"], error["code"]) for error in answer.json["errors"]}


def test_an_accepted_message_is_answered_with_its_id_and_lies_in_the_tube_as_its_update(shared: Path) -> None:
    answer = post(shared, b" " + example(amountBuy="747.10", rate="0.7471"))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json.keys() == {"status", "userId", "id"}
    assert (answer.json["status"], answer.json["userId"]) == ("OK", "134259")
    assert uuid.UUID(answer.json["id"]).version == 7
    assert answer.headers["Location"] == f"/api/message/{answer.json['id']}"
    event = taken(shared, answer)
    assert event.pop("receivedAt").endswith("Z")
    assert event == EXAMPLE | {
        "id": answer.json["id"],
        "amountSell": "1000",
        "amountBuy": "747.10",
        "rate": "0.7471",
        "timePlaced": "2015-01-24T10:27:44Z",
        "flags": [],
    }


def test_the_widely_copied_example_is_taken_with_its_slips_folded(shared: Path) -> None:
    event = taken(shared, post(shared, EXAMPLE_WITH_TYPOS))
    assert event["currencyFrom"] == "EUR"
    assert event["timePlaced"] == "2015-01-24T10:27:44Z"
    assert event["amountBuy"] == "747.10"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "\xe9"])
def test_any_content_type_is_taken(shared: Path, kind: str) -> None:
    assert taken(shared, post(shared, example(), Content_Type=kind))


def test_unknown_fields_are_named_in_the_answer(shared: Path) -> None:
    answer = post(shared, example(venue="XLON", **{"trader id": 7}))
    assert set(answer.json["ignored"]) == {"venue", "trader id"}
    assert "venue" not in taken(shared, answer)


def test_a_chunked_body_is_taken(shared: Path) -> None:
    halves = [example()[:50], example()[50:]]
    assert taken(shared, post(shared, iter(halves), Transfer_Encoding="chunked"))


def test_an_idempotency_key_makes_a_retry_the_same_message_and_another_body_another_one(shared: Path) -> None:
    key = str(uuid.uuid4())
    first, again = (post(shared, example(), Idempotency_Key=key) for _ in range(2))
    other_body = post(shared, example(userId="7"), Idempotency_Key=key)
    other_key = post(shared, example(), Idempotency_Key=key + "x")
    assert first.json == again.json
    ids = {answer.json["id"] for answer in (first, other_body, other_key)}
    assert len(ids) == 3
    assert {uuid.UUID(one).version for one in ids} == {8}
    assert {event["id"] for event in take(shared)} >= ids


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9", "\t"])
def test_a_key_that_is_none_is_refused(shared: Path, key: str) -> None:
    assert codes(post(shared, example(), Idempotency_Key=key), 400) == {(None, "bad-idempotency-key")}


def test_every_fault_is_named_at_once_and_nothing_is_put(shared: Path) -> None:
    take(shared)
    bad = {"currencyFrom": "XYZ", "currencyTo": 5, "amountSell": -1, "rate": "NaN", "timePlaced": "now"}
    faults = codes(post(shared, msgspec.json.encode(bad)), 400)
    missing = {"userId", "amountBuy", "originatingCountry"}
    assert {field for field, _ in faults} == set(bad) | missing
    assert {field for field, code in faults if code == "missing"} == missing
    assert take(shared) == []


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
def test_what_is_no_message_is_refused(shared: Path, body: bytes) -> None:
    assert codes(post(shared, body), 400)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_can_not_post(shared: Path, site: str) -> None:
    assert codes(post(shared, example(), Sec_Fetch_Site=site), 403) == {(None, "forbidden")}


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_this_host_and_a_person_can_post(shared: Path, site: str) -> None:
    assert taken(shared, post(shared, example(), Sec_Fetch_Site=site))


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_is_taken_up_to_64_kib_and_refused_one_byte_beyond(shared: Path, *, chunked: bool) -> None:
    def sent(body: bytes) -> Response:
        return post(shared, iter([body]), Transfer_Encoding="chunked") if chunked else post(shared, body)

    largest = example().ljust(MAX_MESSAGE_BYTES)
    assert taken(shared, sent(largest))
    assert codes(sent(largest + b" "), 413) == {(None, "too-large")}
    assert codes(sent(largest * 16), 413) == {(None, "too-large")}


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
def test_other_paths_and_methods_are_refused_in_the_same_form(
    shared: Path, method: str, target: str, status: int, allow: set[str] | None
) -> None:
    answer = call_ingest(shared, target, method=method, body=b"{}")
    assert codes(answer, status)
    if allow:
        assert set(answer.headers["Allow"].split(", ")) == allow


def raw(home: Path, sent: bytes) -> bytes:
    """Send bytes, then an end; give all that comes back until the API closes."""
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as answers:
        sock.settimeout(10)
        sock.connect(str(home / "sock/api-ingest.sock"))
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        return answers.read()


def request(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /api/message HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_requests_that_are_pipelined_are_answered_each_in_turn(shared: Path) -> None:
    take(shared)
    bodies = [
        example(userId="one"),
        b"bad",
        example(userId="two"),
        example().ljust(70_000),
        example(userId="three"),
    ]
    answers = raw(shared, b"".join(request(body) for body in bodies[:3]) + request(bodies[4], b"Connection: close"))
    assert [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]] == [201, 400, 201, 201]
    assert [event["userId"] for event in take(shared)] == ["one", "two", "three"]


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
    ids=["cut", "garbage after", "two lengths", "length and chunks", "bad chunk", "cut chunk"],
)
def test_a_request_that_is_cut_or_ambiguous_puts_nothing_and_is_never_a_fault_of_the_api(
    shared: Path, broken: bytes
) -> None:
    take(shared)
    assert b" 500 " not in raw(shared, broken)
    assert take(shared) == []
    assert taken(shared, post(shared, example()))


def refused(home: Path) -> bool:
    """Tell whether a message is refused for now; it must be in the right form."""
    answer = post(home, example())
    if answer.status == 201:
        return False
    assert codes(answer, 503) == {(None, "unavailable")}
    assert int(answer.headers["Retry-After"]) >= 1
    return True


def test_without_a_queue_the_answer_is_503_until_it_is_there(home: Path) -> None:
    with ingest_api(home):
        for _ in range(5):
            assert refused(home)
        with beanstalkd(home):
            assert taken(home, post(home, example()))
        assert refused(home)


def test_a_queue_that_drains_or_keeps_nothing_is_answered_with_503(home: Path) -> None:
    with ingest_api(home):
        with beanstalkd(home, "-V"):
            assert refused(home)
        with beanstalkd(home) as process:
            assert not refused(home)
            process.send_signal(signal.SIGUSR1)
            wait_until(lambda: beanstalkd_stats(home)["draining"] == "true", "it drains")
            for _ in range(4):  # whichever worker answers
                assert refused(home)


@pytest.mark.parametrize("victim", ["beanstalkd", "worker", "everything"])
def test_what_was_answered_201_outlives_a_kill_and_the_next_post_is_accepted(home: Path, victim: str) -> None:
    ids: set[str] = set()
    with ExitStack() as stack:
        queue, server = stack.enter_context(beanstalkd(home)), stack.enter_context(ingest_api(home))
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
                server = stack.enter_context(ingest_api(home))
        queue.kill()
        queue.wait()
    with beanstalkd(home):
        assert {event["id"] for event in take(home)} == ids
        assert len(ids) == 100


def test_the_apis_socket_is_for_its_user_alone(shared: Path) -> None:
    assert (shared / "sock/api-ingest.sock").stat().st_mode & 0o077 == 0
