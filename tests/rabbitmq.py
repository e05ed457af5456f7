"""RabbitMQ nodes for tests: installed programs, data in the home directory, free ports of the loopback interface.

Debian 12 has RabbitMQ 3.10. There, `tests/run` makes a root of Debian 13 in a folder, and the nodes run in it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import amqp
import psutil

from tests import rabbitmq_root
from tests.support import TIMEOUT_SECONDS, TUBES, free_port, wait_until
from tradewire.queue import DEAD_SUFFIX, factory
from tradewire.queue.rabbit.topology import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USER: Final = "tradewire"
PASSWORD: Final = "s3cret"  # noqa: S105 - of nodes that last for a test
_PROGRAMS: Final = "usr/lib/rabbitmq/bin"
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS: Final = 600.0
"""On a busy machine, a node starts within minutes. A test that may be its first needs a longer time limit."""
_LEADER_SECONDS: Final = 0.2
"""RabbitMQ counts no consumer if a queue's leader does not tell within 0.25 s."""
_QUEUES: Final = (PROBE, *(name for tube in TUBES for name in (tube, tube + DEAD_SUFFIX)))

_numbers = count(1)


class Node:
    """A node that tests can freeze, kill and start again. Its data survives."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.port = free_port()
        self.name = f"{name}@localhost"
        self.home = cluster.home / name
        self.home.mkdir()
        self._cluster = cluster
        self._distribution_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        cookie = self.home / ".erlang.cookie"
        cookie.write_text("tradewire")
        cookie.chmod(0o400)
        (self.home / "plugins").write_text("[].")

    def start(self) -> None:
        """Start the node. Do not wait until it accepts connections."""
        self._write_config()
        command = self._cluster.command(self.home, f"/{_PROGRAMS}/rabbitmq-server")
        with (self.home / "node.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.home, env=self._environ(), stdout=log, stderr=log)

    def evaluate(self, expression: str) -> None:
        """Let the node evaluate an Erlang expression. On a busy machine, rabbitmqctl takes minutes for the same."""
        command = self._cluster.command(self.home, "/usr/bin/erl_call", "-sname", self.name, "-e")
        result = subprocess.run(
            command,
            cwd=self.home,
            env=self._environ(),
            input=f"{expression}.\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stdout.startswith("{ok"), result.stdout + result.stderr

    def close_connections(self) -> None:
        """Close the connections of all clients, as an operator would."""
        self.evaluate('ok = rabbit_networking:close_connections(rabbit_networking:connections(), "test")')

    def limit_memory(self, limit: str) -> None:
        """Set the use of memory at which the node has an alarm: a share, or `{absolute, BYTES}`."""
        self.evaluate(f"ok = vm_memory_monitor:set_vm_memory_high_watermark({limit})")

    def suspend_leader(self, queue: str, seconds: float) -> None:
        """Let a queue's leader on this node do nothing for some seconds, as on a busy machine. Return at once."""
        suspend = f"erlang:suspend_process(whereis('%2F_{queue}')), timer:sleep({seconds * 1000:.0f})"
        self.evaluate(f"{{Pid, Ref}} = spawn_monitor(fun() -> {suspend} end), is_pid(Pid)")

    def _environ(self) -> dict[str, str]:
        inside = Path("/mnt") if self._cluster.root != Path("/") else self.home
        return {
            "PATH": _PATH,
            "HOME": str(inside),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._cluster.epmd_port),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(inside / "data"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": str(inside / "log"),
            "RABBITMQ_CONFIG_FILE": str(inside / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(inside / "plugins"),
            # One scheduler that does not spin: three nodes share two cores with the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    def wait_until_ready(self) -> None:
        """Wait until the node accepts connections of clients."""
        process = self._process
        assert process
        log = self.home / "node.log"

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text(errors="replace")[-5000:]
            try:
                self.connect().close()
            except (OSError, amqp.exceptions.AMQPError):
                return False
            return True

        wait_until(is_ready, lambda: f"{self.name}: {log.read_text(errors='replace')[-5000:]}", START_SECONDS, 0.2)

    def connect(self) -> amqp.Connection:
        """Return an open connection of py-amqp."""
        host = f"127.0.0.1:{self.port}"
        connection = amqp.Connection(host, USER, PASSWORD, connect_timeout=5, login_method="PLAIN")
        connection.connect()
        return connection

    def kill(self) -> None:
        """End the node at once, as a power cut would. Its children notice and end by themselves."""
        self._signal(signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """Let the node end by itself."""
        self._signal(signal.SIGTERM)
        self._wait()

    def freeze(self) -> None:
        """Stop the node from doing anything. To others, it looks as if its cable was pulled."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the node go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                if child.name().startswith("beam"):
                    child.send_signal(number)

    def _wait(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait(TIMEOUT_SECONDS)
        self._process = None

    def _write_config(self) -> None:
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"default_user = {USER}",
            f"default_pass = {PASSWORD}",
            "disk_free_limit.absolute = 1MB",
            "raft.wal_max_size_bytes = 33554432",
            "net_ticktime = 20",
            *self._cluster.options,
        ]
        if len(self._cluster.nodes) > 1:
            lines.append("cluster_formation.peer_discovery_backend = classic_config")
            lines += [
                f"cluster_formation.classic_config.nodes.{number} = {node.name}"
                for number, node in enumerate(self._cluster.nodes, 1)
            ]
        (self.home / "rabbitmq.conf").write_text("\n".join(lines) + "\n")


class Cluster:
    """Nodes that know each other.

    Args:
        home: For their data. It must exist.
        size: How many nodes there are.
        options: Further lines of each node's configuration.
    """

    def __init__(self, home: Path, size: int, options: Sequence[str] = ()) -> None:
        self.root = rabbitmq_root.find()
        self.home = home
        self.options = options
        self.epmd_port = free_port()
        unique = f"{os.getpid()}x{next(_numbers)}"  # the name is not only a folder's: nodes of others have it, too
        self.nodes: list[Node] = []
        for number in range(size):
            self.nodes.append(Node(self, f"n{number}x{unique}"))
        self._epmd: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start all nodes, and wait until each accepts connections."""
        epmd = self.command(self.home, "/usr/bin/epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1")
        with (self.home / "epmd.log").open("ab") as log:
            self._epmd = subprocess.Popen(epmd, cwd=self.home, env={"PATH": _PATH}, stdout=log, stderr=log)
        wait_until(lambda: _accepts(self.epmd_port), "epmd listens")
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_until_ready()

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.thaw()
            node.kill()
        if self._epmd:
            self._epmd.kill()
            self._epmd.wait()

    def url(self, *ports: int, answer_seconds: int = 30) -> str:
        """Return the URL of some ports, or of all nodes. By default, each answer may take long: the machine is busy."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports or [node.port for node in self.nodes])
        return f"amqp://{USER}:{PASSWORD}@{hosts}/%2F?answer_seconds={answer_seconds}"

    def prepare(self) -> None:
        """Declare the queues of all tubes, and empty those that are there."""
        with self.nodes[0].connect() as connection:
            are_empty = [_empty(connection, queue) for queue in _QUEUES]
        if not all(are_empty):
            factory.declare(self.url(), TUBES)

    def clear(self) -> None:
        """Delete the queues that tests have made."""
        with self.nodes[0].connect() as connection:
            for queue in _QUEUES:
                connection.channel().queue_delete(queue)

    def command(self, home: Path, program: str, *arguments: str) -> list[str]:
        """Return the command that runs an installed program. In the root, the home is /mnt."""
        return rabbitmq_root.command(self.root, home, program, *arguments)


@contextmanager
def rabbitmq(home: Path, size: int = 1, options: Sequence[str] = ()) -> Iterator[Cluster]:
    """Run a cluster in a home directory."""
    folder = home / "rabbitmq"
    folder.mkdir()
    cluster = Cluster(folder, size, options)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder / "data", ignore_errors=True)


def _empty(connection: amqp.Connection, queue: str) -> bool:
    """Empty a queue, which is quicker than making it anew. Delete it if a connection still holds jobs of it."""
    channel = connection.channel()
    asked_at = time.monotonic()
    try:
        state = channel.queue_declare(queue, passive=True)
    except amqp.exceptions.NotFound:
        return False
    if state.consumer_count or time.monotonic() - asked_at > _LEADER_SECONDS:
        channel.queue_delete(queue)
        return False
    channel.queue_purge(queue)
    return True


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
