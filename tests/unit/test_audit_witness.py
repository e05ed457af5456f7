"""The witness tells syslog of each record, and of the count and the head; the health check walks the chain."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from api.operations import file_checks
from api.operations.file_checks import AuditCheck
from api.operations.gauges import audit_gauges
from api.operations.readiness import Component
from processor import audit_witness
from processor.audit_witness import AuditWitness
from processor.keeper import Keeper
from tests.unit.sinks import InstantStop
from tradewire.audit.trail import Entry, Trail
from tradewire.audit.walk import Walk
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = b"<86>tradewire-audit: "
"""The priority of authpriv.info, and the program's name."""


class Receiver:
    """A syslog."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(str(path) if path else ("127.0.0.1", 0))
        self.address = str(path) if path else f"127.0.0.1:{self._socket.getsockname()[1]}"

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages since the last call."""
        self._socket.setblocking(False)  # noqa: FBT003 - its name is positional
        found = []
        with suppress(BlockingIOError):
            while data := self._socket.recv(2**20):
                assert data.startswith(PREFIX)
                found.append(json.loads(data.removeprefix(PREFIX)))
        return found

    def close(self) -> None:
        """Go away."""
        self._socket.close()
        if self._path:
            self._path.unlink()


@pytest.fixture
def trail(home: Path) -> Trail:
    settings = Settings(home=home)
    return Trail(settings.audit, settings.audit_key)


@pytest.fixture(params=["unix", "udp"])
def receiver(request: pytest.FixtureRequest, home: Path) -> Iterator[Receiver]:
    found = Receiver(home / "log" if request.param == "unix" else None)
    yield found
    with suppress(OSError):
        found.close()


def fill(trail: Trail, count: int, **details: Any) -> None:
    for number in range(count):
        trail.append(Entry("test", "done", f"actor-{number}", details=details))


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [message["n"] for message in messages if "n" in message]


# ---- the witness


