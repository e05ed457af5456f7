"""/api/dead-letters as it is deployed: what operators see of what could not be handled, and what they can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.integration.conftest import ask, id_of, line, queue_of, reads
from tests.integration.test_api_reading import codes
from tests.support import beanstalkd
from tradewire import receipt
from tradewire.queue import ARCHIVE, LIVE, TUBES, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Answer
    from tradewire.queue import Job

TOKEN: Final = "0123456789abcdef"  # noqa: S105 - of this test alone
BEARER: Final = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def shared(module_home: Path) -> Iterator[Path]:
    """Give the home of an API that runs, with a token for operators."""
    (module_home / "operator-token").write_text(f"{TOKEN}\n")
    with beanstalkd(module_home), reads(module_home):
        yield module_home


@pytest.fixture
def empty(shared: Path) -> Path:
    """Give the home with nothing in its queue."""
    for tube in TUBES:
        for tube_or_grave in (tube, f"{tube}.dead"):
            take(shared, tube_or_grave)
    return shared


def take(home: Path, tube: str) -> list[Job]:
    """Take all jobs of a tube, for good."""
    with queue_of(home) as queue:
        jobs = queue.reserve(tube, 1000, 0)
        queue.delete(jobs)
        return jobs


def dead_letter(home: Path, tube: str, *events: bytes) -> None:
    """Bury events as a processor would."""
    with queue_of(home) as queue:
        for event in events:
            queue.put(event, [tube])
            [job] = queue.reserve(tube, 1, 0)
            queue.dead_letter(tube, job, [Rejected(event, "because")])


def dead_letters(home: Path, query: str = "") -> list[dict[str, Any]]:
    """List what is buried."""
    answer = ask(home, f"/api/dead-letters{query}", **BEARER)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json["deadLetters"]
    return found


def test_what_is_buried_is_listed_with_its_reason_by_tube_and_oldest_first(empty: Path) -> None:
    events = [line(), line(), line()]
    dead_letter(empty, LIVE, *events[:2])
    dead_letter(empty, ARCHIVE, events[2])
    found = dead_letters(empty)
    assert [one["event"]["id"] for one in found] == [id_of(event) for event in events]
    assert [(one["tube"], one["reason"]) for one in found] == [
        (LIVE, "because"),
        (LIVE, "because"),
        (ARCHIVE, "because"),
    ]
    assert all(one["deadLetteredAt"].endswith("Z") for one in found)
    assert dead_letters(empty, f"?tube={ARCHIVE}") == found[2:]
    assert dead_letters(empty, "?limit=1") == [found[0], found[2]]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a":747.10}', {"a": 747.10}),
        (b"nonsense \xff", "nonsense \ufffd"),
        (b'"\xff"', '"\ufffd"'),
        (b"[" * 3000, "[" * 3000),
        (b'{"a":"' + b"x" * 5000 + b'"}', '{"a":"' + "x" * 4090),
    ],
    ids=["JSON", "text", "no UTF-8", "nested too deep", "too long"],
)
def test_an_event_is_shown_as_the_json_that_it_is_or_as_text(empty: Path, body: bytes, shown: object) -> None:
    dead_letter(empty, LIVE, body)
    [found] = dead_letters(empty)
    assert found["event"] == shown


def test_what_someone_put_there_by_hand_is_shown_too(empty: Path) -> None:
    with queue_of(empty) as queue:
        queue.put(b"by hand", [f"{LIVE}.dead"])
    [found] = dead_letters(empty)
    assert (found["reason"], found["deadLetteredAt"], found["event"]) == ("put here by hand", None, "by hand")


def test_what_is_put_back_is_in_its_tube_again(empty: Path) -> None:
    event = line()
    dead_letter(empty, ARCHIVE, event)
    [found] = dead_letters(empty)
    answer = ask(empty, f"/api/dead-letters/archive/{found['id']}/requeue", method="POST", **BEARER)
    assert (answer.status, answer.json) == (200, {"status": "OK", "tube": ARCHIVE, "id": found["id"]})
    assert [job.body for job in take(empty, ARCHIVE)] == [event]
    assert dead_letters(empty) == []
    assert f"event=requeued tube=archive dead_letter={found['id']}" in logs(empty)


def test_what_is_deleted_is_gone_and_the_archive_is_told(empty: Path) -> None:
    event = line()
    dead_letter(empty, LIVE, event, b"nonsense")
    for found in dead_letters(empty):
        answer = ask(empty, f"/api/dead-letters/live/{found['id']}", method="DELETE", **BEARER)
        assert (answer.status, answer.json) == (200, {"status": "OK", "tube": LIVE, "id": found["id"]})
    assert dead_letters(empty) == []
    assert take(empty, LIVE) == []
    [told] = [receipt.decode(job.body) for job in take(empty, ARCHIVE)]
    assert (told.receipt, told.tube, told.ids) == ("discarded", LIVE, [id_of(event)])
    assert f"id={id_of(event)}" in logs(empty)


@pytest.mark.parametrize("target", ["live/{}", "other/1", "live/0", "live/x", "live/99999999999999999999"])
def test_what_is_not_there_can_neither_be_put_back_nor_deleted(empty: Path, target: str) -> None:
    dead_letter(empty, ARCHIVE, line())
    [found] = dead_letters(empty)
    target = target.format(found["id"])
    assert codes(ask(empty, f"/api/dead-letters/{target}", method="DELETE", **BEARER), 404) == {(None, "not-found")}
    assert codes(ask(empty, f"/api/dead-letters/{target}/requeue", method="POST", **BEARER), 404) == {
        (None, "not-found")
    }
    assert dead_letters(empty) == [found]


def test_faults_of_the_question_are_named(empty: Path) -> None:
    assert codes(ask(empty, "/api/dead-letters?tube=other&limit=101&x=", **BEARER), 400) == {
        ("tube", "unknown-value"),
        ("limit", "out-of-range"),
        ("x", "unknown-parameter"),
    }


def everything(home: Path, **headers: str) -> list[Answer]:
    """Ask for all that only operators may."""
    return [
        ask(home, "/api/dead-letters", **headers),
        ask(home, "/api/dead-letters/live/1", method="DELETE", **headers),
        ask(home, "/api/dead-letters/live/1/requeue", method="POST", **headers),
    ]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_without_the_token_nothing_is_shown_or_done(empty: Path, header: str | None) -> None:
    for answer in everything(empty, **({} if header is None else {"Authorization": header})):
        assert codes(answer, 401) == {(None, "unauthorized")}
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_a_token_to_compare_it_is_said_that_it_is_missing_and_what_makes_it(home: Path) -> None:
    with beanstalkd(home), reads(home):
        for content in (None, "", "\n"):
            if content is not None:
                (home / "operator-token").write_text(content)
            for answer in everything(home, Authorization="Bearer "):
                assert codes(answer, 503) == {(None, "unavailable")}
                assert "deploy/up" in answer.json["errors"][0]["detail"]
        (home / "operator-token").write_text(TOKEN)
        assert dead_letters(home) == []


def test_without_a_queue_the_answer_is_503(home: Path) -> None:
    (home / "operator-token").write_text(TOKEN)
    with reads(home):
        for answer in everything(home, **BEARER):
            assert codes(answer, 503) == {(None, "unavailable")}
            assert "confirmed" not in answer.json["errors"][0]["detail"]


def logs(home: Path) -> str:
    """Give all that the parts have logged."""
    return "".join(log.read_text() for log in home.glob("*.log"))
