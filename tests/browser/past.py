"""Puts trades of the past into a stack's archive: `python -m tests.browser.past HOME`, with the trades as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import ROOT, example
from tradewire import event, trade
from tradewire.settings import Settings
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from tests.stack import Stack


def archive_past(running: Stack, *trades: tuple[timedelta, dict[str, Any]]) -> list[str]:
    """Archive examples, each received this long ago and with some fields changed.

    Returns:
        The ids, in the same order.
    """
    entries = [(age.total_seconds(), changes) for age, changes in trades]
    return run_as_owner(running, "tests.browser.past", json.dumps(entries)).split()


def run_as_owner(running: Stack, module: str, given: str = "") -> str:
    """Run a module as the user that owns the stack's database, with its home as argument, and return its output."""
    owner = (running.home / "sock").stat()
    as_root = os.geteuid() == 0
    result = subprocess.run(
        [sys.executable, "-m", module, str(running.home)],
        cwd=running.home,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        user=owner.st_uid if as_root else None,
        group=owner.st_gid if as_root else None,
        extra_groups=[] if as_root else None,
    )
    return result.stdout


def main() -> None:
    """Archive the trades given on the standard input, and print their ids."""
    entries: list[tuple[float, dict[str, Any]]] = json.load(sys.stdin)
    now = datetime.now(UTC)
    events = [_event(now - timedelta(seconds=age), changes) for age, changes in entries]
    with closing(StoreWriter(Settings(home=Path(sys.argv[1])).store, "past")) as store:
        store.migrate()
        store.save(events, [])
    sys.stdout.write("\n".join(event.id for event in events))


def _event(received: datetime, changes: dict[str, Any]) -> event.TradeEvent:
    checked, _ = trade.decode(example(**changes), received)
    milliseconds = int(received.timestamp() * 1000)
    tail = os.urandom(10).hex()
    event_id = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{tail[:3]}-8{tail[3:6]}-{tail[6:18]}"
    return event.decode(event.encode(checked, event_id, received))


if __name__ == "__main__":
    main()
