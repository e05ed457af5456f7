"""deploy/key makes, lists, rotates and revokes API keys, whether the stack runs or not."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.disks import small_disk
from tests.support import ROOT, audited
from tradewire.access import key_file, user
from tradewire.access.key import Role, id_of, matches
from tradewire.audit.trail import Entry, Trail
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400
PAGE_BYTES = 4096
"""A small disk gives a file so many bytes at once."""
ENTRY_BYTES = 300
"""A record without details is a little smaller."""
GROUP = 65534
"""The number of the user and of the group `nobody`."""


@pytest.fixture
def started(home: Path) -> Path:
    """Give a home in which a stack was started before."""
    (home / "access").mkdir()
    (home / "audit").mkdir(mode=0o700)
    return home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command for a home."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}
    return subprocess.run(
        [ROOT / "deploy/key", *arguments],
        env=environ | {"TRADEWIRE_HOME": str(home), "TRADEWIRE_USER": "nobody"},
        capture_output=True,
        text=True,
        check=False,
    )


def token(done: subprocess.CompletedProcess[str]) -> str:
    """Give the token that the command has shown."""
    assert done.returncode == 0, done.stderr
    [shown] = re.findall(r"\btw_\S+", done.stdout)
    return str(shown)


def test_a_key_is_added_with_its_roles_rate_and_time_and_its_token_is_shown_once(started: Path) -> None:
    before = int(time.time())
    roles = ["--role", "producer", "--role", "viewer,monitor"]
    shown = token(run(started, "add", "alpha", *roles, "--rate", "100", "--expires", "90d"))
    path = Settings(home=started).keys
    [key] = key_file.read(path)
    assert (key.name, key.roles, key.rate) == ("alpha", frozenset({Role.PRODUCER, Role.VIEWER, Role.MONITOR}), 100)
    assert key.expires == key.created + 90 * DAY
    assert before <= key.created <= time.time()
    assert key.id == id_of(shown)
    assert matches(key, shown)
    secret = shown.split("_", 2)[2]
    assert secret not in path.read_text() + run(started, "list").stdout


def test_the_list_shows_each_key_with_its_last_use(started: Path) -> None:
    token(run(started, "add", "alpha", "--role", "producer", "--rate", "100", "--expires", "12h"))
    token(run(started, "add", "beta", "--role", "monitor"))
    heading, alpha, beta = run(started, "list").stdout.splitlines()
    assert heading.split() == ["NAME", "ID", "ROLES", "RATE", "CREATED", "EXPIRES", "LAST", "USED"]
    assert re.fullmatch(r"alpha +\w{12} +producer +100/s +\S+Z +\S+Z +never", alpha)
    assert re.fullmatch(r"beta +\w{12} +monitor +- +\S+Z +never +never", beta)


def test_a_rotated_key_is_good_for_24_hours_beside_the_new_one(started: Path) -> None:
    old = token(run(started, "add", "alpha", "--role", "producer", "--rate", "7", "--expires", "90d"))
    new = token(run(started, "rotate", "alpha"))
    first, second = key_file.read(Settings(home=started).keys)
    assert matches(first, old)
    assert matches(second, new)
    assert first.expires is not None
    assert time.time() + DAY - 600 < first.expires <= time.time() + DAY
    assert (second.name, second.roles, second.rate) == ("alpha", frozenset({Role.PRODUCER}), 7)
    assert second.expires == second.created + 90 * DAY
    assert first.slot != second.slot


def test_an_expired_key_is_shown_and_vanishes_when_it_is_rotated(started: Path) -> None:
    token(run(started, "add", "alpha", "--role", "producer"))
    path = Settings(home=started).keys
    with key_file.changing(path, None) as keys:
        keys[0] = keys[0].ending(1)
    assert "(expired)" in run(started, "list").stdout
    new = token(run(started, "rotate", "alpha", "--expires", "1d"))
    [key] = key_file.read(path)
    assert matches(key, new)


def test_revoking_ends_all_keys_of_a_name_and_no_others(started: Path) -> None:
    token(run(started, "add", "alpha", "--role", "producer"))
    token(run(started, "rotate", "alpha"))
    token(run(started, "add", "beta", "--role", "viewer"))
    assert run(started, "revoke", "alpha").returncode == 0
    assert [key.name for key in key_file.read(Settings(home=started).keys)] == ["beta"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required"),
        (("add",), "the following arguments are required"),
        (("add", "alpha"), "required: --role"),
        (("add", "alpha", "--role", "king"), "expected one or more of producer, viewer, exporter"),
        (("add", "alpha", "--role", ""), "expected one or more of"),
        (("add", "al pha", "--role", "viewer"), "expected 1 to 64 letters"),
        (("add", "-alpha", "--role", "viewer"), "deploy/key: "),
        (("add", "a" * 65, "--role", "viewer"), "expected 1 to 64 letters"),
        (("add", "alpha", "--role", "viewer", "--rate", "0"), "expected a whole number of requests"),
        (("add", "alpha", "--role", "viewer", "--rate", "1.5"), "expected a whole number of requests"),
        (("add", "alpha", "--role", "viewer", "--expires", "90"), "expected hours or days"),
        (("add", "alpha", "--role", "viewer", "--expires", "0d"), "expected hours or days"),
        (("rotate", "nobody"), "there is no key of the name nobody"),
        (("revoke", "nobody"), "there is no key of the name nobody"),
        (("list", "alpha"), "unrecognized arguments"),
        (("drop", "alpha"), "invalid choice"),
    ],
)
def test_a_wrong_argument_is_explained_and_changes_nothing(
    started: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(started, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert key_file.read(Settings(home=started).keys) == []


def test_a_name_has_one_key_until_it_is_rotated(started: Path) -> None:
    token(run(started, "add", "alpha", "--role", "producer"))
    done = run(started, "add", "alpha", "--role", "viewer")
    assert done.returncode == 1
    assert "there is a key of the name alpha" in done.stderr


def test_without_a_stack_there_are_no_keys(home: Path) -> None:
    done = run(home, "list")
    assert done.returncode == 1
    assert "no stack was ever started" in done.stderr


def test_a_damaged_file_is_reported_and_not_overwritten(started: Path) -> None:
    path = Settings(home=started).keys
    path.write_text("damaged")
    for arguments in (("list",), ("add", "alpha", "--role", "viewer"), ("revoke", "alpha")):
        done = run(started, *arguments)
        assert (done.returncode, "keys.json is damaged" in done.stderr) == (1, True)
    assert path.read_text() == "damaged"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may act for other users")
@pytest.mark.parametrize("kind", ["keys", "users"])
def test_the_programs_may_read_keys_and_users_and_not_change_them(started: Path, kind: str) -> None:
    token(run(started, "add", "alpha", "--role", "producer"))
    path = started / f"access/{kind}.json"
    if kind == "users":
        with user.FILE.changing(path, GROUP):
            pass
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (0, GROUP, 0o640)

    def may(number: int, *command: str | Path) -> bool:
        rights = ["setpriv", "--reuid", str(number), "--regid", str(number), "--clear-groups"]
        return subprocess.run([*rights, *command], check=False, capture_output=True).returncode == 0

    assert may(GROUP, "cat", path)
    assert not may(12345, "cat", path)
    for change in (["mv", path, f"{path}.old"], ["truncate", "--size", "0", path], ["touch", f"{path}.new"]):
        assert not may(GROUP, *change)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may act for other users")
def test_a_change_takes_a_file_from_the_programs_to_which_an_earlier_version_gave_it(started: Path) -> None:
    token(run(started, "add", "alpha", "--role", "producer"))
    path = Settings(home=started).keys
    os.chown(path, GROUP, GROUP)
    path.chmod(0o600)
    token(run(started, "add", "beta", "--role", "producer"))
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may act for other users")
def test_root_changes_no_keys_of_a_stack_that_another_user_starts(started: Path) -> None:
    os.chown(started / "access", GROUP, GROUP)
    done = run(started, "add", "alpha", "--role", "producer")
    assert done.returncode == 1
    assert "access belong to nobody\nRun the command as nobody." in done.stderr
    assert list((started / "access").iterdir()) == []


# ---- certificates

NAMES = ("--certificate", "CN=alpha,O=Firm", "--issuer", "CN=Firm Root")
SHOWN = "CN=alpha,O=Firm, issued by CN=Firm Root"


def test_a_key_of_a_certificate_has_no_token_and_the_list_shows_its_holder(started: Path) -> None:
    done = run(started, "add", "alpha", "--role", "producer", "--rate", "7", "--expires", "1d", *NAMES)
    assert (done.returncode, "tw_" in done.stdout, SHOWN in done.stdout) == (0, False, True)
    token(run(started, "add", "beta", "--role", "viewer"))
    [alpha, _] = key_file.read(Settings(home=started).keys)
    assert (alpha.name, alpha.rate, alpha.digest) == ("alpha", 7, b"")
    assert (alpha.subject, alpha.issuer) == ("CN=alpha,O=Firm", "CN=Firm Root")
    heading, first, second = run(started, "list").stdout.splitlines()
    assert heading.endswith("LAST USED  CERTIFICATE")
    assert re.fullmatch(rf"alpha +\w{{12}} +producer +7/s +\S+Z +\S+Z +never +{SHOWN}", first)
    assert re.fullmatch(r"beta +\w{12} +viewer +- +\S+Z +never +never +-", second)


def test_a_certificate_has_one_key_and_the_same_subject_of_another_ca_has_another(started: Path) -> None:
    assert run(started, "add", "alpha", "--role", "producer", *NAMES).returncode == 0
    done = run(started, "add", "beta", "--role", "producer", *NAMES)
    assert (done.returncode, f"the key alpha is for the certificate of {SHOWN}" in done.stderr) == (1, True)
    assert run(started, "add", "beta", "--role", "producer", *NAMES[:3], "CN=Other").returncode == 0
    assert run(started, "revoke", "alpha").returncode == 0
    assert run(started, "add", "gamma", "--role", "producer", *NAMES).returncode == 0


def test_a_key_of_a_certificate_is_not_rotated_and_an_issuer_needs_a_certificate(started: Path) -> None:
    assert run(started, "add", "alpha", "--role", "producer", *NAMES).returncode == 0
    done = run(started, "rotate", "alpha")
    assert (done.returncode, "alpha has a certificate, and no token to rotate" in done.stderr) == (1, True)
    done = run(started, "add", "beta", "--role", "producer", *NAMES[2:])
    assert (done.returncode, "--issuer needs --certificate" in done.stderr) == (1, True)
    assert [key.name for key in key_file.read(Settings(home=started).keys)] == ["alpha"]


def test_the_audit_trail_names_the_holder_of_a_certificate(started: Path) -> None:
    assert run(started, "add", "alpha", "--role", "producer", *NAMES).returncode == 0
    [_, added] = audited(started, "key-added")
    assert (added["details"]["subject"], added["details"]["issuer"]) == ("CN=alpha,O=Firm", "CN=Firm Root")


# ---- the audit trail


def test_each_change_of_keys_is_recorded_with_its_user_and_without_a_secret(started: Path) -> None:
    tokens = [token(run(started, "add", "alpha", "--role", "producer,viewer", "--rate", "7", "--expires", "1d"))]
    tokens.append(token(run(started, "rotate", "alpha")))
    assert run(started, "revoke", "alpha").returncode == 0
    run(started, "list")
    first, second = map(id_of, tokens)
    records = audited(started)
    assert [(each["action"], each["result"]) for each in records] == [
        (action, result) for action in ("key-added", "key-rotated", "key-revoked") for result in ("begun", "done")
    ]
    assert {(each["role"], each["from"]) for each in records} == {("local", "local")}
    assert all(each["actor"] for each in records)
    added, rotated, revoked = (each["details"] for each in records[1::2])
    assert added.pop("expires").endswith("Z")
    assert added == {"name": "alpha", "id": first, "roles": ["producer", "viewer"], "rate": 7}
    assert (rotated["id"], rotated["old"]) == (second, [first])
    assert revoked == {"name": "alpha", "ids": [first, second]}
    text = (started / "audit/trail.jsonl").read_text()
    assert not any(shown.split("_", 2)[2] in text for shown in tokens)


def test_a_change_of_keys_that_fails_is_recorded_as_failed(started: Path) -> None:
    (started / "access/keys.new").mkdir()  # in the way of the new file
    assert run(started, "add", "alpha", "--role", "viewer").returncode == 1
    assert [each["result"] for each in audited(started)] == ["begun", "failed"]


def test_keys_are_not_changed_if_the_trail_takes_no_record(started: Path) -> None:
    (started / "audit/trail.jsonl").mkdir()
    done = run(started, "add", "alpha", "--role", "viewer")
    assert (done.returncode, done.stdout) == (1, "")
    assert "key-added can't be recorded in the audit trail, so nothing was changed" in done.stderr
    assert "Is a directory" in done.stderr
    assert key_file.read(Settings(home=started).keys) == []


@pytest.mark.parametrize("fault", ["full", "without_inodes"])
def test_a_disk_that_takes_no_keys_leaves_them_as_they_were_and_the_trail_says_failed(
    started: Path, fault: str
) -> None:
    with small_disk(started / "access", "size=64k,nr_inodes=10") as disk:
        token(run(started, "add", "alpha", "--role", "viewer"))
        with getattr(disk, fault)():
            for arguments in (("add", "beta", "--role", "viewer"), ("rotate", "alpha"), ("revoke", "alpha")):
                done = run(started, *arguments)
                assert (done.returncode, done.stdout) == (1, "")
        assert [key.name for key in key_file.read(Settings(home=started).keys)] == ["alpha"]
        assert [each["result"] for each in audited(started)] == ["begun", "done", *["begun", "failed"] * 3]
        token(run(started, "rotate", "alpha"))


def test_the_token_is_shown_even_if_the_trail_can_not_record_the_end(started: Path) -> None:
    with small_disk(started / "audit", "size=64k") as disk:
        token(run(started, "add", "alpha", "--role", "viewer"))
        path = Settings(home=started).audit
        trail = Trail(path, Settings(home=started).audit_key)
        [begun, _] = path.read_bytes().splitlines(keepends=True)
        room = len(begun) * 3 // 2  # for the beginning, and not for the end
        while (rest := PAGE_BYTES - path.stat().st_size - room) > 0:
            trail.append(Entry("test", "done", details={"text": "x" * max(0, min(rest, 900) - ENTRY_BYTES)}))
        with disk.full():
            done = run(started, "add", "gamma", "--role", "viewer")
        assert done.returncode == 1
        assert "key-added is done, and the audit trail can't record that; it has the beginning" in done.stderr
        [shown] = re.findall(r"\btw_\S+", done.stdout)
        assert matches(key_file.read(Settings(home=started).keys)[1], shown)
        assert [each["result"] for each in audited(started, "key-added")] == ["begun", "done", "begun"]


@pytest.mark.parametrize("missing", ["audit", "audit-key"])
def test_without_an_audit_trail_no_key_is_made(started: Path, missing: str) -> None:
    (started / "audit").rmdir() if missing == "audit" else (started / "audit-key").unlink()
    done = run(started, "add", "alpha", "--role", "viewer")
    assert done.returncode == 1
    assert "has no audit trail\nRun deploy/up first" in done.stderr
