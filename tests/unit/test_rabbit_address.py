"""URLs of the RabbitMQ engine: several hosts, IPv6 addresses, escaped characters, and faults without the password."""

from __future__ import annotations

import pytest

from tradewire.errors import SettingsError
from tradewire.queue.rabbit.address import Address, parse
from tradewire.queue.rabbit.link import RefusedError, check_version
from tradewire.setting import BadUrl
from tradewire.settings import Settings


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("one", ("one:5672",)),
        ("one,two:5673,three", ("one:5672", "two:5673", "three:5672")),
        ("10.0.0.1:1,10.0.0.2", ("10.0.0.1:1", "10.0.0.2:5672")),
        ("[::1]", ("[::1]:5672",)),
        ("[2001:db8::1]:5673,one,[::1]:5672", ("[2001:db8::1]:5673", "one:5672", "[::1]:5672")),
        ("one,one:5672", ("one:5672",)),
    ],
)
def test_the_hosts_of_a_url_are_all_nodes_each_with_its_port(hosts: str, expected: tuple[str, ...]) -> None:
    assert parse(f"amqp://user:password@{hosts}/trades").hosts == expected


def test_the_other_parts_are_unescaped() -> None:
    address = parse("amqp://us%40er:p%3A%2F%3F%23%C3%A4@one/%2F")
    assert address == Address(("one:5672",), "us@er", "p:/?#ä", "/")


@pytest.mark.parametrize(("query", "seconds"), [("", 5), ("?answer_seconds=1", 1), ("?answer_seconds=60", 60)])
def test_a_url_says_how_long_to_wait_for_each_answer(query: str, seconds: int) -> None:
    assert parse(f"amqp://user:password@one/trades{query}").answer_seconds == seconds


@pytest.mark.parametrize(
    "url",
    [
        "amqp://one/trades",
        "amqp://user@one/trades",
        "amqp://user:s3cret@one",
        "amqp://user:s3cret@one/",
        "amqp://user:s3cret@/trades",
        "amqp://user:s3cret@one,/trades",
        "amqp://user:s3cret@one:0/trades",
        "amqp://user:s3cret@one:65536/trades",
        "amqp://user:s3cret@one:port/trades",
        "amqp://user:s3cret@::1/trades",
        "amqp://user:s3cret@one/a/b",
        "amqp://user:s3cret@one/trades?heartbeat=1",
        "amqp://user:s3cret@one/trades?answer_seconds=",
        "amqp://user:s3cret@one/trades?answer_seconds=0",
        "amqp://user:s3cret@one/trades?answer_seconds=61",
        "amqp://user:s3cret@one/trades?answer_seconds=5&heartbeat=1",
        "amqp://user:s3c@ret@one/trades",
        "amqp:user:s3cret@one/trades",
    ],
)
def test_a_wrong_url_is_refused_without_repeating_any_part_of_it(url: str) -> None:
    with pytest.raises(BadUrl) as caught:
        parse(url)
    assert "s3c" not in str(caught.value)
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"TRADEWIRE_QUEUE_URL": url})
    assert "s3c" not in str(refused.value)


def test_tls_is_refused_as_long_as_the_engine_does_not_speak_it() -> None:
    with pytest.raises(SettingsError, match="amqp://USER:PASSWORD@HOST"):
        Settings.from_env({"TRADEWIRE_QUEUE_URL": "amqps://user:password@one/trades"})


def test_an_address_shows_only_its_hosts() -> None:
    assert repr(parse("amqp://user:s3cret@one,two/trades")) == "Address(one:5672, two:5672)"


@pytest.mark.parametrize("version", ["4.0.5", "4.2.1", "10.0.0"])
def test_rabbitmq_4_and_newer_are_taken(version: str) -> None:
    check_version({"version": version})


@pytest.mark.parametrize("version", ["3.10.8", "3.13.7", "", "unknown"])
def test_an_older_or_unknown_server_is_refused(version: str) -> None:
    with pytest.raises(RefusedError, match=r"RabbitMQ is older than 4\.0"):
        check_version({"version": version})
