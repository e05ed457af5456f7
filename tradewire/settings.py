"""The settings: read from the environment at the entry points, once, and checked as a whole.

Example:
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        sys.exit(str(error))
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tradewire import consumers, setting_checks
from tradewire.consumers import archive, live
from tradewire.errors import SettingsError
from tradewire.queue import factory
from tradewire.setting import BadUrl, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.consumer import Consumer

PREFIX = "TRADEWIRE_"
_SOCKET_PATH_MAX = 107
"""Greatest length of a unix socket's path in bytes, without its NUL (unix(7))."""
_SHARES_PART = 4
_LONGEST_SOCKET = "sock/workers/wsserver.sock"
_HINT = f": the README lists them all. A consumer's settings exist while {PREFIX}CONSUMERS names it"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """Everything that an operator can choose.

    Each field is set by the environment variable `TRADEWIRE_` + its name in capitals. Consumers bring settings of their
    own. The properties are derived from the fields.
    """

    home: Path
    """The folder below which the stack writes everything. Absolute."""
    listen: tuple[str, ...] = ("127.0.0.1:8080",)
    """Where nginx listens: each `ADDRESS:PORT`, at least one. The stack has no other TCP port."""
    hosts: tuple[str, ...] = ()
    """Names and addresses that requests may name as their host, beside those of `listen` and the loopback ones."""
    public_url: str = ""
    """The page's address for browsers, if a proxy in front changes the host: `SCHEME://HOST[:PORT]`, as in Origin."""
    rate_limit: int = 50
    """Single messages per second that one client address may post. 0 means no limit (written `off`)."""
    batch_rate_limit: int = 10
    """Batches per second that one client address may post. 0 means no limit (written `off`)."""
    queue_url: str = ""
    """URL of the queue. Empty: the stack runs its own queue."""
    queue_max_bytes: int = 1024**3
    """Size of the queue in bytes at which the API stops accepting messages."""
    queue_fsync_ms: int = 50
    """Milliseconds of accepted messages that a power cut may lose. 0 syncs the disk at every write."""
    store_url: str = ""
    """URL of the archive's database. Empty: a SQLite file in the stack's home."""
    extra_currencies: tuple[str, ...] = ()
    """Codes of currencies that trades may have beside those of ISO 4217."""
    consumers: tuple[Consumer, ...] = (live.CONSUMER, archive.CONSUMER)
    """The consumers of the stream, each with the values of its settings. The variable lists their names."""
    api_workers: int = 2
    """gunicorn's worker processes."""
    max_browsers: int = 1000
    """Concurrent browsers from all addresses."""
    max_connections_per_address: int = 200
    """Concurrent connections from one client address."""
    max_browsers_per_address: int = 50
    """Concurrent browsers from one client address. They count as connections, too."""
    replay_events: int = 20_000
    """Number of newest events that the WebSocket server keeps for browsers that reconnect."""
    demo_rate: float = 10.0
    """Messages per second that the demo posts."""
    demo_seed: int = 1
    """Seed of the demo's random trades. The same seed gives the same trades."""
    user: str = "tradewire"
    """The user that the programs run as if root starts the stack."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Args:
            environ: The process's environment. Variables without the prefix `TRADEWIRE_` are ignored; an empty
                variable counts as not set.

        Raises:
            SettingsError: Values are invalid or `TRADEWIRE_` names unknown. It carries every fault.
        """
        return _Reader(environ).settings()

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting by the name of its variable, those of the consumers included."""
        values = {field.name.upper(): getattr(self, field.name) for field in fields(self)}
        values["LISTEN"] = ",".join(self.listen)
        values["HOSTS"] = ",".join(self.hosts)
        values["CONSUMERS"] = ",".join(self.tubes)
        values["EXTRA_CURRENCIES"] = ",".join(self.extra_currencies)
        for consumer in self.consumers:
            values |= consumer.variables()
        return {f"{PREFIX}{name}": value for name, value in values.items()}

    @property
    def tubes(self) -> tuple[str, ...]:
        """The tubes: ingest puts a copy of each event into all of them. Each belongs to one consumer."""
        return tuple(consumer.name for consumer in self.consumers)

    @property
    def share_bytes(self) -> int:
        """The share of the queue that each tube but the archive's may fill, in bytes of jobs and dead letters.

        All of them together get a quarter. An engine may need twice as much space for what they hold, so the archive's
        tube still has half of the queue before messages are refused.
        """
        return self.queue_max_bytes // _SHARES_PART // max(1, len(self.tubes) - 1)

    @property
    def own_queue(self) -> bool:
        """Whether the stack runs the queue's server itself."""
        return not self.queue_url

    @property
    def queue(self) -> str:
        """The queue's URL, the default included."""
        return self.queue_url or factory.own_url(self.home)

    @property
    def store(self) -> str:
        """The URL of the archive's database, the default included."""
        return self.store_url or f"sqlite:///{self.home}/store/tradewire.db"

    @property
    def counters(self) -> Path:
        """The folder of the ledger's files (`tradewire.ledger`), and of other counters."""
        return self.home / "ledger"

    @property
    def metrics(self) -> Path:
        """The folder with each process's counts for `/metrics`."""
        return self.home / "metrics"

    @property
    def operator_token(self) -> Path:
        """The file with the operator token. deploy/up creates it."""
        return self.home / "operator-token"

    @property
    def supervisor_states(self) -> Path:
        """The file with supervisord's state of each program."""
        return self.home / "sock/states.json"

    @property
    def ingest_socket(self) -> Path:
        """The unix socket of api-ingest, which accepts messages."""
        return self.home / "sock/api-ingest.sock"

    @property
    def query_socket(self) -> Path:
        """The unix socket of api-query, which answers everything else."""
        return self.home / "sock/api-query.sock"

    @property
    def browser_socket(self) -> Path:
        """The WebSocket server's unix socket for browsers. nginx proxies to it."""
        return self.home / "sock/browsers.sock"

    @property
    def worker_socket(self) -> Path:
        """The WebSocket server's unix socket for workers. nginx does not proxy to it."""
        return self.home / _LONGEST_SOCKET

    @property
    def addresses(self) -> tuple[str, ...]:
        """The page's URLs for a browser on this machine, in the order of `listen`."""
        return tuple(_url(address) for address in self.listen)


