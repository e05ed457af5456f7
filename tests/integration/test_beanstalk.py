"""The beanstalkd engine of the queue: restarts, the log, failure modes and round trips."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import beanstalkd_stats, open_queue, queue_url
from tests.support import beanstalkd, free_port, is_listening, require_program, running, wait_until
from tradewire.errors import QueueUnavailable
from tradewire.queue import LIVE, Queue, Rejected
from tradewire.queue.beanstalk.queue import BeanstalkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def take_all_bodies(queue: Queue) -> list[bytes]:
    """Take all jobs out of the live tube, delete them, and return their bodies."""
    bodies = []
    while jobs := queue.reserve(LIVE, 1000, 0):
        bodies += [job.body for job in jobs]
        queue.delete(jobs)
    return bodies


class Proxy:
    """Forwards one connection to beanstalkd and counts its round trips: the changes from requests to replies."""

    def __init__(self, front: Path, back: Path) -> None:
        self.round_trips = 0
        self._back = back
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(front))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.socket(socket.AF_UNIX) as server, DefaultSelector() as selector:
            server.connect(str(self._back))
            selector.register(client, EVENT_READ)
            selector.register(server, EVENT_READ)
            requested = False
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                source, target = (client, server) if client in ready else (server, client)
                chunk = source.recv(2**20)
                if not chunk:
                    return
                self.round_trips += requested and source is server
                requested = source is client
                target.sendall(chunk)

    def count_trips(self, call: Callable[[], object]) -> int:
        """Return the number of round trips of a call."""
        before = self.round_trips
        call()
        return self.round_trips - before

    def close(self) -> None:
        """Wait until the connection ends, then stop listening."""
        self._thread.join()
        self._listener.close()


def test_many_puts_reserves_releases_and_deletes_share_round_trips(home: Path) -> None:
    with beanstalkd(home), ExitStack() as stack:
        proxy = Proxy(home / "proxy.sock", home / "sock/beanstalkd.sock")
        stack.callback(proxy.close)
        queue = BeanstalkQueue(f"beanstalk://{home}/proxy.sock", 10**9, home / "ledger")
        stack.callback(queue.close)
        queue.check()
        assert proxy.count_trips(lambda: queue.put(b"x", [LIVE, "archive", "third"])) == 1
        for _ in range(199):
            queue.put(b"x", [LIVE])
        assert proxy.count_trips(lambda: queue.reserve(LIVE, 200, 1)) <= 2 + 8  # watch, ignore, chunks of reserves
        queue.close()
    with beanstalkd(home), ExitStack() as stack:
        proxy = Proxy(home / "second.sock", home / "sock/beanstalkd.sock")
        stack.callback(proxy.close)
        queue = BeanstalkQueue(f"beanstalk://{home}/second.sock", 10**9, home / "ledger")
        stack.callback(queue.close)
        jobs = queue.reserve(LIVE, 200, 1)
        assert len(jobs) == 200
        assert proxy.count_trips(lambda: queue.release(jobs)) == 1
        jobs = queue.reserve(LIVE, 200, 1)
        rejected = [Rejected(b"x", "why")] * 50
        assert proxy.count_trips(lambda: queue.dead_letter(jobs[0], rejected)) == 2
        assert proxy.count_trips(lambda: queue.delete(jobs[1:])) == 1


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_the_first_put_after_a_restart_succeeds(home: Path, transport: str) -> None:
    port = str(free_port())
    (home / "queue").mkdir()
    tcp_command = [require_program("beanstalkd"), "-l", "127.0.0.1", "-p", port, "-b", str(home / "queue")]

    @contextmanager
    def server() -> Iterator[subprocess.Popen[bytes]]:
        if transport == "unix":
            with beanstalkd(home) as process:
                yield process
        else:
            with running(tcp_command, home) as process:
                wait_until(lambda: is_listening_on_tcp(int(port)), "beanstalkd listens")
                yield process

    url = queue_url(home) if transport == "unix" else f"beanstalk://127.0.0.1:{port}"
    with ExitStack() as stack:
        queue = BeanstalkQueue(url, 10**9, home / "ledger")
        stack.callback(queue.close)
        for body in (b"one", b"two", b"three"):
            process = stack.enter_context(server())
            queue.put(body, [LIVE])
            kill(process)
        stack.enter_context(server())
        queue.put(b"four", [LIVE])
        assert take_all_bodies(queue) == [b"one", b"two", b"three", b"four"]


def is_listening_on_tcp(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_a_reserved_job_of_a_killed_beanstalkd_is_never_confused_with_a_new_job_of_the_same_id(home: Path) -> None:
    with open_queue(home) as queue, open_queue(home) as other:
        with beanstalkd(home) as process:
            queue.put(b"old", [LIVE])
            reserved = queue.reserve(LIVE, 1, 1)
            kill(process)
        for log in (home / "queue").iterdir():
            log.unlink()
        with beanstalkd(home):
            other.put(b"new", [LIVE])
            for _ in range(2):
                with pytest.raises(QueueUnavailable):
                    queue.delete(reserved)
            [job] = other.reserve(LIVE, 1, 1)
            assert (job.id, job.body) == (reserved[0].id, b"new")


def test_every_job_survives_a_kill_of_beanstalkd(home: Path) -> None:
    bodies = [b"%d" % number * 50 for number in range(2000)]
    with beanstalkd(home) as process, open_queue(home) as queue:
        for body in bodies:
            queue.put(body, [LIVE])
        queue.delete(queue.reserve(LIVE, 10, 1))
        kill(process)
    with beanstalkd(home), open_queue(home) as queue:
        assert take_all_bodies(queue) == bodies[10:]


def error_of(call: Callable[[], object]) -> str:
    """Return the text of the QueueUnavailable that a call raises."""
    with pytest.raises(QueueUnavailable) as caught:
        call()
    return str(caught.value)


def test_a_beanstalkd_without_a_log_is_refused_with_the_reason(home: Path) -> None:
    with beanstalkd(home, "-V"), open_queue(home) as queue:
        assert "without a log (-b)" in error_of(queue.check)
        assert "without a log (-b)" in error_of(lambda: queue.put(b"x", [LIVE]))
        assert beanstalkd_stats(home)["total-jobs"] == "0"


@pytest.mark.parametrize("checked_before", [True, False])
def test_a_draining_beanstalkd_refuses_puts_and_still_delivers_jobs(home: Path, *, checked_before: bool) -> None:
    with beanstalkd(home) as process, open_queue(home) as other, open_queue(home) as queue:
        other.put(b"x", [LIVE])
        if checked_before:
            queue.check()
        process.send_signal(signal.SIGUSR1)
        wait_until(lambda: beanstalkd_stats(home)["draining"] == "true", "beanstalkd drains")
        assert "draining" in error_of(lambda: queue.put(b"y", [LIVE]))
        assert "draining" in error_of(queue.check)
        assert take_all_bodies(queue) == [b"x"]


def test_a_full_queue_refuses_puts_until_it_has_space(home: Path) -> None:
    with (
        beanstalkd(home, "-b", str(home / "queue"), "-s", "65536"),
        open_queue(home, 200_000) as queue,
        open_queue(home) as other,
    ):
        queue.put(b"first", [LIVE])
        for _ in range(30):
            other.put(b"x" * 10_000, [LIVE])
        assert "full" in error_of(queue.check)
        assert "full" in error_of(lambda: queue.put(b"late", [LIVE]))
        queue.put_mark(LIVE, b"mark")
        assert take_all_bodies(other)[-1] == b"mark", "without marks, the ledger would learn nothing"
        queue.check()
        queue.put(b"again", [LIVE])
        assert take_all_bodies(other) == [b"again"]


@contextmanager
def log_that_can_fail(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a beanstalkd that ignores SIGXFSZ: writes beyond its file size limit fail, as on a broken disk."""
    command = ["env", "--ignore-signal=XFSZ", require_program("beanstalkd"), "-b", str(home / "queue"), "-z", "1052672"]
    (home / "queue").mkdir(exist_ok=True)
    with running([*command, "-l", f"unix:{home}/sock/beanstalkd.sock"], home) as process:
        wait_until(lambda: is_listening(home / "sock/beanstalkd.sock"), "beanstalkd listens")
        yield process


