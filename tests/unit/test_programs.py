"""The keeper and the reconciler wait for a queue that is away, and end with status 0 when they are asked to stop."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import structlog

from processor import keeper, reconciler
from processor.sinks.archive import ArchiveSink
from tradewire import event
from tradewire.consumers import archive
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the home of a stack whose queue ends the first connection and asks the program to stop."""
    monkeypatch.setenv("TRADEWIRE_HOME", str(tmp_path))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    log_handlers = logging.getLogger().handlers[:]
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("TRADEWIRE_QUEUE_URL", f"beanstalk://127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=_stop_at_first_connection, args=[server], daemon=True)
        thread.start()
        yield tmp_path
        server.shutdown(socket.SHUT_RDWR)  # ends the thread if no program has connected
        thread.join()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    logging.basicConfig(handlers=log_handlers, force=True)
    structlog.reset_defaults()


def _stop_at_first_connection(server: socket.socket) -> None:
    try:
        connection, _ = server.accept()
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    connection.close()


def keep(_home: Path) -> int:
    return keeper.main()


def reconcile(home: Path) -> int:
    """Run the reconciler with a request to look for."""
    settings = Settings(home)
    (home / "store").mkdir()
    with closing(ArchiveSink(archive.CONSUMER, settings, MemoryQueue(Broker()))) as sink:
        sink.connect()
    with (
        closing(Counter(settings.counters)) as counter,
        closing(SlotWriter(settings.counters, counter, ["archive"])) as writer,
    ):
        request = writer.start()
        request.begin(1, event.new_id())
        request.accept(1)
        request.end()
    return reconciler.main()


@pytest.mark.parametrize(("run", "name"), [(keep, "keeper"), (reconcile, "reconciler")])
def test_a_program_that_is_stopped_in_an_outage_logs_both_and_ends_with_status_0(
    home: Path, run: Callable[[Path], int], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(home) == 0
    # An app that another test made in this process may log something, too.
    lines = [line for line in capfd.readouterr().err.splitlines() if f" logger={name} " in line]
    assert [line.partition(" event=")[2].partition(" reason=")[0].partition(" pid=")[0] for line in lines] == [
        "started",
        '"waiting for a dependency"',
        "stopped",
    ]
