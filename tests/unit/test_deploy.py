"""What deploy/up checks and says without a stack."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import console, hosts, layout, preflight, render, stack, welcome
from deploy.checkout import ROOT, supervise_command
from deploy.console import Failure
from tradewire.consumers import archive, live
from tradewire.errors import SettingsError
from tradewire.settings import Settings

ENTRY_POINTS = {
    "audit",
    "backup",
    "broker",
    "consumer",
    "demo",
    "down",
    "drill",
    "guard",
    "gunicorn_common",
    "key",
    "reload",
    "restore",
    "start",
    "supervisor_states",
    "up",
    "user",
}


def configuration(settings: Settings) -> configparser.RawConfigParser:
    """Give supervisord's configuration for these settings."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=None, comment_prefixes=(";",))
    parser.read_string(render.render(settings)["supervisord.conf"])
    return parser


def faults(settings: Settings) -> tuple[str, ...]:
    """Give what this machine can't do with these settings."""
    with pytest.raises(SettingsError) as raised:
        preflight.check_settings(settings)
    return raised.value.faults


# ---- programs


def test_consumers_leave_the_processor_to_the_live_one_when_it_is_short(home: Path) -> None:
    programs = configuration(Settings(home=home))
    assert " nice -n 5 " in programs["program:archive"]["command"]
    assert "nice" not in programs["program:live-1"]["command"]


# ---- modules


def test_up_down_key_and_reload_need_nothing_but_the_standard_library() -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import deploy.up, deploy.down, deploy.key, deploy.reload"
    subprocess.run([sys.executable, "-IS", "-c", program], check=True)


def test_only_entry_points_read_the_environment() -> None:
    files = [path for path in (ROOT / "deploy").glob("*.py") if "os.environ" in path.read_text()]
    assert {path.stem for path in files} == ENTRY_POINTS


def test_bash_reads_no_setting() -> None:
    for script in ("lib.sh", "up", "down", "broker", "consumer", "key", "reload", "setup", "apt"):
        code = [line for line in (ROOT / "deploy" / script).read_text().splitlines() if not line.startswith("#")]
        assert "TRADEWIRE_" not in "\n".join(code)


# ---- how commands end


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, 0, ""),
        (Failure("it can't", "Do this."), 1, "deploy/x: it can't\nDo this.\n"),
        (OSError(28, "No space left on device", "/srv/a"), 1, "deploy/x: /srv/a: No space left on device\n"),
        (OSError("strange"), 1, "deploy/x: strange\n"),
    ],
)
def test_a_command_exits_with_1_if_it_fails_and_says_what_to_do(
    error: Exception | None, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        if error:
            raise error

    assert console.run("deploy/x", command) == status
    assert capsys.readouterr().err == said


def test_a_command_exits_with_2_for_settings_and_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise SettingsError(["one", "two"])

    assert console.run("deploy/x", command) == 2
    assert capsys.readouterr().err.startswith("one\ntwo\nNothing was started. ")


# ---- checks


def test_a_home_that_does_not_exist_yet_has_no_fault(tmp_path: Path) -> None:
    preflight.check_settings(Settings(home=tmp_path / "a/b"))
    assert list(tmp_path.iterdir()) == []


def test_more_browsers_than_a_process_may_open_files_are_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "raise_file_limit", lambda _: 500)
    [fault] = faults(Settings(home=tmp_path, max_browsers=1000))
    assert fault.startswith("TRADEWIRE_MAX_BROWSERS=1000 needs 1128 file descriptors, and this machine allows 500")


def test_every_folder_that_can_not_be_used_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").symlink_to("elsewhere")
    assert faults(Settings(home=tmp_path)) == tuple(
        f"{tmp_path}/{name} must be a folder, and is something else: move it elsewhere" for name in ("queue", "store")
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_never_taken(tmp_path: Path) -> None:
    for name, owner in (("conf", 65534), ("queue", 0)):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, owner, owner)
    named = faults(Settings(home=tmp_path, user="nobody"))
    assert [fault.split(":")[0] for fault in named] == [
        f"{tmp_path}/conf belongs to nobody, and must belong to root",
        f"{tmp_path}/queue belongs to root, and must belong to nobody",
    ]
    assert named[0].endswith(f"chown -R root {tmp_path}/conf")


