"""The settings: defaults, valid and invalid values, and the report of all faults at once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tradewire.consumers import archive
from tradewire.errors import SettingsError
from tradewire.setting import Setting
from tradewire.settings import Settings


def read(**variables: str) -> Settings:
    """Read settings from these variables, named without the TRADEWIRE_ prefix."""
    return Settings.from_env({f"TRADEWIRE_{name}": value for name, value in variables.items()})


def faults(**variables: str) -> tuple[str, ...]:
    """Return the faults of these variables."""
    try:
        read(**variables)
    except SettingsError as error:
        return error.faults
    return ()


def test_an_empty_environment_gives_the_defaults(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert Settings.from_env({}) == Settings(home=home / "var")
    assert read().listen == ("127.0.0.1:8080",)
    assert (read().rate_limit, read().tubes) == (50, ("live", "archive"))


@pytest.mark.parametrize("value", ["", "  ", "\t"])
def test_an_empty_variable_gives_the_default(value: str) -> None:
    assert read(LISTEN=value, RATE_LIMIT=value, LIVE_PROCESSORS=value) == read()


def test_variables_of_other_programs_are_ignored() -> None:
    others = {"PATH": "/bin", "tradewire_rate": "x", "X_TRADEWIRE_RATE": "x", "TRADEWIRED": "x"}
    assert Settings.from_env(others) == read()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("HOME", "/srv/tw", Path("/srv/tw")),
        ("HOME", "/srv/a.b/c_d-e@f+g", Path("/srv/a.b/c_d-e@f+g")),
        ("LISTEN", "0.0.0.0:80", "0.0.0.0:80"),
        ("LISTEN", " localhost:65535 ", "localhost:65535"),
        ("LISTEN", "[::1]:1", "[::1]:1"),
        ("LISTEN", "0.0.0.0:80, [::]:80 ,localhost:8080", "0.0.0.0:80,[::]:80,localhost:8080"),
        ("ACCESS", "open", "open"),
        ("ACCESS", " keys ", "keys"),
        ("HOSTS", "trades.example", "trades.example"),
        ("HOSTS", " A.Example, [2001:DB8:0:0::1] ,10.0.0.1,a.example", "a.example,[2001:db8::1],10.0.0.1"),
        ("PUBLIC_URL", "https://trades.example", "https://trades.example"),
        ("PUBLIC_URL", "https://Trades.Example:443/", "https://trades.example"),
        ("PUBLIC_URL", "http://trades.example:80", "http://trades.example"),
        ("PUBLIC_URL", "https://Trades.Example/tw/", "https://trades.example/tw"),
        ("PUBLIC_URL", "http://trades.example:80/a/B-1.2", "http://trades.example/a/B-1.2"),
        ("PUBLIC_URL", "http://trades.example:443", "http://trades.example:443"),
        ("PUBLIC_URL", "http://[2001:DB8:0:0::1]:8080", "http://[2001:db8::1]:8080"),
        ("RATE_LIMIT", "1r/s", 1),
        ("RATE_LIMIT", "999999r/s", 999_999),
        ("RATE_LIMIT", "off", 0),
        ("QUEUE_URL", "beanstalk://queue.example:11300", "beanstalk://queue.example:11300"),
        ("QUEUE_URL", "beanstalk://[::1]:11300", "beanstalk://[::1]:11300"),
        ("QUEUE_URL", "beanstalk:///run/b.sock", "beanstalk:///run/b.sock"),
        ("QUEUE_MAX_BYTES", "10000000", 10**7),
        ("QUEUE_MAX_BYTES", "10000000000000", 10**13),
        ("QUEUE_FSYNC_MS", "0", 0),
        ("QUEUE_FSYNC_MS", "60000", 60_000),
        ("STORE_URL", "sqlite:////srv/archive.db", "sqlite:////srv/archive.db"),
        ("STORE_URL", "postgresql://tw:secret@db.example/tradewire", "postgresql://tw:secret@db.example/tradewire"),
        ("STORE_URL", "postgresql://tw@/tradewire?host=/run/pg", "postgresql://tw@/tradewire?host=/run/pg"),
        ("LIVE_MAX_AGE_SECONDS", "1", 1),
        ("LIVE_MAX_AGE_SECONDS", "10000000", 10**7),
        ("LIVE_PROCESSORS", "1", 1),
        ("LIVE_PROCESSORS", "8", 8),
        ("BACKUP_FOLDER", "/backup/tradewire", "/backup/tradewire"),
        ("BACKUP_EVERY_HOURS", "8784", 8784),
        ("BACKUP_RECIPIENT", f"age1{'q' * 58}", f"age1{'q' * 58}"),
        ("EXTRA_CURRENCIES", "BTC", "BTC"),
        ("EXTRA_CURRENCIES", " CNH, BTC ,CNH", "CNH,BTC"),
        ("CONSUMERS", "archive", "archive"),
        ("CONSUMERS", " archive , live ", "archive,live"),
        ("API_WORKERS", "64", 64),
        ("MAX_BROWSERS", "100000", 100_000),
        ("MAX_CONNECTIONS_PER_ADDRESS", "1", 1),
        ("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8 ,[::1],127.0.0.1", "127.0.0.1/32,10.0.0.0/8,::1/128"),
        ("TRUSTED_PROXIES", "2001:DB8::/32", "2001:db8::/32"),
        ("TRUSTED_PROXIES", "[::ffff:10.0.0.7],::ffff:10.0.0.0/104,10.0.0.7", "10.0.0.7/32,10.0.0.0/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,172.16.0.0/12,fc00::/7", "10.0.0.0/8,172.16.0.0/12,fc00::/7"),
        ("TRUSTED_PROXIES", "104.16.0.0/13,2600:9000::/28,2400::/16", "104.16.0.0/13,2600:9000::/28,2400::/16"),
        ("MAX_POSTS_PER_ADDRESS", "1", 1),
        ("MAX_POSTS_PER_ADDRESS", "10000", 10_000),
        ("MAX_POSTS", "512", 512),
        ("MAX_POSTS", "10000", 10_000),
        ("MAX_BROWSERS_PER_ADDRESS", "1", 1),
        ("MAX_BROWSERS_PER_PRINCIPAL", "1", 1),
        ("REPLAY_EVENTS", "1000000", 1_000_000),
        ("DEMO_RATE", "0.001", 0.001),
        ("DEMO_RATE", "99999", 99_999.0),
        ("DEMO_SEED", "0", 0),
        ("USER", "www-data", "www-data"),
        ("USER", "_tw1", "_tw1"),
    ],
)
def test_a_valid_value_is_accepted(name: str, text: str, expected: object) -> None:
    assert read(**{"ACCESS": "open", name: text}).variables()[f"TRADEWIRE_{name}"] == expected


def test_the_settings_of_tls_are_accepted_together() -> None:
    given = {"TLS_CERT": "/etc/a.b_c@d+e.pem", "TLS_KEY": " /etc/key.pem ", "REDIRECT_LISTEN": "127.0.0.1:80, [::1]:80"}
    settings = read(**given)
    assert (settings.tls_cert, settings.tls_key, settings.has_tls) == ("/etc/a.b_c@d+e.pem", "/etc/key.pem", True)
    assert settings.variables()["TRADEWIRE_REDIRECT_LISTEN"] == "127.0.0.1:80,[::1]:80"
    assert not read().has_tls


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HOME", "/srv/two words"),
        ("HOME", "/srv/quote'"),
        ("HOME", "/srv/$HOME"),
        ("HOME", "~/tradewire"),
        ("HOME", "/srv/é"),
        ("LISTEN", "8080"),
        ("LISTEN", ":8080"),
        ("LISTEN", "127.0.0.1"),
        ("LISTEN", "127.0.0.1:0"),
        ("LISTEN", "127.0.0.1:65536"),
        ("LISTEN", "127.0.0.1:http"),
        ("LISTEN", "::1:8080"),
        ("LISTEN", "127.0.0.1:80; root /"),
        ("LISTEN", "127.0.0.1:80\n:81"),
        ("LISTEN", "127.0.0.1:٨٠"),
        ("LISTEN", "127.0.0.1:80,"),
        ("LISTEN", "127.0.0.1:80;[::1]:80"),
        ("LISTEN", "127.0.0.1:80,8080"),
        ("LISTEN", "[1:2]:80"),
        ("LISTEN", "trades..example:80"),
        ("HOSTS", "trades.example:8080"),
        ("HOSTS", "http://trades.example"),
        ("HOSTS", "*.example"),
        ("HOSTS", "trades.example."),
        ("HOSTS", "2001:db8::1"),
        ("HOSTS", "[2001:db8::1"),
        ("HOSTS", "[1:2]"),
        ("HOSTS", "[fe80::1%eth0]"),
        ("HOSTS", "trades.example,"),
        ("HOSTS", 'trades.example" 1; x'),
        ("PUBLIC_URL", "trades.example"),
        ("PUBLIC_URL", "ftp://trades.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://trades.example/a//b"),
        ("PUBLIC_URL", "https://trades.example/../tw"),
        ("PUBLIC_URL", "https://trades.example/tw?a=b"),
        ("PUBLIC_URL", "https://trades.example/t'w"),
        ("PUBLIC_URL", "https://trades.example:0"),
        ("PUBLIC_URL", "https://trades.example:65536"),
        ("PUBLIC_URL", "https://trades..example"),
        ("PUBLIC_URL", "https://user@trades.example"),
        ("PUBLIC_URL", "https://[1:2]"),
        ("PUBLIC_URL", 'https://trades.example" 0; x'),
        ("RATE_LIMIT", "50"),
        ("RATE_LIMIT", "0r/s"),
        ("RATE_LIMIT", "-1r/s"),
        ("RATE_LIMIT", "50r/m"),
        ("RATE_LIMIT", "OFF"),
        ("RATE_LIMIT", "1000000r/s"),
        ("QUEUE_URL", "beanstalk://"),
        ("QUEUE_URL", "beanstalk:relative.sock"),
        ("QUEUE_URL", "beanstalk://host"),
        ("QUEUE_URL", "beanstalk://:11300"),
        ("QUEUE_URL", "beanstalk://host:0"),
        ("QUEUE_URL", "beanstalk://host:65536"),
        ("QUEUE_URL", "beanstalk://host:11300/path"),
        ("QUEUE_URL", "beanstalk://[::1:11300"),
        ("QUEUE_URL", "redis://host:6379"),
        ("QUEUE_URL", "host:11300"),
        ("QUEUE_MAX_BYTES", "9999999"),
        ("QUEUE_MAX_BYTES", "1G"),
        ("QUEUE_FSYNC_MS", "60001"),
        ("QUEUE_FSYNC_MS", "-1"),
        ("STORE_URL", "sqlite://"),
        ("STORE_URL", "sqlite:///relative.db"),
        ("STORE_URL", "sqlite:////"),
        ("STORE_URL", "sqlite://host/archive.db"),
        ("STORE_URL", "sqlite:////srv/archive.db?mode=ro"),
        ("STORE_URL", "postgresql://tw@host"),
        ("STORE_URL", "postgresql://tw@host/"),
        ("STORE_URL", "postgresql+asyncpg://tw@host/tradewire"),
        ("STORE_URL", "postgresql://tw@host:65536/tradewire"),
        ("STORE_URL", "postgresql://tw@host:port/tradewire"),
        ("STORE_URL", "postgres://tw@host/tradewire"),
        ("STORE_URL", "mysql://tw@host/tradewire"),
        ("STORE_URL", "/srv/archive.db"),
        ("LIVE_MAX_AGE_SECONDS", "0"),
        ("LIVE_MAX_AGE_SECONDS", "10000001"),
        ("LIVE_MAX_AGE_SECONDS", "1h"),
        ("LIVE_PROCESSORS", "0"),
        ("LIVE_PROCESSORS", "9"),
        ("LIVE_PROCESSORS", "1.0"),
        ("LIVE_PROCESSORS", "٣"),
        ("LIVE_PROCESSORS", "9" * 5000),
        ("EXTRA_CURRENCIES", ","),
        ("EXTRA_CURRENCIES", "btc"),
        ("EXTRA_CURRENCIES", "USDT"),
        ("EXTRA_CURRENCIES", "B1C"),
        ("EXTRA_CURRENCIES", "CNH BTC"),
        ("CONSUMERS", ","),
        ("CONSUMERS", "live"),
        ("CONSUMERS", "archive,live,archive"),
        ("CONSUMERS", "archive,nothing"),
        ("CONSUMERS", "archive;live"),
        ("AUDIT_SYSLOG", "dev/log"),
        ("AUDIT_SYSLOG", "host"),
        ("AUDIT_SYSLOG", "host:0"),
        ("AUDIT_SYSLOG", "host:65536"),
        ("AUDIT_SYSLOG", "udp://host:514"),
        ("API_WORKERS", "0"),
        ("API_WORKERS", "65"),
        ("MAX_BROWSERS", "0"),
        ("MAX_BROWSERS", "100001"),
        ("MAX_CONNECTIONS_PER_ADDRESS", "0"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "127.0.0.1,"),
        ("TRUSTED_PROXIES", "127.0.0.1;"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("TRUSTED_PROXIES", "0.0.0.0/1"),
        ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/7"),
        ("TRUSTED_PROXIES", "8000::/1"),
        ("TRUSTED_PROXIES", "2000::/3"),
        ("TRUSTED_PROXIES", "fc00::/6"),
        ("TRUSTED_PROXIES", "2400::/15"),
        ("TRUSTED_PROXIES", "::ffff:0:0/96"),
        ("TRUSTED_PROXIES", "::/64"),
        ("TRUSTED_PROXIES", "fe80::1%eth0"),
        ("MAX_POSTS_PER_ADDRESS", "0"),
        ("MAX_POSTS_PER_ADDRESS", "10001"),
        ("MAX_POSTS", "511"),
        ("MAX_POSTS", "10001"),
        ("MAX_BROWSERS_PER_ADDRESS", "0"),
        ("MAX_BROWSERS_PER_PRINCIPAL", "0"),
        ("REPLAY_EVENTS", "0"),
        ("REPLAY_EVENTS", "1000001"),
        ("DEMO_RATE", "0"),
        ("DEMO_RATE", "nan"),
        ("DEMO_RATE", "1e3"),
        ("DEMO_SEED", "4294967297"),
        ("USER", "root"),
        ("USER", "Tradewire"),
        ("USER", "two words"),
        ("USER", "0"),
    ],
)
def test_an_invalid_value_is_refused_with_the_name_and_the_value_unless_it_is_a_url(name: str, text: str) -> None:
    (fault,) = faults(**{name: text})
    shown = "" if name.endswith("_URL") else f"={text!r}"
    assert fault.startswith(f"TRADEWIRE_{name}{shown} can't be used: ")


def test_a_network_of_proxies_that_is_too_wide_is_named_with_the_bounds() -> None:
    [fault] = faults(TRUSTED_PROXIES="10.0.0.7,0.0.0.0/1")
    assert fault.endswith(
        "each address of 0.0.0.0/1 could name any client: expected networks of at most /8 (IPv4) or /16 (IPv6)"
    )


@pytest.mark.parametrize("name", ["STORE_URL", "QUEUE_URL"])
@pytest.mark.parametrize(
    "text",
    [
        "postgresql://tw:s3cret#1@db/trades",
        "postgresql://tw:s3cret@1@db/trades",
        "postgresql://tw:12/s3cret@db/trades",
        "postgresql://tw:s3cret?@db/trades",
        "postgresql://tw:s3cret@db:s3cret/trades",
        "postgresql://tw:s3cret[@db/trades",
        "postgres://tw:s3cret@db/trades",
        "beanstalk://tw:s3cret@db:port",
        "beanstalk://tw:s3cret@db:11300",
        "s3cret",
        "s3cret://db",
    ],
)
def test_no_part_of_a_url_is_shown(name: str, text: str) -> None:
    (fault,) = faults(**{name: text})
    assert fault.startswith(f"TRADEWIRE_{name} can't be used: ")
    assert "s3cret" not in fault


def test_no_part_of_a_consumers_url_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> str:
        raise ValueError(f"{text} is no URL")

    declared = Setting("URL", None, parse)
    enabled = (replace(archive.CONSUMER, settings=(declared,)),)
    monkeypatch.setattr("tradewire.consumers.parse", lambda _: enabled)
    (fault,) = faults(CONSUMERS="archive", ARCHIVE_URL="https://tw:s3cret@host")
    assert fault == "TRADEWIRE_ARCHIVE_URL can't be used: it is not a valid URL"


def test_all_faults_are_reported_at_once() -> None:
    reported = faults(LISTEN="x", RATE_LIMIT="x", LIVE_PROCESSORS="x", TYPO="x", ANOTHER="x")
    names = [re.split(r"[= ]", fault)[0].removeprefix("TRADEWIRE_") for fault in reported]
    assert names == ["LISTEN", "RATE_LIMIT", "LIVE_PROCESSORS", "ANOTHER", "TYPO"]


@pytest.mark.parametrize("value", ["", "x"])
@pytest.mark.parametrize("name", ["", "LISTENS", "listen", "LISTEN "])
def test_an_unknown_setting_is_refused_with_any_value(name: str, value: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(f"TRADEWIRE_{name} is not a setting")


def test_the_error_message_names_every_fault() -> None:
    with pytest.raises(SettingsError, match=r"TRADEWIRE_RATE_LIMIT.*TRADEWIRE_TYPO"):
        read(RATE_LIMIT="x", TYPO="x")


def home_with_socket_path_of(length: int) -> str:
    """Return a home directory whose longest socket path has this number of bytes."""
    return "/" + "x" * (length - len("//sock/workers/wsserver.sock"))


def test_a_home_whose_longest_socket_path_just_fits_is_accepted() -> None:
    settings = read(HOME=home_with_socket_path_of(107))
    assert len(bytes(settings.worker_socket)) == 107
    assert len(bytes(settings.browser_socket)) < 107
    assert len(bytes(settings.ingest_socket)) < 107
    assert len(settings.queue.removeprefix("beanstalk://")) < 107


@pytest.mark.parametrize("over", [1, 3])
def test_a_home_that_is_too_long_for_its_sockets_is_refused_with_the_excess(over: int) -> None:
    (fault,) = faults(HOME=home_with_socket_path_of(107 + over))
    assert f"{over} bytes too long" in fault


def test_a_default_home_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 110)
    deep.mkdir()
    monkeypatch.chdir(deep)
    assert len(faults()) == 1


def test_a_relative_home_is_resolved_against_the_working_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert read(HOME="elsewhere").home == home / "elsewhere"


def test_the_default_queue_belongs_to_the_stack_and_is_in_its_home() -> None:
    settings = read(HOME="/srv/tw")
    assert (settings.own_queue, settings.queue) == (True, "beanstalk:///srv/tw/sock/beanstalkd.sock")


def test_an_external_queue_does_not_belong_to_the_stack() -> None:
    settings = read(QUEUE_URL="beanstalk://queue:11300")
    assert (settings.own_queue, settings.queue) == (False, "beanstalk://queue:11300")


def test_the_default_store_is_a_file_in_the_home() -> None:
    assert read(HOME="/srv/tw").store == "sqlite:////srv/tw/store/tradewire.db"


def test_an_external_store_is_reached_by_its_url() -> None:
    assert read(STORE_URL="postgresql://tw@db/tradewire").store == "postgresql://tw@db/tradewire"


@pytest.mark.parametrize("listen", ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80,127.0.0.1:81"])
def test_on_loopback_access_is_open_unless_a_mode_is_set(listen: str) -> None:
    assert read(LISTEN=listen).access == "open"
    assert read(LISTEN=listen, ACCESS="keys").access == "keys"
    assert not read(LISTEN=listen).is_exposed
    assert read(LISTEN=f"{listen},0.0.0.0:82", ACCESS="open").is_exposed


@pytest.mark.parametrize("mode", ["users", "none", "Open", "keys,open"])
def test_another_mode_of_access_is_refused(mode: str) -> None:
    assert faults(ACCESS=mode)[-1] == f"TRADEWIRE_ACCESS={mode!r} can't be used: expected open, keys, proxy or oidc"


def test_settings_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        read().rate_limit = 1  # type: ignore[misc]


def test_figures_are_kept_at_least_as_long_as_messages() -> None:
    assert read(RETENTION_DAYS="30", STATS_RETENTION_DAYS="30").retention.stats_days == 30
    assert read(ARCHIVE_MAX_BYTES="100000000", STATS_RETENTION_DAYS="1").retention.bytes_max == 10**8
    assert "is less than TRADEWIRE_RETENTION_DAYS=30" in faults(RETENTION_DAYS="30", STATS_RETENTION_DAYS="29")[0]
    assert "needs TRADEWIRE_RETENTION_DAYS" in faults(STATS_RETENTION_DAYS="29")[0]


def test_the_size_of_an_archive_is_limited_in_sqlite_alone() -> None:
    url = "postgresql://user@host/database"
    assert "needs SQLite" in faults(ARCHIVE_MAX_BYTES="100000000", STORE_URL=url)[0]
    assert faults(ARCHIVE_MAX_BYTES="0", RETENTION_DAYS="0", STORE_URL=url) == ()
    assert "from 100000000 to" in faults(ARCHIVE_MAX_BYTES="99999999")[0]
