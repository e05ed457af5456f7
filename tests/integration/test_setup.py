"""What deploy/setup promises of the page: it builds it with the packages that are there already, and removes none."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT, require_program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of this checkout with its .venv, but without the page's packages and build."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        require_program(program)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=shutil.ignore_patterns("node_modules", "dist*"))
    venv = tmp_path / ".venv"
    venv.mkdir()
    (venv / "bin").symlink_to(ROOT / ".venv/bin")
    locks = [ROOT / "deploy/requirements.txt", ROOT / "tests/requirements.txt"]
    (tmp_path / "tests").mkdir()
    shutil.copy(locks[1], tmp_path / "tests")
    sums = [hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks]
    (venv / ".made").write_text("\n".join([str(venv), *sums, ""]))
    return tmp_path


def set_up(checkout: Path, *arguments: str) -> str:
    """Run deploy/setup and return its output."""
    command = [str(checkout / "deploy/setup"), *arguments]
    environ = os.environ | {"npm_config_prefer_offline": "true"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("has_development_packages", [True, False])
def test_a_new_build_of_the_page_keeps_the_development_packages_and_installs_none(
    checkout: Path, *, has_development_packages: bool
) -> None:
    if has_development_packages:
        (checkout / "web/node_modules").mkdir()  # npm writes there which packages are installed
        shutil.copy(checkout / "web/package-lock.json", checkout / "web/node_modules/.package-lock.json")
    set_up(checkout)
    assert (checkout / "web/dist/index.html").exists()
    assert (checkout / "web/node_modules/esbuild").exists()
    assert (checkout / "web/node_modules/axe-core").exists() == has_development_packages


def test_packages_of_the_page_that_are_there_are_left_alone(checkout: Path) -> None:
    set_up(checkout)
    assert not (checkout / "web/node_modules/axe-core").exists()
    set_up(checkout, "--tests")
    assert (checkout / "web/node_modules/axe-core").exists()
    in_use = checkout / "web/node_modules/in-use"
    in_use.touch()
    with (checkout / "web/src/style.css").open("a") as style:
        style.write("/* changed */\n")
    for arguments in ([], ["--tests"]):
        built = "Building the page" in set_up(checkout, *arguments)
        assert built == (not arguments), "the page is built anew, and once"
        assert in_use.exists()