def break_log(process: subprocess.Popen[bytes], *, broken: bool = True) -> None:
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1 if broken else hard, hard))


def test_every_check_reports_a_stopped_log_until_a_restart(home: Path) -> None:
    with open_queue(home) as queue, open_queue(home) as other:
        with log_that_can_fail(home) as process:
            queue.check()
            other.put(b"kept", [LIVE])
            break_log(process)
            assert error_of(lambda: other.put(b"refused", [LIVE]))
            break_log(process, broken=False)  # beanstalkd does not resume its log

            def is_detected() -> bool:
                try:
                    other.put(b"in memory only", [LIVE])
                    queue.check()
                except QueueUnavailable as error:
                    return "stopped writing its log" in str(error)
                return False

            wait_until(is_detected, "the check detects it")
            for _ in range(3):
                assert "stopped writing its log" in error_of(queue.check)
                assert "stopped writing its log" in error_of(lambda: queue.put(b"x", [LIVE]))
            kill(process)
        with log_that_can_fail(home):
            queue.check()
            queue.put(b"new", [LIVE])
            assert take_all_bodies(queue) == [b"kept", b"new"]


def test_a_put_succeeds_only_if_its_job_is_in_the_log(home: Path) -> None:
    accepted = [b"before"]
    with log_that_can_fail(home) as process, open_queue(home) as queue:
        queue.put(b"before", [LIVE])
        break_log(process)
        for number in range(100):
            with suppress(QueueUnavailable):
                queue.put(b"%d" % number, [LIVE])
                accepted.append(b"%d" % number)
        kill(process)
    with beanstalkd(home), open_queue(home) as queue:
        assert take_all_bodies(queue) == accepted


