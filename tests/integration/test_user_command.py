"""deploy/user adds, lists, changes and removes users, whether the stack runs or not."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import ROOT, audited, wait_until
from tradewire.access import key, key_file, password
from tradewire.access.key import Role
from tradewire.access.user import FILE, User
from tradewire.settings import Settings

FIRST = "correct horse battery"
SECOND = "staple of café words"
LOCKS = Path("/proc/locks")


@pytest.fixture
def started(home: Path) -> Path:
    """Give a home in which a stack was started before."""
    (home / "access").mkdir()
    (home / "audit").mkdir(mode=0o700)
    (home / "conf").mkdir()
    (home / "conf/settings").write_text("TRADEWIRE_ACCESS=keys\n")
    return home


def environ(home: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}
    return own | {"TRADEWIRE_HOME": str(home), "TRADEWIRE_USER": "nobody"}


def run(
    home: Path, *arguments: str, typed: bytes = f"{FIRST}\n".encode(), command: str = "user"
) -> subprocess.CompletedProcess[bytes]:
    """Run the command for a home, with a password on standard input."""
    return subprocess.run(
        [ROOT / "deploy" / command, *arguments], env=environ(home), input=typed, capture_output=True, check=False
    )


def done(home: Path, *arguments: str, typed: bytes = f"{FIRST}\n".encode()) -> str:
    """Run the command. Return what it says."""
    finished = run(home, *arguments, typed=typed)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.decode()


def users(home: Path) -> list[User]:
    return FILE.read(Settings(home=home).users)


@pytest.mark.parametrize("access", ["keys", "proxy", "open"])
def test_only_if_users_can_not_log_in_to_the_stack_as_it_was_started_the_command_says_so(
    started: Path, access: str
) -> None:
    (started / "conf/settings").write_text(f"TRADEWIRE_ACCESS={access}\n")
    said = done(started, "add", "alice", "--role", "viewer")
    assert (f"Access is {access}, so no user logs in here." in said) == (access != "keys")
    assert ("logs in" in said) == (access != "keys")


def test_a_user_is_added_with_roles_and_a_password_that_no_file_or_list_shows(started: Path) -> None:
    done(started, "add", "alice", "--role", "viewer", "--role", "operator,monitor")
    [alice] = users(started)
    assert (alice.name, alice.roles) == ("alice", frozenset({Role.VIEWER, Role.OPERATOR, Role.MONITOR}))
    assert password.matches(alice.password, FIRST)
    shown = done(started, "list")
    assert [line.split()[:2] for line in shown.splitlines()] == [
        ["NAME", "ROLES"],
        ["alice", "monitor,operator,viewer"],
    ]
    assert FIRST not in shown + Settings(home=started).users.read_text()
    assert alice.password not in shown


def test_roles_passwords_and_sessions_are_changed_and_a_user_is_removed(started: Path) -> None:
    done(started, "add", "alice", "--role", "viewer")
    done(started, "add", "bob", "--role", "viewer")
    generations = [users(started)[0].generation]
    done(started, "roles", "alice", "--role", "operator")
    assert [(each.name, each.roles) for each in users(started)] == [
        ("alice", frozenset({Role.OPERATOR})),
        ("bob", frozenset({Role.VIEWER})),
    ]
    assert users(started)[0].generation == generations[0]
    for command in ("password", "logout"):
        done(started, command, "alice", typed=f"{SECOND}\r\n".encode())
        generations.append(users(started)[0].generation)
    assert len(set(generations)) == 3
    assert password.matches(users(started)[0].password, SECOND)
    done(started, "remove", "alice")
    assert [each.name for each in users(started)] == ["bob"]


@pytest.mark.parametrize(("again", "is_added"), [(FIRST, True), (SECOND, False)])
def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    started: Path, again: str, *, is_added: bool
) -> None:
    ours, theirs = pty.openpty()
    command = [str(ROOT / "deploy/user"), "add", "alice", "--role", "viewer"]
    with subprocess.Popen(
        command, env=environ(started), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = b""
        for question, answer in ((b"New password: ", FIRST), (b"Again: ", again)):
            while question not in shown:
                shown += os.read(ours, 1000)
            os.write(ours, f"{answer}\n".encode())
        status = process.wait()
        try:
            while chunk := os.read(ours, 1000):
                shown += chunk
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert (status == 0, len(users(started)) == 1) == (is_added, is_added)
    assert FIRST.encode() not in shown
    assert is_added or b"the two passwords differ" in shown


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        ((), b"", "the following arguments are required"),
        (("add", "carol"), b"", "required: --role"),
        (("add", "carol", "--role", "king"), b"", "expected one or more of producer, viewer"),
        (("add", "ca rol", "--role", "viewer"), b"", "expected 1 to 64 letters"),
        (("add", "operator", "--role", "viewer"), b"", "operator is the name of the operator token's holder"),
        (("add", "carol", "--role", "viewer"), b"too short 1\n", "12 to 1024 characters, not 11"),
        (("add", "carol", "--role", "viewer"), b"", "characters, not 0"),
        (("add", "carol", "--role", "viewer"), b"x" * 1025, "characters, not 1025"),
        (("add", "carol", "--role", "viewer"), b"\xff" * 20, "is not UTF-8"),
        (("add", "alice", "--role", "viewer"), b"", "there is a user of the name alice"),
        (("add", "desk", "--role", "viewer"), b"", "there is a key of the name desk"),
        (("password", "nobody"), b"", "there is no user of the name nobody"),
        (("roles", "nobody", "--role", "viewer"), b"", "there is no user of the name nobody"),
        (("remove", "nobody"), b"", "there is no user of the name nobody"),
        (("list", "alice"), b"", "unrecognized arguments"),
    ],
)  # fmt: skip
def test_a_wrong_argument_or_password_is_explained_and_changes_nothing(
    started: Path, arguments: tuple[str, ...], typed: bytes, said: str
) -> None:
    done(started, "add", "alice", "--role", "viewer")
    assert run(started, "add", "desk", "--role", "viewer", command="key").returncode == 0
    before = users(started)
    finished = run(started, *arguments, typed=typed)
    assert (finished.returncode, finished.stdout) == (1, b"")
    assert said in finished.stderr.decode()
    assert "Traceback" not in finished.stderr.decode()
    assert users(started) == before


def test_no_key_gets_the_name_of_a_user(started: Path) -> None:
    done(started, "add", "alice", "--role", "viewer")
    finished = run(started, "add", "alice", "--role", "viewer", command="key")
    assert (finished.returncode, b"there is a user of the name alice" in finished.stderr) == (1, True)


def waits_for_a_lock(pid: int) -> bool:
    return any(line.split()[1] == "->" and line.split()[5] == f"{pid}" for line in LOCKS.read_text().splitlines())


def test_no_user_gets_the_name_of_a_key_that_is_just_being_made(started: Path) -> None:
    made, _ = key.make("alice", [Role.VIEWER], now=1, slot=0)
    command = [str(ROOT / "deploy/user"), "add", "alice", "--role", "viewer"]
    process = subprocess.Popen(command, env=environ(started), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    with key_file.changing(Settings(home=started).keys, None) as keys:
        assert process.stdin is not None
        process.stdin.write(f"{FIRST}\n".encode())
        process.stdin.flush()
        wait_until(lambda: waits_for_a_lock(process.pid) or process.poll() is not None, "it waits for its turn")
        keys.append(made)
    _, said = process.communicate()
    assert (process.returncode, b"there is a key of the name alice" in said) == (1, True)
    assert users(started) == []


def test_without_a_stack_there_are_no_users(home: Path) -> None:
    finished = run(home, "list")
    assert (finished.returncode, b"no stack was ever started" in finished.stderr) == (1, True)


def test_a_damaged_file_is_reported_and_not_overwritten(started: Path) -> None:
    path = Settings(home=started).users
    path.write_text("damaged")
    for arguments in (("list",), ("add", "alice", "--role", "viewer"), ("remove", "alice")):
        finished = run(started, *arguments)
        assert (finished.returncode, b"users.json is damaged" in finished.stderr) == (1, True)
    assert path.read_text() == "damaged"


def test_a_new_user_is_as_old_as_the_clock_says(started: Path) -> None:
    before = int(time.time())
    done(started, "add", "alice", "--role", "viewer")
    assert before <= users(started)[0].created <= time.time()


def test_each_change_of_users_is_recorded_without_a_password(started: Path) -> None:
    done(started, "add", "alice", "--role", "viewer")
    done(started, "roles", "alice", "--role", "operator")
    done(started, "password", "alice", typed=f"{SECOND}\n".encode())
    done(started, "logout", "alice")
    done(started, "remove", "alice")
    records = audited(started)
    actions = ("user-added", "user-roles-changed", "user-password-changed", "user-logged-out", "user-removed")
    assert [(each["action"], each["result"]) for each in records] == [
        (action, result) for action in actions for result in ("begun", "done")
    ]
    assert [each["details"]["roles"] for each in records[1::2]] == [["viewer"], *[["operator"]] * 4]
    assert {each["details"]["name"] for each in records} == {"alice"}
    text = (started / "audit/trail.jsonl").read_text()
    assert not any(secret in text for secret in (FIRST, SECOND, "argon2"))


def test_users_are_not_changed_if_the_trail_takes_no_record(started: Path) -> None:
    (started / "audit/trail.jsonl").mkdir()
    finished = run(started, "add", "alice", "--role", "viewer")
    assert finished.returncode == 1
    assert b"user-added can't be recorded in the audit trail, so nothing was changed" in finished.stderr
    assert users(started) == []