def test_syslog_gets_each_record_once_and_the_head_each_minute(
    trail: Trail, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = AuditWitness(trail, receiver.address, structlog.get_logger())
    fill(trail, 3)
    witness.step()
    *records, head = receiver.messages()
    assert records == [json.loads(line) for line in trail.path.read_bytes().splitlines()]
    assert head == {"count": 3, "head": trail.head().mac}
    fill(trail, 2)
    witness.step()
    assert numbers(receiver.messages()) == [4, 5]
    witness.step()
    assert receiver.messages() == []
    monkeypatch.setattr(audit_witness, "_HEAD_SECONDS", 0.0)
    witness._head_at = 0.0  # noqa: SLF001 - a minute is over
    witness.step()
    assert receiver.messages() == [{"count": 5, "head": trail.head().mac}]


def test_a_new_process_goes_on_behind_the_records_that_were_sent(trail: Trail, receiver: Receiver) -> None:
    fill(trail, 2)
    AuditWitness(trail, receiver.address, structlog.get_logger()).step()
    assert numbers(receiver.messages()) == [1, 2]
    fill(trail, 1)
    AuditWitness(trail, receiver.address, structlog.get_logger()).step()
    assert numbers(receiver.messages()) == [3]


def test_a_record_that_is_not_whole_yet_is_sent_when_it_is(trail: Trail, receiver: Receiver) -> None:
    witness = AuditWitness(trail, receiver.address, structlog.get_logger())
    fill(trail, 2)
    whole = trail.path.read_bytes()
    trail.path.write_bytes(whole[:-5])
    witness.step()
    assert numbers(receiver.messages()) == [1]
    trail.path.write_bytes(whole)
    witness.step()
    assert numbers(receiver.messages()) == [2]


def test_while_syslog_is_away_records_wait_and_the_log_says_so_once(trail: Trail, home: Path) -> None:
    receiver = Receiver(home / "log")
    witness = AuditWitness(trail, receiver.address, structlog.get_logger())
    witness.step()
    receiver.close()
    with capture_logs() as logs:
        fill(trail, 2)
        for _ in range(3):
            witness.step()
        back = Receiver(home / "log")
        witness.step()
    assert numbers(back.messages()) == [1, 2]
    back.close()
    assert [entry["event"] for entry in logs] == [
        "syslog does not get the audit trail",
        "syslog gets the audit trail again",
    ]


def test_a_trail_that_was_cut_is_reported_to_syslog_and_to_the_log(trail: Trail, receiver: Receiver) -> None:
    witness = AuditWitness(trail, receiver.address, structlog.get_logger())
    fill(trail, 2)
    witness.step()
    receiver.messages()
    trail.path.write_bytes(trail.path.read_bytes().splitlines(keepends=True)[0])
    with capture_logs() as logs:
        witness.step()
    fill(trail, 1)
    witness.step()
    cut, new = receiver.messages()
    assert (cut, new["n"]) == ({"fault": "the end of the audit trail was cut off"}, 2)
    assert [entry["event"] for entry in logs] == ["the end of the audit trail was cut off"]


def test_a_record_that_is_too_long_for_syslog_is_sent_without_its_details(trail: Trail, receiver: Receiver) -> None:
    fill(trail, 1, text="x" * 10**6)
    AuditWitness(trail, receiver.address, structlog.get_logger()).step()
    record, _ = receiver.messages()
    assert (record["n"], record["mac"], record["details"]) == (1, trail.head().mac, "too long for syslog")


def test_the_keeper_sends_the_trail_even_while_the_queue_is_away(
    trail: Trail, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(MemoryQueue, "maintain", fail)
    fill(trail, 1)
    settings = Settings(home=trail.path.parent.parent, audit_syslog=receiver.address)
    keeper = Keeper(MemoryQueue(Broker()), settings, InstantStop(), structlog.get_logger())
    with pytest.raises(ConnectionError):
        keeper.step()
    assert numbers(receiver.messages()) == [1]


def test_without_a_syslog_nothing_is_sent_or_noted(trail: Trail) -> None:
    fill(trail, 1)
    AuditWitness(trail, "", structlog.get_logger()).step()
    assert [path.name for path in trail.path.parent.iterdir()] == ["trail.jsonl"]


# ---- the health check


def test_the_check_has_the_count_and_the_head_and_follows_the_trail(trail: Trail) -> None:
    check = AuditCheck(trail)
    assert check()["audit"][:2] == ("ok", "")
    for _ in range(2):
        fill(trail, 2)
        component = check()["audit"]
        assert component.status == "ok"
        assert (component.facts["records"], component.facts["head"]) == (trail.head().count, trail.head().mac)


def test_the_metrics_have_the_count_and_the_beginning_of_the_head(trail: Trail) -> None:
    fill(trail, 2)
    records, head = audit_gauges(AuditCheck(trail)()["audit"])
    assert (records.name, records.samples[0].value) == ("tradewire_audit_records", 2)
    assert (head.name, f"{int(head.samples[0].value):013x}") == ("tradewire_audit_head", trail.head().mac[:13])


def test_a_changed_record_is_reported_until_the_file_is_restored(trail: Trail) -> None:
    fill(trail, 3)
    whole = trail.path.read_bytes()
    trail.path.write_bytes(whole.replace(b"actor-1", b"actor-7"))
    check = AuditCheck(trail)
    for _ in range(2):
        component = check()["audit"]
        assert component.status == "damaged"
        assert "line 2: record 2 was changed" in component.detail
    trail.path.write_bytes(whole + b"")
    trail.append(Entry("test", "done"))
    assert check()["audit"].status == "ok"


def test_a_cut_end_stays_reported_when_new_records_follow(trail: Trail) -> None:
    fill(trail, 3)
    check = AuditCheck(trail)
    assert check()["audit"].status == "ok"
    trail.path.write_bytes(b"".join(trail.path.read_bytes().splitlines(keepends=True)[:2]))
    assert check()["audit"].status == "damaged"
    fill(trail, 5)
    component = check()["audit"]
    assert (component.status, "the chain was rewritten" in component.detail) == ("damaged", True)


def test_a_missing_key_is_reported_before_anything_has_to_be_recorded(trail: Trail, home: Path) -> None:
    (home / "audit-key").unlink()
    component = AuditCheck(trail)()["audit"]
    assert component.status == "unavailable"
    assert "audit-key can't be read" in component.detail


def test_a_long_trail_is_checked_in_several_runs_and_nothing_is_told_of_it_before(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(trail, 3)
    monkeypatch.setattr(file_checks, "_WALK_SECONDS", -1.0)
    check = AuditCheck(trail)
    assert check()["audit"] == Component()
    assert list(audit_gauges(check()["audit"])) == []
    monkeypatch.setattr(file_checks, "_WALK_SECONDS", 60.0)
    assert check()["audit"].facts["records"] == 3
    monkeypatch.setattr(file_checks, "_WALK_SECONDS", -1.0)
    fill(trail, 1)
    assert check()["audit"].facts["records"] == 3


def test_the_walk_goes_on_where_it_stopped(trail: Trail) -> None:
    fill(trail, 3)
    walk = Walk(trail)
    walk.advance(deadline=0.0)
    assert (walk.is_behind, walk.head.count) == (True, 0)
    walk.advance()
    assert (walk.is_behind, walk.head, walk.fault) == (False, trail.head(), None)