def test_a_disk_without_room_for_the_queue_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path / "a")
    monkeypatch.setattr(preflight, "FREE_MB_MIN", 10**9)
    with pytest.raises(Failure, match=f"MB are free in {settings.home}"):
        preflight.check_space(settings)


def test_the_known_hosts_are_those_that_the_stack_listens_on_and_those_of_the_setting() -> None:
    listen = ("0.0.0.0:80", "[::]:80", "Trades.example:80", "[2001:DB8:0::1]:81", "localhost:82")
    settings = Settings(home=Path("/srv/tw"), listen=listen, hosts=("other.example", "trades.example"))
    names = ["trades.example", "[2001:db8::1]", "other.example"]
    assert hosts.known(settings) == ["127.0.0.1", "localhost", "[::1]", *names]


@pytest.mark.parametrize("host", ["public.example", "[2001:db8::2]"])
@pytest.mark.parametrize("port_part", ["", ":8443"])
def test_the_host_of_the_public_url_is_known(host: str, port_part: str) -> None:
    assert host in hosts.known(Settings(home=Path("/srv/tw"), public_url=f"https://{host}{port_part}"))


@pytest.mark.parametrize("address", ["0.0.0.0:80", "[::]:80", "[0:0::0]:80"])
def test_a_wildcard_without_a_host_that_other_machines_can_name_is_warned_about(address: str) -> None:
    settings = Settings(home=Path("/srv/tw"), access="keys", listen=("127.0.0.1:8080", address))
    [warning] = hosts.warnings(settings)
    assert "TRADEWIRE_HOSTS" in warning
    assert not hosts.warnings(replace(settings, hosts=("trades.example",)))
    assert not hosts.warnings(replace(settings, public_url="https://trades.example"))


@pytest.mark.parametrize("address", ["127.0.0.1:80", "localhost:80", "[::1]:80", "192.0.2.1:80", "trades.example:80"])
def test_an_address_that_names_its_host_is_not_warned_about(address: str) -> None:
    assert not hosts.warnings(Settings(home=Path("/srv/tw"), access="keys", listen=(address,)))


@pytest.mark.parametrize(("address", "is_warned"), [("192.0.2.1:80", True), ("127.0.0.1:80", False)])
def test_open_access_is_warned_about_if_other_machines_reach_the_stack(address: str, *, is_warned: bool) -> None:
    warnings = hosts.warnings(Settings(home=Path("/srv/tw"), listen=(address,)))
    assert ["TRADEWIRE_ACCESS is open" in warning for warning in warnings] == [True] * is_warned


# ---- configuration


@pytest.mark.parametrize("queue_url", ["", "beanstalk://queue:11300"])
@pytest.mark.parametrize("processors", [1, 8])
def test_the_programs_that_must_run_are_those_that_supervisord_starts(
    tmp_path: Path, queue_url: str, processors: int
) -> None:
    third = replace(live.CONSUMER, name="third", processors_max=3, processors=2)
    consumers = (replace(live.CONSUMER, processors=processors), third, archive.CONSUMER)
    settings = Settings(home=tmp_path, queue_url=queue_url, consumers=consumers)
    parser = configuration(settings)
    grouped = dict.fromkeys(parser["group:processors"]["programs"].split(","), "processors")
    started = {
        f"{grouped[name]}:{name}" if name in grouped else name
        for section in parser.sections()
        if section.startswith("program:") and parser[section].get("autostart", "True") == "True"
        for name in [section.removeprefix("program:")]
    }
    assert started == set(render.programs(settings))
    assert {"processors:third-1", "processors:third-2", "processors:archive"} < started


