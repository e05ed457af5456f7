"""The settings: read from the environment at the entry points, once, and checked as a whole.

Example:
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        sys.exit(str(error))
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tradewire import consumers, exposure, setting_checks
from tradewire.access.client_ca import NO_CLIENT_CA, ClientCa
from tradewire.access.groups import NO_GROUPS, GroupRoles
from tradewire.access.identity_proxy import NO_PROXY, IdentityProxy
from tradewire.access.issuer import NO_ISSUER, Issuer
from tradewire.access.provider import NO_PROVIDER, Provider
from tradewire.backup.schedule import NO_BACKUPS, Backups
from tradewire.consumers import archive, live
from tradewire.errors import SettingsError
from tradewire.home_paths import HomePaths
from tradewire.queue import factory
from tradewire.retention import KEEP_ALL, Retention
from tradewire.setting import BadUrl, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.consumer import Consumer

PREFIX = "TRADEWIRE_"
_SHARES_PART = 4
_HINT = f": the README lists them all. A consumer's settings exist while {PREFIX}CONSUMERS names it"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings(HomePaths):
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
    """The page's address for browsers, if a proxy in front changes it: `SCHEME://HOST[:PORT][/PATH]`, without a slash
    at its end."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the proxies in front. nginx believes the client's address that they name, and no other's."""
    tls_cert: str = ""
    """The file with nginx's certificate chain. Empty: nginx speaks plain http."""
    tls_key: str = ""
    """The file with the certificate's private key."""
    redirect_listen: tuple[str, ...] = ()
    """Where nginx redirects plain http to https, and serves answers to ACME's challenges: each `ADDRESS:PORT`."""
    access: str = "open"
    """Which credentials requests need: `open` none, `keys` an API key, a client certificate, a JWT of the issuer, or a
    local user's session, `proxy` and `oidc` the same, but an identity proxy in front or a provider names the people."""
    group_roles: GroupRoles = NO_GROUPS
    """The roles of each group that an identity proxy, a provider, or the roles claim of a JWT names."""
    identity_proxy: IdentityProxy = NO_PROXY
    """How the proxies in front name people. Its variables are `TRADEWIRE_PROXY_…` and `TRADEWIRE_LOGOUT_URL`."""
    recheck_seconds: int = 600
    """How long a person's live feed goes on before the browser connects anew, and how long a provider's word counts."""
    jwt: Issuer = NO_ISSUER
    """The issuer of JWTs. Its variables are `TRADEWIRE_JWT_…`."""
    oidc: Provider = NO_PROVIDER
    """The provider at which people log in. Its variables are `TRADEWIRE_OIDC_…`."""
    client_ca: ClientCa = NO_CLIENT_CA
    """The CAs of client certificates. Their variables are `TRADEWIRE_CLIENT_…`."""
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
    retention: Retention = KEEP_ALL
    """What the archive keeps. Its variables are `TRADEWIRE_…RETENTION_DAYS` and `TRADEWIRE_ARCHIVE_MAX_BYTES`."""
    backups: Backups = NO_BACKUPS
    """When backups are made, and how. Its variables are `TRADEWIRE_BACKUP_…`."""
    extra_currencies: tuple[str, ...] = ()
    """Codes of currencies that trades may have beside those of ISO 4217."""
    consumers: tuple[Consumer, ...] = (live.CONSUMER, archive.CONSUMER)
    """The consumers of the stream, each with the values of its settings. The variable lists their names."""
    api_workers: int = 2
    """gunicorn's worker processes."""
    audit_syslog: str = ""
    """Where the audit trail is sent, too: the path of syslog's unix socket, or `HOST:PORT`. Empty: nowhere."""
    max_browsers: int = 1000
    """Concurrent browsers from all addresses."""
    max_connections_per_address: int = 200
    """Concurrent requests from one client address, browsers among them."""
    max_posts: int = 512
    """Concurrent requests with a body from all addresses."""
    max_posts_per_address: int = 100
    """Concurrent requests with a body from one client address."""
    max_browsers_per_address: int = 50
    """Concurrent browsers from one client address."""
    max_browsers_per_principal: int = 50
    """Concurrent browsers of one principal, if access is not open."""
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
        own = {field.name.upper(): getattr(self, field.name) for field in fields(self)} | {"CONSUMERS": self.tubes}
        for name in ("JWT", "OIDC", "IDENTITY_PROXY", "CLIENT_CA", "RETENTION", "BACKUPS"):
            own |= own.pop(name).variables()
        own |= {"GROUP_ROLES": str(self.group_roles)}
        values = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in own.items()}
        for consumer in self.consumers:
            values |= consumer.variables()
        return {f"{PREFIX}{name}": value for name, value in values.items()}

    @property
    def is_exposed(self) -> bool:
        """Whether other machines may reach the stack: an address to listen on is not a loopback one."""
        return setting_checks.is_exposed(self.listen)

    @property
    def public_origin(self) -> str:
        """The origin of `public_url`, as browsers write it. Empty if there is no such URL."""
        return "/".join(self.public_url.split("/")[:3])

    @property
    def public_path(self) -> str:
        """The path of `public_url`, without a slash at its end. Empty for the root of its host."""
        return self.public_url.removeprefix(self.public_origin)

    @property
    def has_tls(self) -> bool:
        """Whether nginx itself encrypts. If other machines reach the stack, `nginx-loopback` does not."""
        return bool(self.tls_cert and self.tls_key)

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the page by https."""
        return self.has_tls or self.public_url.startswith("https:")

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


class _Reader:
    """Reads each variable once and collects faults instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._unread = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        self._unread["HOME"] = self._unread.get("HOME", "").strip() or "var"
        self._read: set[str] = set()
        self._faults: list[str] = []

    def settings(self) -> Settings:
        listen = self._take("LISTEN", Settings.listen, setting_checks.listen)
        self._faults += exposure.faults(listen, self._unread)
        settings = Settings(
            home=self._take("HOME", Path(), setting_checks.home),
            listen=listen,
            hosts=self._take("HOSTS", Settings.hosts, setting_checks.hosts),
            public_url=self._take("PUBLIC_URL", Settings.public_url, setting_checks.public_url),
            trusted_proxies=self._take("TRUSTED_PROXIES", Settings.trusted_proxies, setting_checks.networks),
            tls_cert=self._take("TLS_CERT", Settings.tls_cert, setting_checks.file),
            tls_key=self._take("TLS_KEY", Settings.tls_key, setting_checks.file),
            redirect_listen=self._take("REDIRECT_LISTEN", Settings.redirect_listen, setting_checks.listen),
            access=self._take("ACCESS", Settings.access, setting_checks.access),
            group_roles=self._take("GROUP_ROLES", Settings.group_roles, GroupRoles.parse),
            identity_proxy=IdentityProxy.read(self._take),
            recheck_seconds=self._take("RECHECK_SECONDS", Settings.recheck_seconds, whole(5, 3600)),
            jwt=Issuer.read(self._take),
            oidc=Provider.read(self._take),
            client_ca=ClientCa.read(self._take),
            rate_limit=self._take("RATE_LIMIT", Settings.rate_limit, setting_checks.rate),
            batch_rate_limit=self._take("BATCH_RATE_LIMIT", Settings.batch_rate_limit, setting_checks.rate),
            queue_url=self._take("QUEUE_URL", Settings.queue_url, factory.check_url),
            queue_max_bytes=self._take("QUEUE_MAX_BYTES", Settings.queue_max_bytes, whole(10**7, 10**13)),
            queue_fsync_ms=self._take("QUEUE_FSYNC_MS", Settings.queue_fsync_ms, whole(0, 60_000)),
            store_url=self._take("STORE_URL", Settings.store_url, setting_checks.store_url),
            retention=Retention.read(self._take),
            backups=Backups.read(self._take),
            extra_currencies=self._take("EXTRA_CURRENCIES", Settings.extra_currencies, setting_checks.currencies),
            consumers=self._consumers(),
            api_workers=self._take("API_WORKERS", Settings.api_workers, whole(1, 64)),
            audit_syslog=self._take("AUDIT_SYSLOG", Settings.audit_syslog, setting_checks.syslog),
            max_browsers=self._take("MAX_BROWSERS", Settings.max_browsers, whole(1, 100_000)),
            max_connections_per_address=self._take(
                "MAX_CONNECTIONS_PER_ADDRESS", Settings.max_connections_per_address, whole(1, 100_000)
            ),
            max_posts=self._take("MAX_POSTS", Settings.max_posts, whole(512, 10_000)),
            max_posts_per_address=self._take("MAX_POSTS_PER_ADDRESS", Settings.max_posts_per_address, whole(1, 10_000)),
            max_browsers_per_address=self._take(
                "MAX_BROWSERS_PER_ADDRESS", Settings.max_browsers_per_address, whole(1, 100_000)
            ),
            max_browsers_per_principal=self._take(
                "MAX_BROWSERS_PER_PRINCIPAL", Settings.max_browsers_per_principal, whole(1, 100_000)
            ),
            replay_events=self._take("REPLAY_EVENTS", Settings.replay_events, whole(1, 1_000_000)),
            demo_rate=self._take("DEMO_RATE", Settings.demo_rate, setting_checks.demo_rate),
            demo_seed=self._take("DEMO_SEED", Settings.demo_seed, whole(0, 2**32)),
            user=self._take("USER", Settings.user, setting_checks.user),
        )
        self._faults += settings.jwt.faults(settings.access) + settings.identity_proxy.faults()
        self._faults += settings.oidc.faults(settings.public_url) + settings.retention.faults(settings.store)
        others = (*settings.listen, *settings.redirect_listen)
        self._faults += settings.client_ca.faults(settings.access, has_tls=settings.has_tls, others=others)
        self._faults += [f"{PREFIX}{name} is not a setting{_HINT}" for name in sorted(self._unread)]
        if self._faults:
            raise SettingsError(self._faults)
        return settings

    def _consumers(self) -> tuple[Consumer, ...]:
        declared = self._take("CONSUMERS", Settings.consumers, consumers.parse)
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