def test_no_put_succeeds_after_the_log_has_failed_however_recent_the_last_check(home: Path) -> None:
    accepted = []
    with log_that_can_fail(home) as process, open_queue(home) as queue, open_queue(home) as other:
        other.check()
        queue.check()
        break_log(process)
        assert error_of(lambda: other.put(b"refused", [LIVE]))  # from now on beanstalkd keeps jobs in memory only
        for number in range(10):
            with suppress(QueueUnavailable):
                queue.put(b"%d" % number, [LIVE])
                accepted.append(number)
    assert accepted == []


def delete_files(home: Path) -> None:
    for path in (home / "queue").glob("binlog.*"):
        path.unlink()


def cut_files(home: Path) -> None:
    for path in (home / "queue").glob("binlog.*"):
        path.chmod(0o600)
        path.write_bytes(b"")


@pytest.mark.parametrize("take_away", [delete_files, cut_files])
def test_jobs_whose_files_have_vanished_are_written_to_new_ones_and_survive_a_kill(
    home: Path, take_away: Callable[[Path], None]
) -> None:
    bodies = [b"%d" % number * 100 for number in range(300)]
    with beanstalkd(home) as process, open_queue(home) as queue, open_queue(home) as other:
        for body in bodies:
            queue.put(body, [LIVE, "other"])
        held = other.reserve(LIVE, 1, 0) if take_away is delete_files else []
        take_away(home)
        assert "have vanished" in error_of(queue.check)
        assert "have vanished" in error_of(lambda: queue.put(b"x", [LIVE]))
        queue.maintain(may_restart=False)
        if held:
            assert "have vanished" in error_of(queue.check), "a job that is still reserved has no record"
            other.release(held)
            queue.maintain(may_restart=False)
        queue.check()
        assert [job.body for job in other.reserve("other", 1000, 0)] == bodies
        other.close()
        kill(process)
    with beanstalkd(home), open_queue(home) as queue:
        assert sorted(take_all_bodies(queue)) == sorted(bodies)