def test_every_program_is_supervised_with_a_record_of_its_own_where_deploy_up_looks_for_it(tmp_path: Path) -> None:
    parser = configuration(Settings(home=tmp_path))
    records = set()
    for section in parser.sections():
        kind, _, name = section.partition(":")
        if kind in {"program", "eventlistener"}:
            *supervised, record = parser[section]["command"].split()[: len(supervise_command()) + 1]
            assert supervised == supervise_command()
            own = {"nginx": "run/nginx.pid-record", "guard": stack.GUARD_RECORD}
            assert record == own.get(name, f"{stack.RECORDS}/{name}.pid-record")
            records.add(record)
    assert len(records) == len(
        [section for section in parser.sections() if section.startswith(("program:", "eventlistener:"))]
    )


def test_a_setting_that_differs_is_named_without_its_value(tmp_path: Path) -> None:
    before = Settings(home=tmp_path, store_url="postgresql://a:secret@b/c")
    (tmp_path / "conf").mkdir()
    render.write(before)
    assert render.changes(before) == []
    after = Settings(home=tmp_path, store_url="postgresql://a:other@b/c", api_workers=3)
    assert render.changes(after) == ["TRADEWIRE_API_WORKERS", "TRADEWIRE_STORE_URL"]
    (tmp_path / "conf/nginx.conf").write_text("")
    assert render.changes(before) == ["nginx.conf"]


def test_configuration_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/settings").write_text("")
    render.write(Settings(home=tmp_path))
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "conf").iterdir()} == {0o600}


def test_the_operators_token_outlives_the_stack(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, user="nobody")
    layout.make_token(settings)
    token = settings.operator_token.read_text()
    layout.make_token(settings)
    assert settings.operator_token.read_text() == token


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may act for other users")
def test_a_start_takes_keys_and_users_from_the_programs_even_if_one_has_them_open(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, user="nobody")
    settings.keys.parent.mkdir()
    layout.protect_principals(settings)
    assert not settings.users.exists()
    written = layout.program_account(settings)
    for path in (settings.keys, settings.users):
        path.write_text("as before")
        os.chown(path, written.uid, written.gid)
    with settings.keys.open("a") as opened:
        layout.protect_principals(settings)
        opened.write("changed by an intruder")
    for path in (settings.keys, settings.users):
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (0, written.gid, 0o640)
        assert path.read_text() == "as before"
    before = settings.keys.stat().st_ino
    layout.protect_principals(settings)
    assert settings.keys.stat().st_ino == before


# ---- welcome


@pytest.mark.parametrize(
    ("folder", "path", "shown"),
    [
        ("/srv", "/srv/tw/deploy/down", "tw/deploy/down"),
        ("/srv/tw", "/srv/tw/log", "./log"),
        ("/usr/share", "/srv/tw", "/srv/tw"),
        ("/usr", "/usr", "./."),
    ],
)
def test_a_path_is_shown_from_the_working_folder_if_that_is_shorter(
    monkeypatch: pytest.MonkeyPatch, folder: str, path: str, shown: str
) -> None:
    monkeypatch.setattr(os, "getcwd", lambda: folder)
    assert welcome.short(Path(path)) == shown


def test_the_welcome_names_the_home_only_if_it_is_not_the_usual_one() -> None:
    assert "TRADEWIRE_HOME" not in welcome.welcome(Settings(home=ROOT / "var"))
    assert "TRADEWIRE_HOME=/srv/tw " in welcome.welcome(Settings(home=Path("/srv/tw"), listen=("127.0.0.1:81",)))


def test_the_welcome_names_every_address() -> None:
    text = welcome.welcome(Settings(home=ROOT / "var", listen=("127.0.0.1:81", "[::]:82")))
    assert text.startswith("Tradewire is ready: http://127.0.0.1:81/ and http://[::1]:82/\n")
    assert "curl http://127.0.0.1:81/api/message " in text


def test_the_welcome_shows_how_to_post_with_a_key_if_that_is_needed(home: Path) -> None:
    text = welcome.welcome(Settings(home=home, access="keys"))
    assert "deploy/key add alpha --role producer" in text
    assert "deploy/user add alice --role viewer" in text
    assert 'curl -H "Authorization: Bearer $TOKEN" http://' in text
    assert f"TRADEWIRE_HOME={welcome.short(home)} " in text
    open_text = welcome.welcome(Settings(home=home))
    assert "deploy/key" not in open_text
    assert "curl http://" in open_text
