"""/api/dead-letters in its deployed configuration: operators list, requeue and delete dead letters."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.integration.conftest import call_query, event_json, id_of, open_queue, query_api
from tests.integration.test_api_reading import fault_codes, fill_archive
from tests.support import TUBES, beanstalkd
from tradewire import receipt
from tradewire.event import format_time
from tradewire.queue import ARCHIVE, LIVE, Rejected
from tradewire.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Response
    from tradewire.queue import Job

TOKEN: Final = "0123456789abcdef"  # noqa: S105 - only for this test
BEARER: Final = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def shared(module_home: Path) -> Iterator[Path]:
    """Return the home directory of a running api-query with an operator token."""
    (module_home / "operator-token").write_text(f"{TOKEN}\n")
    with beanstalkd(module_home), query_api(module_home):
        yield module_home


@pytest.fixture
def clean_home(shared: Path) -> Path:
    """Return the shared home directory, with an empty queue."""
    for tube in TUBES:
        take_all(shared, tube)
        take_all(shared, f"{tube}.dead")
    return shared


def take_all(home: Path, tube: str) -> list[Job]:
    """Take all jobs out of a tube and delete them."""
    with open_queue(home) as queue:
        jobs = queue.reserve(tube, 1000, 0)
        queue.delete(jobs)
        return jobs


def add_dead_letters(home: Path, tube: str, *events: bytes) -> None:
    """Add dead letters as a processor would."""
    with open_queue(home) as queue:
        for event in events:
            queue.put(event, [tube])
            [job] = queue.reserve(tube, 1, 0)
            queue.dead_letter(job, [Rejected(event, "because")])


def list_dead_letters(home: Path, query: str = "") -> list[dict[str, Any]]:
    """List dead letters through the API."""
    response = call_query(home, f"/api/dead-letters{query}", **BEARER)
    assert response.status == 200, response.body
    letters: list[dict[str, Any]] = response.json["deadLetters"]
    return letters


def test_dead_letters_are_listed_with_reasons_by_tube_and_oldest_first(clean_home: Path) -> None:
    events = [event_json(), event_json(), event_json()]
    add_dead_letters(clean_home, LIVE, *events[:2])
    add_dead_letters(clean_home, ARCHIVE, events[2])
    letters = list_dead_letters(clean_home)
    assert [letter["event"]["id"] for letter in letters] == [id_of(event) for event in events]
    assert [(letter["tube"], letter["reason"]) for letter in letters] == [
        (LIVE, "because"),
        (LIVE, "because"),
        (ARCHIVE, "because"),
    ]
    assert all(letter["deadLetteredAt"].endswith("Z") for letter in letters)
    assert list_dead_letters(clean_home, f"?tube={ARCHIVE}") == letters[2:]
    assert list_dead_letters(clean_home, "?limit=1") == [letters[0], letters[2]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":747.10}', {"a": 747.10}),
        (b"nonsense \xff", "nonsense \ufffd"),
        (b'"\xff"', '"\ufffd"'),
        (b"[" * 3000, "[" * 3000),
        (b'{"a":"' + b"x" * 5000 + b'"}', '{"a":"' + "x" * 4090),
    ],
    ids=["JSON", "text", "not UTF-8", "nested too deep", "too long"],
)
def test_an_event_is_shown_as_json_if_it_is_valid_and_as_text_otherwise(
    clean_home: Path, body: bytes, expected: object
) -> None:
    add_dead_letters(clean_home, LIVE, body)
    [letter] = list_dead_letters(clean_home)
    assert letter["event"] == expected


def test_a_job_put_into_the_dead_tube_by_hand_is_listed(clean_home: Path) -> None:
    with open_queue(clean_home) as queue:
        queue.put(b"by hand", [f"{LIVE}.dead"])
    [letter] = list_dead_letters(clean_home)
    assert (letter["reason"], letter["deadLetteredAt"], letter["event"]) == ("put here by hand", None, "by hand")


def test_a_requeued_event_returns_to_its_tube(clean_home: Path) -> None:
    event = event_json()
    add_dead_letters(clean_home, ARCHIVE, event)
    [letter] = list_dead_letters(clean_home)
    response = call_query(clean_home, f"/api/dead-letters/archive/{letter['id']}/requeue", method="POST", **BEARER)
    requeued = {"status": "OK", "tube": ARCHIVE, "id": letter["id"], "result": "pending", "reason": None}
    assert (response.status, response.json) == (200, requeued), "no processor runs"
    assert [job.body for job in take_all(clean_home, ARCHIVE)] == [event]
    assert list_dead_letters(clean_home) == []
    assert f"event=requeued tube=archive dead_letter={letter['id']}" in read_logs(clean_home)


def requeue_all(home: Path, query: str = "") -> dict[str, Any]:
    response = call_query(home, f"/api/dead-letters/requeue{query}", method="POST", **BEARER)
    assert response.status == 200, response.body
    answer: dict[str, Any] = response.json
    return answer


def test_all_dead_letters_of_a_tube_are_requeued_at_once_in_their_order(clean_home: Path) -> None:
    events = [event_json() for _ in range(250)]  # more than one list
    add_dead_letters(clean_home, LIVE, *events)
    add_dead_letters(clean_home, ARCHIVE, events[0])
    assert requeue_all(clean_home, "?tube=live") == {
        "status": "OK",
        "requeued": 250,
        "left": 0,
        "failedAgain": 0,
    }
    assert [job.body for job in take_all(clean_home, LIVE)] == events
    assert [letter["tube"] for letter in list_dead_letters(clean_home)] == [ARCHIVE]
    assert requeue_all(clean_home, "?tube=live")["requeued"] == 0
    assert requeue_all(clean_home)["requeued"] == 1
    assert list_dead_letters(clean_home) == []
    assert "event=\"requeued all\" tubes=['live'] requeued=250 left=0" in read_logs(clean_home)


def come_back(home: Path, reason: str) -> dict[str, Any]:
    """Requeue the only dead letter and let it become one again. Return it as it is listed then."""
    [letter] = list_dead_letters(home)
    call_query(home, f"/api/dead-letters/live/{letter['id']}/requeue", method="POST", **BEARER)
    with open_queue(home) as queue:
        [job] = queue.reserve(LIVE, 1, 0)
        queue.dead_letter(job, [Rejected(job.body, reason)])
    [letter] = list_dead_letters(home)
    return letter


def test_a_dead_letter_that_comes_back_says_how_often_and_its_earlier_reason(home: Path) -> None:
    (home / "operator-token").write_text(f"{TOKEN}\n")
    with beanstalkd(home):
        with query_api(home):
            add_dead_letters(home, LIVE, event_json())
            [letter] = list_dead_letters(home)
            assert (letter["requeued"], letter["earlierReason"]) == (0, None)
            for times, reason, earlier in ((1, "second", "because"), (2, "third", "second")):
                letter = come_back(home, reason)
                assert (letter["reason"], letter["requeued"], letter["earlierReason"]) == (reason, times, earlier)
        with (home / "ledger/requeued.jsonl").open("ab") as file:
            file.write(b'\n{"key":"to')  # as a full disk leaves it
        with query_api(home):
            letter = come_back(home, "fourth")
            assert (letter["reason"], letter["requeued"], letter["earlierReason"]) == ("fourth", 3, "third")
        with query_api(home):
            assert list_dead_letters(home) == [letter]


@contextmanager
def consumer(home: Path, reason: str | None) -> Iterator[None]:
    """Take each event of the live tube meanwhile, or make a dead letter of it for a reason."""
    is_stopped = threading.Event()

    def run() -> None:
        with open_queue(home) as queue:
            while not is_stopped.is_set():
                for job in queue.reserve(LIVE, 100, 0):
                    if reason:
                        queue.dead_letter(job, [Rejected(job.body, reason)])
                    else:
                        queue.delete([job])
                is_stopped.wait(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    is_stopped.set()
    thread.join()


@pytest.mark.parametrize(("reason", "result"), [(None, "taken"), ("once more", "failed-again")])
def test_requeuing_says_what_came_of_the_event(clean_home: Path, reason: str | None, result: str) -> None:
    add_dead_letters(clean_home, LIVE, event_json(), event_json())
    letter, _ = list_dead_letters(clean_home)
    with consumer(clean_home, reason):
        path = f"/api/dead-letters/live/{letter['id']}/requeue"
        answer = call_query(clean_home, path, method="POST", **BEARER).json
    assert (answer["result"], answer["reason"]) == (result, reason)


def test_requeuing_all_says_how_many_failed_again(clean_home: Path) -> None:
    add_dead_letters(clean_home, LIVE, *(event_json() for _ in range(20)))
    with consumer(clean_home, "once more"):
        assert requeue_all(clean_home, "?tube=live")["failedAgain"] == 20
    with consumer(clean_home, None):
        assert requeue_all(clean_home, "?tube=live")["failedAgain"] == 0
    assert list_dead_letters(clean_home) == []


def trace_of(home: Path, event: bytes) -> list[tuple[str, str | None, str | None]]:
    """Return the kind, tube and reason of each entry in the trace of an event that is not archived."""
    response = call_query(home, f"/api/message/{id_of(event)}")
    assert response.status == 200, response.body
    assert response.json["message"]["id"] == id_of(event)
    times = [entry["at"] for entry in response.json["trace"]]
    assert times == sorted(times)
    entries = [(entry["kind"], entry.get("tube"), entry.get("reason")) for entry in response.json["trace"]]
    entries.remove(("accepted", None, None))
    return entries


def test_the_trace_of_a_dead_letter_has_its_reasons_even_if_it_is_not_archived(home: Path) -> None:
    (home / "operator-token").write_text(f"{TOKEN}\n")
    (home / "store").mkdir()
    store = f"sqlite:///{home}/store/tradewire.db"
    event, by_hand = event_json(), event_json()
    fill_archive(home, store, [])
    with beanstalkd(home), query_api(home):
        add_dead_letters(home, LIVE, event)
        first = ("dead-lettered", LIVE, "because")
        assert trace_of(home, event) == [first]
        come_back(home, "once more")
        again = [("requeued", LIVE, None), ("dead-lettered", LIVE, "once more")]
        assert trace_of(home, event) == again
        an_hour_ago = format_time(datetime.now(UTC) - timedelta(hours=1))
        fill_archive(home, store, [], [Receipt("dead-lettered", an_hour_ago, [id_of(event)], reason="because")])
        assert trace_of(home, event) == [first, *again]
        with open_queue(home) as queue:
            queue.put(by_hand, [f"{ARCHIVE}.dead"])
        assert trace_of(home, by_hand) == [("dead-lettered", ARCHIVE, "put here by hand")]


def test_a_deleted_dead_letter_is_removed_and_the_archive_gets_a_receipt(clean_home: Path) -> None:
    event = event_json()
    add_dead_letters(clean_home, LIVE, event, b"nonsense")
    for letter in list_dead_letters(clean_home):
        response = call_query(clean_home, f"/api/dead-letters/live/{letter['id']}", method="DELETE", **BEARER)
        assert (response.status, response.json) == (200, {"status": "OK", "tube": LIVE, "id": letter["id"]})
    assert list_dead_letters(clean_home) == []
    assert take_all(clean_home, LIVE) == []
    [discarded] = [receipt.decode(job.body) for job in take_all(clean_home, ARCHIVE)]
    assert (discarded.receipt, discarded.tube, discarded.ids) == ("discarded", LIVE, [id_of(event)])
    assert f"id={id_of(event)}" in read_logs(clean_home)


@pytest.mark.parametrize(
    "target",
    ["live/{}", "other/1", "live/0", "live/no-such_ID", "live/a.b", f"live/{'9' * 64}", f"live/{'9' * 65}"],
)
def test_a_missing_dead_letter_can_not_be_requeued_or_deleted(clean_home: Path, target: str) -> None:
    add_dead_letters(clean_home, ARCHIVE, event_json())
    [letter] = list_dead_letters(clean_home)
    target = target.format(letter["id"])
    assert fault_codes(call_query(clean_home, f"/api/dead-letters/{target}", method="DELETE", **BEARER), 404) == {
        (None, "not-found")
    }
    assert fault_codes(call_query(clean_home, f"/api/dead-letters/{target}/requeue", method="POST", **BEARER), 404) == {
        (None, "not-found")
    }
    assert list_dead_letters(clean_home) == [letter]


def test_all_faults_of_the_query_are_named(clean_home: Path) -> None:
    assert fault_codes(call_query(clean_home, "/api/dead-letters?tube=other&limit=101&x=", **BEARER), 400) == {
        ("tube", "unknown-value"),
        ("limit", "out-of-range"),
        ("x", "unknown-parameter"),
    }


def all_operator_calls(home: Path, **headers: str) -> list[Response]:
    """Send every request that needs the operator token."""
    return [
        call_query(home, "/api/dead-letters", **headers),
        call_query(home, "/api/dead-letters/live/1", method="DELETE", **headers),
        call_query(home, "/api/dead-letters/live/1/requeue", method="POST", **headers),
        call_query(home, "/api/dead-letters/requeue", method="POST", **headers),
    ]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_without_the_token_every_request_is_refused(clean_home: Path, header: str | None) -> None:
    for response in all_operator_calls(clean_home, **({} if header is None else {"Authorization": header})):
        assert fault_codes(response, 401) == {(None, "unauthorized")}
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_a_token_file_the_error_names_the_command_that_creates_it(home: Path) -> None:
    with beanstalkd(home), query_api(home):
        for content in (None, "", "\n"):
            if content is not None:
                (home / "operator-token").write_text(content)
            for response in all_operator_calls(home, Authorization="Bearer "):
                assert fault_codes(response, 503) == {(None, "unavailable")}
                assert "deploy/up" in response.json["errors"][0]["detail"]
        (home / "operator-token").write_text(TOKEN)
        assert list_dead_letters(home) == []


def test_without_a_queue_the_status_is_503(home: Path) -> None:
    (home / "operator-token").write_text(TOKEN)
    with query_api(home):
        for response in all_operator_calls(home, **BEARER):
            assert fault_codes(response, 503) == {(None, "unavailable")}
            assert "confirmed" not in response.json["errors"][0]["detail"]


def read_logs(home: Path) -> str:
    """Return the logs of all programs."""
    return "".join(log.read_text() for log in home.glob("*.log"))
