"""deploy/audit walks the chain and names its first bad line, and shows the pseudonyms of users."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT
from tradewire.audit.trail import Entry, Trail
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def run(home: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command for a home."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}
    return subprocess.run(
        [ROOT / "deploy/audit", *arguments],
        env=environ | {"TRADEWIRE_HOME": str(home), "TRADEWIRE_USER": "nobody"},
        capture_output=True,
        text=True,
        input=text,
        check=False,
    )


@pytest.fixture
def trail(home: Path) -> Trail:
    """Give a trail with four records."""
    settings = Settings(home=home)
    trail = Trail(settings.audit, settings.audit_key)
    for number in range(4):
        trail.append(Entry("test", "done", f"actor-{number}"))
    return trail


def test_a_whole_chain_is_confirmed_with_its_count_and_head(home: Path, trail: Trail) -> None:
    done = run(home, "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"The chain is whole. Count: 4. Head: {trail.head().mac}\n"


def test_the_first_changed_line_is_named(home: Path, trail: Trail) -> None:
    trail.path.write_bytes(trail.path.read_bytes().replace(b"actor-1", b"actor-7"))
    done = run(home, "verify")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("line 2: record 2 was changed\n")


def test_a_cut_end_is_found_with_a_count_and_a_head_that_were_seen(home: Path, trail: Trail) -> None:
    seen = ("--count", "4", "--head", trail.head().mac[:13])
    assert run(home, "verify", *seen).returncode == 0
    trail.path.write_bytes(b"".join(trail.path.read_bytes().splitlines(keepends=True)[:2]))
    assert run(home, "verify").returncode == 0
    done = run(home, "verify", *seen)
    assert done.returncode == 1
    assert "line 3: the chain ends with record 2, but had 4: its end was cut off" in done.stderr


def test_a_torn_line_is_reported_and_is_no_fault(home: Path, trail: Trail) -> None:
    whole = trail.path.read_bytes()
    trail.path.write_bytes(whole[:-20])
    done = run(home, "verify")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "The last line was torn, as by a crash. The next record will mark it.",
    )
    trail.append(Entry("test", "done"))
    done = run(home, "verify")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "Line 4 was torn, as by a crash. The record behind it marks it.",
    )


def test_the_pseudonym_of_a_user_is_the_one_in_records(home: Path, trail: Trail) -> None:
    done = run(home, "pseudonym", text="134259\n134260\n")
    assert done.stdout.splitlines() == [trail.pseudonym("134259"), trail.pseudonym("134260")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required"),
        (("verify", "--count", "4"), "--count and --head belong together"),
        (("verify", "--count", "x", "--head", "0" * 13), "expected a whole number"),
        (("verify", "--count", "4", "--head", "0" * 12), "expected 13 to 64 hexadecimal digits"),
        (("drop",), "invalid choice"),
    ],
)
def test_a_wrong_argument_is_explained(home: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(home, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_key_is_reported(home: Path, trail: Trail) -> None:
    assert trail.path.exists()
    Settings(home=home).audit_key.unlink()
    done = run(home, "verify")
    assert done.returncode == 1
    assert re.search(r"has no audit trail\nRun deploy/up first", done.stderr)
