"""Watches the ledger at a steady load: no false alarm, and each message that is lost is named within ten seconds."""

from __future__ import annotations

import argparse
import http.client
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
import psutil

from tests.chaos.scenario import chaos_stack
from tests.support import example, wait_until
from tests.watcher import Watcher
from tradewire import mark, receipt
from tradewire.errors import QueueUnavailable
from tradewire.queue import ARCHIVE, LIVE
from tradewire.queue.factory import open_queue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from tests.stack import Stack
    from tradewire.queue import Job, Queue

NAMED_SECONDS: Final = 10.0
"""A loss is named within this time."""
LOOK_SECONDS: Final = 0.2
KILLED_SHARE: Final = 0.5
"""Of the disturbances. The others are freezes."""
DISTURBED: Final = (
    "beanstalkd",
    "api-ingest",
    "api-query",
    "keeper",
    "reconciler",
    "wsserver",
    "processors:live-1",
    "processors:archive",
)


class SteadyProducer:
    """Posts at a steady rate until stopped: single messages, or batches.

    Args:
        port: The stack's port.
        rate: Messages a second.
        batch: Messages in a request.
    """

    def __init__(self, port: int, rate: float, batch: int) -> None:
        self._port = port
        self._pause = batch / rate
        self._path = "/api/message" if batch == 1 else "/api/messages"
        self._batch = batch
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted = 0
        self.refused = 0
        """Requests that were not answered 201."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._pause, time.monotonic() - 1)
            try:
                connection.request("POST", self._path, b"\n".join([example()] * self._batch))
                response = connection.getresponse()
                response.read()
                is_accepted = response.status == http.client.CREATED
            except (OSError, http.client.HTTPException):
                connection.close()
                is_accepted = False
            self.accepted += self._batch * is_accepted
            self.refused += not is_accepted
        connection.close()


@dataclass
class Deleted:
    """A request whose job was deleted by hand."""

    tube: str
    received_at: str
    messages: int
    at: float
    """When, in seconds of the monotonic clock."""
    named_after: float | None = None


@dataclass
class Look:
    """Looks at the ledger five times a second, and compares its losses with the jobs that were deleted."""

    stack: Stack
    deleted: list[Deleted] = field(default_factory=list)
    looks: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                response = self.stack.get("/api/ledger")
            except OSError:
                continue
            if response.status == http.client.OK:
                self.check(response.json)

    def check(self, ledger: dict[str, Any]) -> None:
        """Compare the losses of one answer with the deleted jobs."""
        self.looks += 1
        self.statuses[ledger["status"]] = self.statuses.get(ledger["status"], 0) + 1
        known = {(each.tube, each.received_at): each for each in self.deleted}
        named = {(loss["tube"], loss["receivedAt"]): loss for loss in ledger["losses"]}
        for key, loss in named.items():
            if key not in known:
                self.faults.append(f"false alarm: {loss}")
            elif known[key].named_after is None:
                known[key].named_after = time.monotonic() - known[key].at
                if loss["messages"] != known[key].messages:
                    self.faults.append(f"{known[key].messages} messages were deleted: {loss}")
        for key, each in known.items():
            if each.named_after is not None and key not in named:
                self.faults.append(f"no longer named: {each}")
        missing = sum(account["missing"] for account in ledger["tubes"].values())
        if missing != sum(loss["messages"] for loss in ledger["losses"]):
            self.faults.append(f"{missing} are missing, and the losses tell of others: {ledger}")


def delete_one(stack: Stack, queue: Queue, tube: str) -> list[Deleted]:
    """Delete a job with events by hand, while its processor is stopped for a moment. Return its requests."""
    processor = psutil.Process(stack.pid("processors:archive" if tube == ARCHIVE else "processors:live-1"))
    processor.suspend()
    found: list[Job] = []
    try:

        def reserve() -> bool:
            try:
                jobs = queue.reserve(tube, 100, 1)
            except QueueUnavailable:  # beanstalkd was killed since the last time
                return False
            events = [job for job in jobs if mark.decode(job.body) is None and not receipt.is_receipt(job.body)]
            found[:] = events[:1]
            queue.release([job for job in jobs if job not in found])
            return bool(found)

        wait_until(reserve, f"a job with events is in the tube {tube}")
        queue.delete(found)
    finally:
        processor.resume()
    requests = Counter(msgspec.json.decode(event)["receivedAt"] for event in found[0].events)
    return [Deleted(tube, received_at, messages, time.monotonic()) for received_at, messages in requests.items()]


def disturb(stack: Stack, rng: random.Random, until: float) -> None:
    """Kill or freeze programs at random until a time of the monotonic clock, then wait until all work again."""
    while time.monotonic() < until:
        process = psutil.Process(stack.pid(rng.choice(DISTURBED)))
        family = [process, *process.children()]
        if rng.random() < KILLED_SHARE:
            _send(signal.SIGKILL, family)
        else:
            _send(signal.SIGSTOP, family)
            time.sleep(rng.uniform(0.5, 9))
            _send(signal.SIGCONT, family)
        time.sleep(rng.uniform(0.5, 3))
    wait_until(lambda: _works(stack), "every component but the ledger is ok", 60)


def _send(number: int, processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _works(stack: Stack) -> bool:
    """Return whether every component is ok, apart from the losses that the ledger names."""
    try:
        components = stack.get("/readyz").json["components"]
    except (OSError, ValueError):
        return False
    return all(component["status"] == "ok" for name, component in components.items() if name != "ledger")


def main() -> int:
    """Run the watch. Return 0 if there was no false alarm and each loss was named in time."""
    parser = argparse.ArgumentParser(prog="tests/chaos/ledger", description=__doc__)
    parser.add_argument("--rate", type=float, default=100, help="messages a second")
    parser.add_argument("--batch", type=int, default=1, help="messages in a request")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--losses", type=int, default=10, help="jobs to delete by hand")
    parser.add_argument("--calm", action="store_true", help="kill and freeze nothing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tw-ledger-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with chaos_stack(home, arguments.store) as (running, _):
        faults = watch(running, arguments, print)
    shutil.rmtree(home)
    print("\n".join(faults) or "no false alarm, and each loss was named")
    return 1 if faults else 0


def watch(stack: Stack, arguments: argparse.Namespace, report: Callable[[str], object]) -> list[str]:
    """Watch the ledger of a running stack. Return what was wrong."""
    rng = random.Random(arguments.seed)  # noqa: S311 - repeatable, not secret
    settings = Settings(home=stack.home)
    queue = open_queue(settings.queue, settings.queue_max_bytes, settings.counters)
    share = 60 * arguments.minutes / max(1, arguments.losses)
    begun = time.monotonic()
    with (
        Watcher(stack.port),
        SteadyProducer(stack.port, arguments.rate, arguments.batch) as producer,
        Look(stack) as look,
    ):
        for number in range(arguments.losses):
            disturbed_until = begun + share * (number + 1) - NAMED_SECONDS - 2
            if not arguments.calm:
                disturb(stack, rng, disturbed_until)
            time.sleep(max(0.0, disturbed_until - time.monotonic()))
            deleted = delete_one(stack, queue, LIVE if number % 2 else ARCHIVE)
            look.deleted += deleted
            time.sleep(NAMED_SECONDS + 1)
            for each in deleted:
                report(
                    f"{number + 1:3} {each.tube}: {each.messages} deleted, named after {each.named_after or -1:.1f} s"
                )
                if each.named_after is None or each.named_after > NAMED_SECONDS:
                    look.faults.append(f"not named within {NAMED_SECONDS:.0f} s: {each}")
        queue.close()
    report(
        f"{producer.accepted} accepted, {producer.refused} requests refused, {look.looks} looks: {look.statuses}; "
        f"named after {[round(each.named_after or -1, 1) for each in look.deleted]} s"
    )
    return list(dict.fromkeys(look.faults))


if __name__ == "__main__":
    sys.exit(main())
