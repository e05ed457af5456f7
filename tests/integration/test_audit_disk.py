"""While the audit trail's disk is full, what must be recorded is refused; trades are posted and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.disks import small_disk
from tests.integration.conftest import call_query, event_json, ingest_api, open_queue, post, processor, query_api
from tests.support import audited, beanstalkd, example, wait_until
from tradewire.access import password, user
from tradewire.access.key import Role
from tradewire.queue import LIVE, Rejected
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "0123456789abcdef"  # noqa: S105 - only for this test
PASSWORD = "correct horse battery"  # noqa: S105 - as above
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("fault", ["full", "without_inodes", "read_only"])
def test_a_disk_that_takes_no_record_refuses_what_must_be_recorded_and_no_trade(home: Path, fault: str) -> None:
    (home / "operator-token").write_text(TOKEN)
    (home / "audit").mkdir(mode=0o700)
    (home / "store").mkdir()
    with (
        small_disk(home / "audit", "size=64k,nr_inodes=100") as disk,
        beanstalkd(home),
        query_api(home),
        ingest_api(home),
        processor(home, "archive"),
    ):
        body = event_json()
        with open_queue(home) as queue:
            queue.put(body, [LIVE])
            [job] = queue.reserve(LIVE, 1, 0)
            queue.dead_letter(job, [Rejected(body, "because")])
            [letter] = queue.dead_letters(LIVE, 1)
        wait_until(lambda: call_query(home, "/api/messages").status == 200, "the archive can be read")
        delete = f"/api/dead-letters/{LIVE}/{letter.id}"
        with getattr(disk, fault)():
            # The file's last block may have room for some records.
            wait_until(lambda: call_query(home, "/api/messages?format=csv").status == 503, "an export is refused")
            assert call_query(home, delete, method="DELETE", **BEARER).status == 503
            assert post(home, example()).status == 201
            found = lambda: call_query(home, "/api/messages?country=FR").json["messages"]  # noqa: E731
            wait_until(found, "the trade is archived")
            with open_queue(home) as queue:
                assert [each.id for each in queue.dead_letters(LIVE, 10)] == [letter.id]
        assert call_query(home, delete, method="DELETE", **BEARER).status == 200
        assert call_query(home, "/api/messages?format=csv").status == 200
        wait_until(lambda: audited(home)[-1]["result"] == "done", "the end of the export is recorded")
        assert [each["result"] for each in audited(home, "dead-letters-deleted")] == ["begun", "done"]


@pytest.mark.parametrize(
    ("folder", "fault"),
    [
        ("sessions", "full"),
        ("sessions", "without_inodes"),
        ("sessions", "read_only"),
        ("audit", "full"),
        ("audit", "read_only"),
    ],
)
def test_no_record_says_that_a_user_has_logged_in_who_got_no_session(home: Path, folder: str, fault: str) -> None:
    (home / folder).mkdir(mode=0o700)
    (home / "access").mkdir()
    with user.FILE.changing(Settings(home=home).users, None) as users:
        users.append(user.make("alice", [Role.VIEWER], password.hashed(PASSWORD), now=1))
    body = msgspec.json.encode({"name": "alice", "password": PASSWORD})

    def log_in() -> tuple[int, bool]:
        answer = call_query(home, "/api/session", method="POST", body=body)
        return answer.status, "Set-Cookie" in answer.headers

    with small_disk(home / folder, "size=64k,nr_inodes=100") as disk, query_api(home, TRADEWIRE_ACCESS="keys"):
        assert log_in() == (200, True)
        with getattr(disk, fault)():
            before = 1
            if folder == "audit":  # the file's last block may have room for some records
                wait_until(lambda: log_in() == (503, False), "a log-in is refused")
                before = len(audited(home, "login"))
            assert log_in() == (503, False)
            if folder == "sessions":
                wait_until(lambda: len(audited(home, "login")) > before, "the failure is recorded")
        assert log_in() == (200, True)
        records = audited(home, "login")
        assert {each["actor"] for each in records} == {"alice"}
        results = [each["result"] for each in records if each["result"] != "failed"]
        assert results == ["done"] * (before + 1)
        assert (len(results) < len(records)) == (folder == "sessions")
