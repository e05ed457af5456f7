"""An older version leaves a newer home alone, and an archive that can't be migrated is left as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import alembic.command
import alembic.config
import pytest

from tests.old_home.unpack import VERSION as OLD
from tests.old_home.unpack import unpack
from tests.stack import Stack
from tests.support import ROOT, free_port, require_program
from tradewire.store import fitness
from tradewire.store.engine import writer_engine
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWER = "99.0.0"


@pytest.fixture
def old() -> Iterator[Stack]:
    """Give a stack that does not run, in a home of the version before."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        require_program(program)
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    yield Stack(unpack(folder).home, free_port())
    shutil.rmtree(folder)


def content(home: Path) -> dict[str, bytes]:
    """Return each file of a home."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_no_command_of_an_older_version_touches_a_newer_home_and_each_names_both_versions(old: Stack) -> None:
    (old.home / "version").write_text(f"{NEWER}\n")
    before = content(old.home)
    for command in (
        ["up"],
        ["up", "--foreground"],
        ["key", "list"],
        ["key", "add", "beta", "--role", "producer"],
        ["user", "remove", "alice"],
        ["consumer", "drop", "other"],
        ["audit", "verify"],
        ["reload"],
    ):
        done = old.deploy(*command)
        assert (done.returncode, done.stdout) == (1, ""), command
        first, advice = done.stderr.splitlines()
        assert first == (
            f"deploy/{command[0]}: Tradewire {NEWER} ran {old.home} last, and this is the older version {VERSION}"
        )
        assert advice.startswith("Nothing was changed.")
    assert content(old.home) == before
    assert old.deploy("down").returncode == 0, "it needs no version"


def test_deploy_up_says_which_version_it_is_and_does_nothing_else(old: Stack) -> None:
    done = old.deploy("up", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Tradewire {VERSION}\n", "")
    assert not (old.home / "version").exists()


def test_an_archive_that_can_not_be_migrated_is_as_it_was_and_nothing_is_started(old: Stack) -> None:
    file = old.home / "store/tradewire.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
        before = list(database.iterdump())
    done = old.deploy("up")
    assert done.returncode == 1
    assert "deploy/up: the archive can't be migrated; nothing was started" in done.stderr
    with closing(sqlite3.connect(file)) as database:
        assert list(database.iterdump()) == before
    assert [copy.name[: len(OLD)] for copy in (old.home / "copies").iterdir()] == [OLD]
    assert not (old.home / "version").exists(), "the home is still of the version before"
    assert old.processes() == []


def migrate(home: Path) -> subprocess.CompletedProcess[str]:
    """Migrate the archive of a home, as deploy/up does."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TRADEWIRE_HOME": str(home)}
    command = [sys.executable, "-m", "tradewire.store.migrate"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_each_step_of_a_migration_is_named_and_a_second_one_has_none(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    url = f"sqlite:///{tmp_path}/store/tradewire.db"
    engine = writer_engine(url)
    config = alembic.config.Config()
    config.set_main_option("script_location", "tradewire.store:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0005")
    engine.dispose()
    done = migrate(tmp_path)
    steps = int(fitness.NEWEST) - 5
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        f"Migrating the archive: step 1 of {steps}: Add the table of outdated summaries.",
        f"Migrating the archive: step 2 of {steps}: Add the tables of retention.",
    ]
    again = migrate(tmp_path)
    assert (again.returncode, again.stdout) == (0, "")


def test_without_an_archive_there_is_nothing_to_migrate_and_none_is_made(tmp_path: Path) -> None:
    done = migrate(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_an_archive_of_a_newer_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    assert migrate(tmp_path).returncode == 0
    with closing(sqlite3.connect(tmp_path / "store/tradewire.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()
    done = migrate(tmp_path)
    assert done.returncode == 1
    assert "was created by a newer version of Tradewire" in done.stderr