def test_jobs_in_an_older_file_that_was_cut_are_written_to_new_ones_and_survive_a_kill(home: Path) -> None:
    bodies = [b"%d" % number * 20_000 for number in range(300)]
    with beanstalkd(home) as process, open_queue(home) as queue:
        for body in bodies:
            queue.put(body, [LIVE])
        assert not queue.maintain(may_restart=False)
        oldest, *others = sorted((home / "queue").glob("binlog.*"), key=lambda path: int(path.suffix[1:]))
        assert others, "there is an older file"
        os.truncate(oldest, 1_000_000)
        queue.check()
        queue.put(b"the present file is whole", [LIVE])
        assert queue.maintain(may_restart=False)
        assert not oldest.exists()
        assert not queue.maintain(may_restart=False)
        kill(process)
    with beanstalkd(home), open_queue(home) as queue:
        assert sorted(take_all_bodies(queue)) == sorted([*bodies, b"the present file is whole"])


def test_a_full_disk_refuses_puts_until_it_has_space(home: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    (home / "queue").mkdir()
    script = (
        'mount -t tmpfs -o size=1m none "$1" && head -c 600000 /dev/zero >"$1/ballast"'
        ' && exec "$0" -l "unix:$2" -b "$1" -s 65536'
    )
    command = ["unshare", "--mount", "sh", "-c", script, require_program("beanstalkd"), str(home / "queue")]
    with running([*command, str(home / "sock/beanstalkd.sock")], home) as process, open_queue(home) as queue:
        wait_until(lambda: is_listening(home / "sock/beanstalkd.sock"), "beanstalkd listens")
        stored = 0
        with pytest.raises(QueueUnavailable, match="disk"):
            while stored < 1000:
                queue.put(b"x" * 10_000, [LIVE])
                stored += 1
        assert stored > 10
        assert "disk" in error_of(lambda: queue.put(b"x" * 10_000, [LIVE]))
        Path(f"/proc/{process.pid}/root{home}/queue/ballast").unlink()
        queue.put(b"again", [LIVE])
        queue.check()
        assert take_all_bodies(queue) == [b"x" * 10_000] * stored + [b"again"]


MALFORMED_REPLIES = [
    b"",
    b"OK",
    b"OK 900\r\n---\nid: 1\n",
    b"OK 4\r\n---\n\r\n",
    b"OK x\r\n",
    b"INSERTED\r\n",
    b"\xff\x00\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]


@pytest.mark.parametrize("call", ["check", "put", "reserve", "counts"])
@pytest.mark.parametrize("reply", MALFORMED_REPLIES)
def test_a_malformed_reply_closes_the_connection(home: Path, reply: bytes, call: str) -> None:
    check_recovery_from_reply(home, reply, call, silent=False)


def test_a_missing_reply_closes_the_connection_within_seconds(home: Path) -> None:
    check_recovery_from_reply(home, b"", "put", silent=True)


def check_recovery_from_reply(home: Path, reply: bytes, call: str, *, silent: bool) -> None:
    """Make a call to a server with this reply, check that the client disconnects, then use a real server."""
    calls: dict[str, Callable[[Queue], object]] = {
        "check": lambda queue: queue.check(),
        "put": lambda queue: queue.put(b"x", [LIVE]),
        "reserve": lambda queue: queue.reserve(LIVE, 5, 0),
        "counts": lambda queue: queue.counts(LIVE),
    }
    closed: list[bool] = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(reply)
            if not silent:
                peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096):
                pass
            closed.append(True)

    with open_queue(home) as queue:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(home / "sock/beanstalkd.sock"))
            listener.listen()
            thread = threading.Thread(target=serve)
            thread.start()
            assert error_of(lambda: calls[call](queue))
            thread.join(5)
            assert closed, "the client closed the connection"
        with beanstalkd(home):
            queue.put(b"real", [LIVE])
            assert take_all_bodies(queue) == [b"real"]


def test_repeated_reserves_and_releases_write_nothing_to_the_log(home: Path) -> None:
    def log() -> tuple[str, dict[str, int]]:
        files = {path.name: path.stat().st_blocks for path in (home / "queue").iterdir()}
        return beanstalkd_stats(home)["binlog-records-written"], files

    with beanstalkd(home), open_queue(home) as queue:
        for _ in range(500):
            queue.put(b"x" * 300, [LIVE])
        before = log()
        for limit in (*[1] * 1000, *[500] * 20):
            queue.release(queue.reserve(LIVE, limit, 1))
        assert log() == before
        assert beanstalkd_stats(home)["cmd-release"] == "11000"
