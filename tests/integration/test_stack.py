"""The whole stack as deploy/up starts it, through nginx."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import islice, permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.stack import Stack, stack
from tests.support import ASK_SECONDS, example, wait_until
from tradewire.codes import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share, as each of them leaves it whole."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE_LIMIT="off") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def client(started: Stack, address: str) -> Iterator[Callable[..., int]]:
    """Open a connection from a client's address. Yield a function that sends a request and returns the status."""
    connection = HTTPConnection("127.0.0.1", started.port, source_address=(address, 0))

    def request(method: str, path: str, body: bytes = b"") -> int:
        connection.request(method, path, body)
        response = connection.getresponse()
        response.read()
        return response.status

    yield request
    connection.close()


def request_until_refused(started: Stack, address: str, *request: Any) -> Counter[int]:
    """Repeat a request over several connections until a 429 comes. Return how often each status came."""
    statuses: Counter[int] = Counter()

    def repeat(_: int) -> None:
        with client(started, address) as send:
            while not statuses[429] and statuses.total() < 20_000:
                statuses[send(*request)] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(repeat, range(8)))
    return statuses


@contextmanager
def frozen(started: Stack, part: str) -> Iterator[None]:
    """Let every process of a part stand still."""
    master = psutil.Process(started.pid(part))
    processes = [master, *master.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def test_the_operators_token_is_made_once_and_for_its_user_alone(started: Stack) -> None:
    token, private = started.home / "operator-token", started.home / "sock"
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.stat().st_uid == private.stat().st_uid
    before = token.read_text()
    assert len(before.strip()) >= 43  # 32 bytes, in base 64
    done = started.deploy("up")
    assert done.returncode == 0
    assert token.read_text() == before
    assert before.strip() not in done.stdout + done.stderr + started.logs()


def test_every_answer_names_its_request_by_an_id_that_the_log_knows(started: Stack) -> None:
    paths = ["/", "/readyz", "/metrics", "/api/message/nothing", "/nothing"]
    ids = {started.get(path, X_Request_ID="forged").headers["X-Request-ID"] for path in paths}
    assert len(ids - {"forged"}) == len(paths)
    refused = started.get("/nothing").headers["X-Request-ID"]
    wait_until(lambda: refused in (started.home / "log/nginx.log").read_text(), "nginx has logged it")


def test_messages_are_accepted_while_no_question_is_answered(started: Stack) -> None:
    with frozen(started, "api-query"):
        for _ in range(10):
            assert started.post(example()).status == 201
        assert started.get("/healthz").status == 200


def test_a_question_that_can_not_be_answered_now_is_told_so_in_the_apis_form(started: Stack) -> None:
    started.supervisorctl("stop", "api-query")
    try:
        answer = started.get("/metrics")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        [error] = answer.json["errors"]
        assert error["code"] == "unavailable"
        assert "Idempotency-Key" not in error["detail"]
        assert started.post(example()).status == 201
    finally:
        started.supervisorctl("start", "api-query")
        started.wait_ready()


@pytest.mark.parametrize(
    ("number", "path", "status"),
    [(9, "/api/messages?limit=1", 200), (10, "/healthz", 200), (11, "/readyz", 200), (12, "/api/message", 405)],
)
def test_questions_without_end_are_refused_and_hold_up_no_message(
    started: Stack, number: int, path: str, status: int
) -> None:
    address = f"127.0.0.{number}"  # it has sent no requests yet
    statuses = request_until_refused(started, address, "GET", path)
    assert set(statuses) == {status, 429}
    assert statuses[status] >= 90  # a page may send many requests at once
    with client(started, address) as request:
        assert [request("POST", "/api/message", example()) for _ in range(200)] == [201] * 200


def test_an_address_and_headers_are_as_long_as_nginx_lets_them_be_and_its_refusals_have_the_apis_form(
    started: Stack,
) -> None:
    for chars, status, code in ((5000, 400, "too-long"), (9000, 414, "uri-too-long")):
        answer = started.get(f"/api/messages?q={'a' * chars}")
        assert (answer.status, answer.json["errors"][0]["code"]) == (status, code)
    many = {f"X_Header_{number}": "1" for number in range(150)}
    assert started.post(example(), **many).status == 201
    assert started.post(example(), X_Long="a" * 8100).status == 201
    answer = started.post(example(), X_Long="a" * 9000)
    assert (answer.status, answer.json["errors"][0]["code"]) == (431, "headers-too-large")


def test_however_many_pairs_are_traded_an_answer_about_them_fits_into_nginxs_buffers(started: Stack) -> None:
    pairs = islice(permutations(sorted(CURRENCIES), 2), 4000)
    messages = [example(currencyFrom=sold, currencyTo=bought) for sold, bought in pairs]
    for start in range(0, len(messages), 1000):
        some = b"\n".join(messages[start : start + 1000])
        assert started.get("/api/messages", method="POST", body=some).json["accepted"] == 1000
    wait_until(
        lambda: started.get("/api/stats?window=1h").json["morePairs"] >= 3000,
        "they are archived",
        pause_seconds=ASK_SECONDS,
    )
    assert len(started.get("/api/stats?window=1h").body) < 32 * 16 * 1024


def test_batches_have_a_rate_of_their_own(started: Stack) -> None:
    address = "127.0.0.13"
    statuses = request_until_refused(started, address, "POST", "/api/messages", example())
    assert set(statuses) == {201, 429}
    assert statuses[201] >= 10
    with client(started, address) as request:
        assert [request("POST", "/api/message", example()) for _ in range(20)] == [201] * 20
        assert request("GET", "/api/messages?limit=1") == 200


@pytest.mark.parametrize(("path", "kib"), [("/api/message", 64), ("/api/messages", 1024)])
def test_a_body_is_refused_at_the_door_with_the_limit_of_where_it_was_sent(started: Stack, path: str, kib: int) -> None:
    largest = example().ljust(kib * 1024)
    assert started.get(path, method="POST", body=largest).status == 201
    answer = started.get(path, method="POST", body=largest + b" ")
    assert answer.status == 413
    assert answer.json["errors"] == [
        {"field": None, "code": "too-large", "detail": f"The body is larger than {kib} KiB."}
    ]


def test_metrics_are_for_who_asks_from_this_machine(started: Stack) -> None:
    assert b"tradewire_component_up" in started.get("/metrics").body
    config = (started.home / "conf/nginx.conf").read_text()
    [place] = [block for block in config.split("location ") if block.startswith("= /metrics")]
    refusal = ["if ($is_this_machine = 0) {", "return 404;", "}"]
    assert [line.strip() for line in place.splitlines()[1:4]] == refusal
    machine = config.partition("geo $is_this_machine {")[2].partition("}")[0]
    assert [line.split() for line in machine.split(";")[:-1]] == [["127.0.0.0/8", "1"], ["::1", "1"], ["default", "0"]]
