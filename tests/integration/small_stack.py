"""A stack whose folders are small disks, and the test that each fault of a disk must pass."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from tests.stack import Stack, is_settled, stack
from tests.support import example, wait_until
from tests.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from tests.disks import Disk

FOLDERS = ("log", "queue", "store", "metrics", "ledger", "audit")
EACH_AND_ALL = [*((name,) for name in FOLDERS), FOLDERS]
BATCH = b"\n".join(example(userId=str(number)) for number in range(1000))


class SmallStack(NamedTuple):
    """A running stack, and the small disks that its folders are."""

    stack: Stack
    disks: Mapping[str, Disk]


@contextmanager
def small_stack(mount: Callable[[Path], AbstractContextManager[Disk]]) -> Iterator[SmallStack]:
    """Run a stack for several tests, as each of them leaves it whole.

    Args:
        mount: Puts a small disk on a folder.
    """
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with ExitStack() as mounts, stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as started:
        assert started.deploy("down").returncode == 0  # the folders have their owners and modes now
        disks = {name: mounts.enter_context(mount(home / name)) for name in FOLDERS}
        started.up()
        started.wait_ready()
        with Watcher(started.port):  # else the live tube would fill the queue
            yield SmallStack(started, disks)
        assert started.deploy("down").returncode == 0
    shutil.rmtree(home)


def check_that_nothing_is_lost(
    running: SmallStack, names: tuple[str, ...], fault: str, *, may_end_programs: bool = False
) -> None:
    """Let disks take nothing while messages are posted. Check that the stack mends by itself and loses no message.

    Args:
        running: The stack, whole.
        names: Which of its disks.
        fault: The method of the disk that makes the fault.
        may_end_programs: Whether programs may be ended by the fault and started again.
    """
    started, before = running.stack, running.stack.get("/api/ledger").json["accepted"]
    live = started.pid("processors:live-1")
    pids = {program: pid for program, (_, pid) in started.states().items()}
    supervisord = started.supervisord_pid()
    with ExitStack() as faults:
        for name in names:
            faults.enter_context(getattr(running.disks[name], fault)())
        with suppress(psutil.NoSuchProcess):  # the fault has ended it already
            started.kill(live)  # supervisord, and the new process, have something to log
        statuses = []
        for _ in range(25 if "queue" in names else 3):  # its log has room for about ten batches before it needs a file
            statuses.append(started.get("/api/messages", method="POST", body=BATCH).status)
            assert started.post(b"{}").status in {400, 503}
        assert (503 in statuses) >= ("queue" in names)
        assert set(statuses) <= {201, 503}
        assert started.supervisord_pid() == supervisord
        ended = {program for program, (_, pid) in started.states().items() if pid != pids[program]}
        assert may_end_programs or ended <= {"processors:live-1"}
    accepted = 1000 * statuses.count(201)
    started.wait_ready()
    assert started.supervisord_pid() == supervisord
    ledger: dict[str, Any] = {}

    def has_settled() -> bool:
        ledger.clear()
        ledger.update(started.get("/api/ledger").json)
        return is_settled(ledger) and ledger["accepted"] == before + accepted

    wait_until(has_settled, f"the ledger knows {before + accepted} messages, and nothing is on its way", 60, 0.2)
    assert ledger["status"] == "balanced"
    assert [tube["missing"] for tube in ledger["tubes"].values()] == [0, 0]
    assert started.post(example()).status == 201