class _Reader:
    """Reads each variable once and collects faults instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._unread = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        self._unread["HOME"] = self._unread.get("HOME", "").strip() or "var"
        self._read: set[str] = set()
        self._faults: list[str] = []

    def settings(self) -> Settings:
        settings = Settings(
            home=self._take("HOME", Path(), _home),
            listen=self._take("LISTEN", Settings.listen, setting_checks.listen),
            hosts=self._take("HOSTS", Settings.hosts, setting_checks.hosts),
            public_url=self._take("PUBLIC_URL", Settings.public_url, setting_checks.public_url),
            rate_limit=self._take("RATE_LIMIT", Settings.rate_limit, setting_checks.rate),
            batch_rate_limit=self._take("BATCH_RATE_LIMIT", Settings.batch_rate_limit, setting_checks.rate),
            queue_url=self._take("QUEUE_URL", Settings.queue_url, factory.check_url),
            queue_max_bytes=self._take("QUEUE_MAX_BYTES", Settings.queue_max_bytes, whole(10**7, 10**13)),
            queue_fsync_ms=self._take("QUEUE_FSYNC_MS", Settings.queue_fsync_ms, whole(0, 60_000)),
            store_url=self._take("STORE_URL", Settings.store_url, setting_checks.store_url),
            extra_currencies=self._take("EXTRA_CURRENCIES", Settings.extra_currencies, setting_checks.currencies),
            consumers=self._consumers(),
            api_workers=self._take("API_WORKERS", Settings.api_workers, whole(1, 64)),
            max_browsers=self._take("MAX_BROWSERS", Settings.max_browsers, whole(1, 100_000)),
            max_connections_per_address=self._take(
                "MAX_CONNECTIONS_PER_ADDRESS", Settings.max_connections_per_address, whole(1, 100_000)
            ),
            max_browsers_per_address=self._take(
                "MAX_BROWSERS_PER_ADDRESS", Settings.max_browsers_per_address, whole(1, 100_000)
            ),
            replay_events=self._take("REPLAY_EVENTS", Settings.replay_events, whole(1, 1_000_000)),
            demo_rate=self._take("DEMO_RATE", Settings.demo_rate, setting_checks.demo_rate),
            demo_seed=self._take("DEMO_SEED", Settings.demo_seed, whole(0, 2**32)),
            user=self._take("USER", Settings.user, setting_checks.user),
        )
        self._faults += [f"{PREFIX}{name} is not a setting{_HINT}" for name in sorted(self._unread)]
        if self._faults:
            raise SettingsError(self._faults)
        return settings

    def _consumers(self) -> tuple[Consumer, ...]:
        declared = self._take("CONSUMERS", Settings.consumers, _consumers)
        return tuple(consumer.configured(self._take) for consumer in declared)

    def _take(self, name: str, default: _T, parse: Callable[[str], _T]) -> _T:
        """Parse a variable. Return the default if it is unset or empty. If that is None, the variable must be set."""
        if name in self._read:
            self._faults.append(
                f"{PREFIX}{name} is declared twice: by a consumer, and by Tradewire or another consumer"
            )
        self._read.add(name)
        text = self._unread.pop(name, "").strip()
        if not text:
            if default is None:
                self._faults.append(f"{PREFIX}{name} must be set")
            return default
        try:
            return parse(text)
        except BadUrl as error:
            self._faults.append(f"{PREFIX}{name} can't be used: {error}")
        except ValueError as error:
            self._faults.append(
                f"{PREFIX}{name} can't be used: it is not a valid URL"
                if name.endswith("URL")
                else f"{PREFIX}{name}={text!r} can't be used: {error}"
            )
        return default


def _home(text: str) -> Path:
    path = Path(text).absolute()
    longest = len(bytes(path / _LONGEST_SOCKET))
    if longest > _SOCKET_PATH_MAX:
        excess = longest - _SOCKET_PATH_MAX
        raise ValueError(f"the path of a unix socket below it would be {excess} bytes too long")
    if not re.fullmatch(r"[\w./+@-]+", str(path), re.ASCII):
        raise ValueError("the path may only contain letters, digits and ./_+@-")
    return path


def _url(address: str) -> str:
    host, _, port = address.rpartition(":")
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://{reachable}:{port}/"


def _consumers(text: str) -> tuple[Consumer, ...]:
    return consumers.enabled([name.strip() for name in text.split(",")])
