"""The fast lane answers ordinary messages without Flask, and answers everything exactly as Flask does."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import pytest

from api.app import create_app
from api.ingest.fast_lane import FastLane
from tests.support import TUBES, example
from tradewire.errors import QueueUnavailable
from tradewire.limits import MAX_MESSAGE_BYTES
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prometheus_client import CollectorRegistry

PATH = "/api/message"


class FaultyQueue(MemoryQueue):
    """A queue that counts its calls, and fails if it has a fault."""

    fault: Exception | None = None
    calls = 0

    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        self.calls += 1
        if self.fault:
            raise self.fault
        super().put_all(bodies, tubes)


class Answer(NamedTuple):
    """What a WSGI server sends."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Api:
    """The application, its lanes, and its queue."""

    def __init__(self, home: Path) -> None:
        self.queue = FaultyQueue(Broker())
        app = create_app(Settings(home=home), lambda: self.queue, setup("api"))
        assert isinstance(app.wsgi_app, FastLane)
        self.fast_lane = app.wsgi_app
        self.slow_lane = app.wsgi_app.slow_lane

    def without_flask(self) -> None:
        """Let every request fail that reaches Flask."""

        def fail(*_: object) -> NoReturn:
            pytest.fail("the request was handed on to Flask")

        self.fast_lane.slow_lane = fail

    def jobs(self) -> list[list[bytes]]:
        """Take the jobs out of each tube."""
        return [[job.body for job in self.queue.reserve(tube, 1000, 0)] for tube in TUBES]


@pytest.fixture
def api(home: Path, registry: CollectorRegistry) -> Api:
    assert registry is not None
    return Api(home)


def call(application: Any, body: bytes, **changes: str) -> Answer:
    """Send a request to an application. The answer is complete."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1:8080",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    } | changes
    started: list[tuple[str, list[tuple[str, str]]]] = []
    content = b"".join(application(environ, lambda status, headers: started.append((status, headers))))
    [(status, headers)] = started
    return Answer(status, headers, content)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"QUERY_STRING": "a=b&%ff"},
        {"HTTP_HOST": "trades.example.com"},
        {"HTTP_HOST": "[::1]:8080"},
        {"HTTP_IDEMPOTENCY_KEY": "k"},
        {"CONTENT_TYPE": "text/plain"},
        {"HTTP_SEC_FETCH_SITE": "same-origin"},
    ],
    ids=str,
)
def test_an_ordinary_message_is_answered_without_flask(api: Api, changes: dict[str, str]) -> None:
    api.without_flask()
    answer = call(api.fast_lane, example(), **changes)
    assert answer.status == "201 CREATED"
    assert dict(answer.headers)["Location"].removeprefix("message/") == msgspec.json.decode(answer.body)["id"]
    assert all(len(jobs) == 1 for jobs in api.jobs())


REQUESTS: list[tuple[bytes, dict[str, str]]] = [
    (example(), {}),
    (example(venue="XLON", amountBuy=1533.5986119999998), {}),
    (gzip.compress(example(), mtime=0), {"HTTP_CONTENT_ENCODING": "gzip"}),
    (example().ljust(MAX_MESSAGE_BYTES), {}),
    (example().ljust(MAX_MESSAGE_BYTES + 1), {}),
    (b"", {}),
    (b"nonsense", {}),
    (example(rate=0, currencyTo="XYZ"), {}),
    (example(), {"HTTP_IDEMPOTENCY_KEY": "a b"}),
    (example(), {"HTTP_SEC_FETCH_SITE": "cross-site"}),
    (example(), {"HTTP_CONTENT_ENCODING": "br"}),
    (b"no gzip", {"HTTP_CONTENT_ENCODING": "gzip"}),
    (example(), {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "upgrade"}),
    (example(), {"HTTP_UPGRADE": "h2c"}),
    (example(), {"HTTP_HOST": "a..b"}),
    (example(), {"HTTP_HOST": ".a"}),
    (example(), {"HTTP_HOST": "a" * 64}),
    (example(), {"HTTP_HOST": "\xe9"}),
    (example(), {"HTTP_HOST": ""}),
    (example(), {"HTTP_HOST": "a b"}),
    (example(), {"HTTP_HOST": "a." * 40 + "b:1"}),
    (example(), {"SCRIPT_NAME": "/x"}),
    (example(), {"REQUEST_METHOD": "GET"}),
    (example(), {"REQUEST_METHOD": "HEAD"}),
    (example(), {"REQUEST_METHOD": "OPTIONS"}),
    (example(), {"REQUEST_METHOD": "post"}),
    (example(), {"PATH_INFO": "/api/message/"}),
    (example(), {"PATH_INFO": "//api/message"}),
    (example(), {"PATH_INFO": "/api/Message"}),
    (example(), {"PATH_INFO": ""}),
    (example(), {"PATH_INFO": "/api/messages"}),
    (b"[]", {"PATH_INFO": "/api/messages"}),
]


@pytest.mark.parametrize(("body", "changes"), REQUESTS, ids=lambda value: ascii(value)[:60])
def test_both_lanes_give_the_same_answer(api: Api, body: bytes, changes: dict[str, str]) -> None:
    changes = {"HTTP_IDEMPOTENCY_KEY": "k", **changes}
    fast, fast_jobs = call(api.fast_lane, body, **changes), api.jobs()
    slow, slow_jobs = call(api.slow_lane, body, **changes), api.jobs()
    assert fast == slow
    assert [len(jobs) for jobs in fast_jobs] == [len(jobs) for jobs in slow_jobs]


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [(QueueUnavailable("the queue is full"), "503", "unavailable"), (ValueError("unforeseen"), "500", "internal")],
)
def test_an_error_after_the_put_is_answered_by_flask_without_another_put(
    api: Api, registry: CollectorRegistry, fault: Exception, status: str, reason: str
) -> None:
    api.queue.fault = fault
    answer = call(api.fast_lane, example())
    assert (answer.status[:3], api.queue.calls) == (status, 1)
    assert msgspec.json.decode(answer.body)["errors"][0]["code"] == reason
    assert registry.get_sample_value("tradewire_messages_refused_total", {"reason": reason}) == 1


def test_a_refused_message_is_counted_once(api: Api, registry: CollectorRegistry) -> None:
    assert call(api.fast_lane, b"nonsense").status == "400 BAD REQUEST"
    assert registry.get_sample_value("tradewire_messages_refused_total", {"reason": "not-json"}) == 1


def test_an_error_of_one_request_does_not_concern_the_next(api: Api) -> None:
    assert call(api.fast_lane, b"nonsense").status == "400 BAD REQUEST"
    assert call(api.fast_lane, example()).status == "201 CREATED"
    assert call(api.slow_lane, example()).status == "201 CREATED"
