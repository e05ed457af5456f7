"""What a power cut leaves in beanstalkd's log: torn and damaged records. They hold up no other job."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from deploy.supervisor_states import DAMAGE
from tests.integration.conftest import event_json, id_of, open_queue, processor
from tests.recount import read_table
from tests.support import beanstalkd, wait_until
from tradewire.errors import QueueUnavailable
from tradewire.queue import ARCHIVE, LIVE
from tradewire.store.schema import events

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES = 4096
BODY_SIZE_OFFSET = 32
"""Of the size of the body in a job's record, from the end of the tube's name."""


def put_and_kill(home: Path, tube: str, bodies: list[bytes]) -> None:
    """Put jobs into a tube, then kill beanstalkd."""
    with beanstalkd(home) as process, open_queue(home) as queue:
        for body in bodies:
            queue.put(body, [tube])
        process.kill()
        process.wait()


def tear(home: Path, inside: bytes) -> None:
    """Let the log be zeros from the first page on that begins within these bytes."""
    [path] = (home / "queue").glob("binlog.*")
    path.chmod(0o600)
    log = bytearray(path.read_bytes())
    start = log.index(inside)
    page = -(-start // PAGE_BYTES) * PAGE_BYTES
    assert start < page < start + len(inside), "a page begins within it"
    log[page:] = bytes(len(log) - page)
    path.write_bytes(log)


def damage_size(home: Path, tube: str, number: int) -> None:
    """Make the size of a body in the log smaller than its line end, as flipped bits may do."""
    [path] = (home / "queue").glob("binlog.*")
    path.chmod(0o600)
    log = bytearray(path.read_bytes())
    header = struct.pack("=i", len(tube)) + tube.encode() + struct.pack("=Q", number)
    offset = log.index(header) + 4 + len(tube) + BODY_SIZE_OFFSET
    log[offset : offset + 4] = struct.pack("=i", 1)
    path.write_bytes(log)


def test_the_torn_event_becomes_a_dead_letter_and_all_before_and_after_it_are_archived(home: Path) -> None:
    (home / "store").mkdir()
    before, batch = [event_json() for _ in range(10)], [event_json(pad=PAGE_BYTES * (n == 10)) for n in range(20)]
    put_and_kill(home, ARCHIVE, [*before, b"\n".join(batch)])
    tear(home, batch[10])
    later = event_json()
    with beanstalkd(home), open_queue(home) as queue:
        queue.put(later, [ARCHIVE])
        assert queue.counts(ARCHIVE).ready == 12
        with processor(home, "archive"):
            wait_until(lambda: queue.counts(ARCHIVE)[:2] == (0, 0), "the tube is empty")
        letters = queue.dead_letters(ARCHIVE, 10)
    torn = [letter for letter in letters if letter.event.startswith(b"{")]
    assert [letter.event.rstrip(b"\0") for letter in torn] == [batch[10][: len(torn[0].event.rstrip(b"\0"))]]
    assert "a part of it is zeros, as a power cut may leave it" in torn[0].reason
    archived = {row.id for row in read_table(f"sqlite:///{home}/store/tradewire.db", events)}
    assert archived == {id_of(event) for event in (*before, *batch[:10], later)}


def test_a_job_whose_size_is_damaged_is_deleted_and_the_next_one_is_served(home: Path) -> None:
    put_and_kill(home, LIVE, [b"first", b"second"])
    damage_size(home, LIVE, 3)  # the first job was a probe
    with beanstalkd(home), open_queue(home) as queue:
        queue.put(b"third", [LIVE])
        with pytest.raises(QueueUnavailable, match="the record of job 3 in its log is damaged; the job was deleted"):
            queue.reserve(LIVE, 10, 0)
        assert [job.body for job in queue.reserve(LIVE, 10, 0)] == [b"first", b"third"]
    assert any(DAMAGE in log.read_text() for log in home.glob("beanstalkd-*.log")), "as supervisor-states expects"
