"""A consumer that is killed, stopped, slow or off keeps to its share of the queue, and nobody else notices it."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import call_ingest, call_query, keeper, open_queue, post, processor
from tests.integration.test_ledger import settled_ledger
from tests.integration.user_files import NAME, account, install, stack
from tests.support import example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

QUEUE_BYTES = 40_000_000
SHARE = QUEUE_BYTES // 4 // 2
"""Of each of the two tubes other than the archive's. It holds some 15,000 messages."""
BATCHES, BATCH = 40, 500
SINGLES, PER_SECOND = 800, 200
DELIVERY_SECONDS = 10
SLOW_SINK = f'''
"""The sink of the package, but each delivery takes long."""

import time

from tradewire_user_files import sink


class SlowSink(sink.UserFilesSink):
    def deliver(self, events):
        time.sleep({DELIVERY_SECONDS})
        return super().deliver(events)
'''


@contextmanager
def killed(home: Path, env: dict[str, str]) -> Iterator[None]:
    """Run the consumer's processor, and kill it again and again."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            with processor(home, NAME, **env) as process:
                is_over.wait(1)
                process.kill()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def slow(home: Path, env: dict[str, str]) -> AbstractContextManager[object]:
    """Run the consumer's processor with a slow sink."""
    package = home / "site/tradewire_user_files"
    (package / "slow.py").write_text(SLOW_SINK)
    declaration = package / "__init__.py"
    declaration.write_text(declaration.read_text().replace(".sink:UserFilesSink", ".slow:SlowSink"))
    return processor(home, NAME, **env)


def stopped(_home: Path, _env: dict[str, str]) -> AbstractContextManager[object]:
    """Run no processor of the consumer."""
    return nullcontext()


def off(_home: Path, env: dict[str, str]) -> AbstractContextManager[object]:
    """Switch the consumer off."""
    env["TRADEWIRE_CONSUMERS"] = "live,archive"
    del env["TRADEWIRE_USER_FILES_FOLDER"]
    return nullcontext()


def post_all(home: Path) -> int:
    """Post batches as fast as possible, then single messages. Return how many messages were accepted."""
    body = b"\n".join(example(userId="alice") for _ in range(BATCH))
    for _ in range(BATCHES):
        assert call_ingest(home, "/api/messages", method="POST", body=body).status == 201
    begun = time.monotonic()
    for number in range(SINGLES):
        time.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
        assert post(home, example(userId="alice")).status == 201
    return BATCHES * BATCH + SINGLES


@pytest.mark.parametrize("fault", [killed, stopped, slow, off])
def test_producers_and_other_consumers_do_not_notice_a_consumer_that_is(fault: object, home: Path) -> None:
    env = {**install(home), "TRADEWIRE_QUEUE_MAX_BYTES": str(QUEUE_BYTES)}
    (home / "users/alice").mkdir()
    assert callable(fault)
    with ExitStack() as programs:
        faulty = fault(home, env)
        browser = programs.enter_context(stack(home, env))
        programs.enter_context(keeper(home, **env))
        programs.enter_context(faulty)
        accepted = post_all(home)
        assert len(set(browser.receive_ids(accepted))) == accepted
        wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["archived"] == accepted, "the archive has all")
        with open_queue(home) as queue:
            wait_until(lambda: queue.counts(NAME).bytes <= SHARE, "the tube keeps to its share")
            assert queue.counts("live").bytes == 0
        tubes = settled_ledger(home)["tubes"]
        if fault is off:
            assert NAME not in tubes
            return
        counts = account(home)
        assert counts["expired"] > 0 or fault is killed
        assert (counts["accepted"], counts["missing"]) == (accepted, 0)
        assert counts["delivered"] + counts["expired"] + counts["waiting"] == accepted
        assert call_query(home, "/readyz").json["status"] != "not-ready"
