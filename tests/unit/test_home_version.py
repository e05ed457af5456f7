"""The version that ran a home last: an older one leaves the home alone, and a running stack has to be ended first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy import environment, home_version
from deploy.console import Failure
from tradewire.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path


def test_a_home_that_does_not_exist_was_run_by_no_version(tmp_path: Path) -> None:
    assert home_version.read(tmp_path / "home") is None


def test_a_home_without_a_ledger_was_run_by_no_version(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert home_version.read(tmp_path) is None


def test_a_home_that_names_no_version_was_run_by_the_first_one(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    assert home_version.read(tmp_path) == "0.1.0"


def test_the_version_that_runs_is_noted_for_everybody_to_read(tmp_path: Path) -> None:
    home_version.write(tmp_path)
    assert home_version.read(tmp_path) == VERSION
    assert (tmp_path / "version").read_text() == f"{VERSION}\n"
    assert (tmp_path / "version").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("text", ["", "1.2", "v1.2.3", "1.2.3.4", "1.2.x", "1" * 10_000 + ".0.0", "1.2.3\n4.5.6"])
def test_a_file_that_names_no_version_is_a_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "version").write_text(text)
    with pytest.raises(Failure, match="names no version"):
        home_version.read(tmp_path)


@pytest.mark.parametrize("newer", ["99.0.0", f"{VERSION}1", "0.10.0"])
def test_a_newer_version_is_refused_and_both_are_named(tmp_path: Path, newer: str) -> None:
    (tmp_path / "version").write_text(f"{newer}\n")
    with pytest.raises(Failure) as refused:
        home_version.check_not_newer(tmp_path)
    first, advice = refused.value.lines
    assert first == f"Tradewire {newer} ran {tmp_path} last, and this is the older version {VERSION}"
    assert advice.startswith("Nothing was changed.")


@pytest.mark.parametrize("found", ["0.0.9", "0.1.0", VERSION])
def test_an_older_version_and_the_same_one_are_not_refused(tmp_path: Path, found: str) -> None:
    (tmp_path / "version").write_text(found)
    home_version.check_not_newer(tmp_path)


@pytest.mark.parametrize("found", ["0.1.0", "99.0.0"])
def test_a_stack_of_another_version_that_runs_is_named(tmp_path: Path, found: str) -> None:
    (tmp_path / "version").write_text(found)
    with pytest.raises(Failure, match=f"Tradewire {found} .*{VERSION}"):
        home_version.check_same(tmp_path)
    home_version.write(tmp_path)
    home_version.check_same(tmp_path)


def test_a_newer_version_is_named_before_settings_that_this_one_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("99.0.0")
    found = environment.Environment({"TRADEWIRE_HOME": str(tmp_path), "TRADEWIRE_OF_THE_FUTURE": "1"}, [], [])
    with pytest.raises(Failure, match=r"99\.0\.0"):
        found.settings()
