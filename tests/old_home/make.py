"""Make the home that the next version's tests upgrade: as this version leaves it, with jobs waiting, and its page.

Run this in the last commit of a version, before the number in tradewire/version.py is raised, and commit the archive:

    .venv/bin/python -m tests.old_home.make tests/old_home/VERSION.tar.gz
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from websockets.sync.client import connect

from tests.integration.conftest import open_queue
from tests.old_home import facts
from tests.stack import Stack, stack
from tests.support import ROOT, example, wait_until
from tradewire.queue import ARCHIVE

_NOT_KEPT = ("log/*", "metrics/*", "run/*", "sock/*", "tmp/*", "conf/*.conf")
"""What means nothing to the next start, and has paths of this machine."""


def make(path: Path) -> None:
    """Make the archive.

    Args:
        path: Where to write it. It has the folders `home` and `page`, and in the file `frames` what a browser got.
    """
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    home = folder / "home"
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as started:
        started.wait_ready()
        (folder / "frames").write_text("".join(f"{frame}\n" for frame in _fill(started)))
    shutil.copytree(ROOT / "web/dist", folder / "page", ignore=shutil.ignore_patterns("*.gz"))
    excluded = [f"--exclude=home/{name}" for name in _NOT_KEPT]
    subprocess.run(["tar", "-czf", path, "-C", folder, *excluded, "home", "page", "frames"], check=True)
    shutil.rmtree(folder)


def _fill(started: Stack) -> list[str]:
    """Leave in the stack what `facts` says. Return the frames that a browser got."""
    assert started.deploy("key", "add", facts.KEY, "--role", "producer").returncode == 0
    assert started.deploy("user", "add", facts.USER, "--role", "viewer", typed=f"{facts.PASSWORD}\n").returncode == 0
    with open_queue(started.home) as queue:
        queue.put(facts.DEAD, [ARCHIVE])
        wait_until(lambda: queue.counts(ARCHIVE).dead_letters == 1, "there is a dead letter")
    with connect(f"ws://127.0.0.1:{started.port}/ws", compression=None) as browser:
        frames = [str(browser.recv(60))]
        for user in facts.ARCHIVED:
            assert started.post(example(userId=user)).status == 201
        while sum(frame.count('"userId"') for frame in frames) < len(facts.ARCHIVED):
            frames.append(str(browser.recv(60)))
        wait_until(lambda: _counts(started) == (len(facts.ARCHIVED),) * 2, "all are shown and archived", 60, 0.1)
    started.supervisorctl("stop", "processors:*")
    for user in facts.WAITING[:5]:
        assert started.post(example(userId=user), Idempotency_Key=user).status == 201
    batch = b"\n".join(example(userId=user) for user in facts.WAITING[5:])
    assert started.get("/api/messages", method="POST", body=batch).status == 201
    return frames


def _counts(started: Stack) -> tuple[int, int]:
    """Return how many messages were shown and how many are archived."""
    tubes = started.get("/api/ledger").json["tubes"]
    return tubes["live"]["shown"], tubes["archive"]["archived"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m tests.old_home.make ARCHIVE")
    make(Path(sys.argv[1]).absolute())
