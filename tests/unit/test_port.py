"""Where nginx listens, whether it can, and which addresses have an nginx of their own."""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

import pytest

from deploy import port, render
from deploy.console import Failure
from tests.support import free_port, needs_ipv6
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_is_taken_is_a_failure_that_names_the_process(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        named = rf"can't listen on 127\.0\.0\.1:{number}: .* held by .* \(process {os.getpid()}\)"
        with pytest.raises(Failure, match=named):
            port.check([f"{host}:{number}"])


@needs_ipv6
def test_a_port_that_is_taken_on_one_of_several_addresses_is_a_failure_that_names_the_address() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        number = taken.getsockname()[1]
        for listen in ([f"127.0.0.1:{number}", f"[::1]:{number}"], [f"localhost:{number}"]):
            with pytest.raises(Failure, match=rf"can't listen on \[::1\]:{number}: .* \(process {os.getpid()}\)"):
                port.check(listen)


@pytest.mark.parametrize("listen", ["127.0.0.1:{0},127.1:{0}", "0.0.0.0:{0},127.1:{0}", "localhost:{0},127.1:{0}"])
def test_an_address_that_is_listed_again_as_a_name_is_a_failure(listen: str) -> None:
    with pytest.raises(Failure, match="Address already in use; another address of the list includes it"):
        port.check(listen.format(free_port()).split(","))


@needs_ipv6
@pytest.mark.parametrize(
    "listen",
    [
        "0.0.0.0:{0},127.0.0.1:{0}",
        "[::]:{0},[::1]:{0}",
        "localhost:{0},[::]:{0}",
        "[::1]:{0},[0::1]:{0}",
        "localhost:{0},localhost:{0}",
        "127.0.0.1:{0},127.0.0.1:{0}",
    ],
)
def test_an_address_may_be_listed_although_another_includes_it(listen: str) -> None:
    port.check(listen.format(free_port()).split(","))


@needs_ipv6
def test_ports_that_are_free_are_left_free() -> None:
    number = free_port()
    for _ in range(2):
        port.check([f"0.0.0.0:{number}", f"[::]:{number}"])


def test_an_address_of_another_machine_is_a_failure() -> None:
    with pytest.raises(Failure, match=r"can't listen on 192\.0\.2\.1:80"):
        port.check([f"127.0.0.1:{free_port()}", "192.0.2.1:80"])


@needs_ipv6
def test_localhost_means_every_loopback_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert port.addresses(["[::]:80", "localhost:81"]) == ["[::]:80", "127.0.0.1:81", "[::1]:81"]
    monkeypatch.setattr(port, "_LOOPBACKS", ("127.0.0.1", "[2001:db8::1]"))  # of a machine without IPv6
    assert port.addresses(["localhost:81"]) == ["127.0.0.1:81"]


@pytest.mark.parametrize(
    ("listen", "programs"),
    [
        (["127.0.0.1:80", "127.1.2.3:80", "[::1]:80"], {"nginx": ["127.0.0.1:80", "127.1.2.3:80", "[::1]:80"]}),
        (["192.0.2.1:80", "trades.example:80"], {"nginx": ["192.0.2.1:80", "trades.example:80"]}),
        (["192.0.2.1:80", "127.0.0.1:81"], {"nginx": ["192.0.2.1:80"], "nginx-loopback": ["127.0.0.1:81"]}),
        (["0.0.0.0:80"], {"nginx": ["0.0.0.0:80"], "nginx-loopback": ["127.0.0.1:80"]}),
        pytest.param(
            ["0.0.0.0:80", "[::]:81"],
            {"nginx": ["0.0.0.0:80", "[::]:81"], "nginx-loopback": ["127.0.0.1:80", "[::1]:81"]},
            marks=needs_ipv6,
        ),
        pytest.param(
            ["[0:0::0]:80", "[0::1]:81"],
            {"nginx": ["[::]:80"], "nginx-loopback": ["[::1]:81", "[::1]:80"]},
            marks=needs_ipv6,
        ),
        (["127.0.0.1:80", "127.0.0.1:80"], {"nginx": ["127.0.0.1:80"]}),
        (
            ["127.0.0.1:80", "0.0.0.0:80", "192.0.2.1:80", "192.0.2.1:81", "trades.example:80"],
            {"nginx": ["0.0.0.0:80", "192.0.2.1:81", "trades.example:80"], "nginx-loopback": ["127.0.0.1:80"]},
        ),
        (["0.0.0.0:80", "127.0.0.5:80"], {"nginx": ["0.0.0.0:80"], "nginx-loopback": ["127.0.0.5:80", "127.0.0.1:80"]}),
        pytest.param(
            ["[::]:80", "[::1]:80", "[2001:db8::1]:80"],
            {"nginx": ["[::]:80"], "nginx-loopback": ["[::1]:80"]},
            marks=needs_ipv6,
        ),
        pytest.param(
            ["[::]:80", "localhost:80"],
            {"nginx": ["[::]:80"], "nginx-loopback": ["127.0.0.1:80", "[::1]:80"]},
            marks=needs_ipv6,
        ),
    ],
)
def test_loopback_has_an_nginx_of_its_own_if_other_machines_reach_the_stack(
    tmp_path: Path, listen: list[str], programs: dict[str, list[str]]
) -> None:
    settings = Settings(home=tmp_path, listen=tuple(listen))
    assert port.nginx_programs(listen) == programs
    assert [name for name in render.programs(settings) if name.startswith("nginx")] == [*programs]
    rendered = render.render(settings)
    assert re.findall(r"^\[program:(nginx.*)\]", rendered["supervisord.conf"], re.MULTILINE) == [*programs]
    for name, addresses in programs.items():
        assert re.findall(r"^ +listen (\S+)", rendered[f"{name}.conf"], re.MULTILINE) == addresses
