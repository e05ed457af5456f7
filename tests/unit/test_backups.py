"""Backups: their schedule, the sets that are kept, the manifest, and what /readyz says of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest
import structlog

from api.operations.backup_check import BackupCheck
from deploy.console import Failure
from deploy.restore import restore_into
from processor.backups import BackupThread
from tests.unit.sinks import InstantStop
from tradewire.backup import __main__ as action
from tradewire.backup import making, manifest, outcomes, thinning
from tradewire.backup.manifest import Manifest
from tradewire.backup.outcomes import Outcome
from tradewire.backup.schedule import Backups, to_thin_out
from tradewire.errors import Unavailable
from tradewire.settings import Settings
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.operations.readiness import Component

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
STACK = "0123456789abcdef"


def made(folder: Path, at: datetime, stack: str = STACK, version: str = VERSION) -> Path:
    """Make a set of one file."""
    path = folder / manifest.set_name(at.timestamp())
    path.mkdir()
    (path / "home.tar").write_bytes(b"content")
    text = at.isoformat()
    manifest.write(
        path,
        Manifest(
            format=manifest.FORMAT,
            stack=stack,
            version=version,
            begun_at=text,
            finished_at=text,
            complete_up_to=text,
            store="sqlite",
            schema="0001",
            accepted=1,
            archived=1,
            files=[manifest.summed(path / "home.tar")],
        ),
    )
    return path


def test_seven_days_four_weeks_and_twelve_months_are_kept_and_the_last_set_of_each() -> None:
    times = [NOON - timedelta(hours=6 * number) for number in range(4 * 800)]
    kept = sorted(set(times) - to_thin_out(times), reverse=True)
    days = [datetime(2026, 11, day, 18, tzinfo=UTC) for day in range(28, 22, -1)]
    weeks = [datetime(2026, 11, day, 18, tzinfo=UTC) for day in (22, 15, 8)]
    months = [datetime(2026, month, day, 18, tzinfo=UTC) for month, day in LAST_DAYS]
    assert kept == [NOON, *days, *weeks, *months, datetime(2025, 12, 31, 18, tzinfo=UTC)]


LAST_DAYS = [(10, 31), (9, 30), (8, 31), (7, 31), (6, 30), (5, 31), (4, 30), (3, 31), (2, 28), (1, 31)]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_nothing_is_thinned_out_while_there_are_few_sets(count: int) -> None:
    assert to_thin_out([NOON - timedelta(days=number) for number in range(count)]) == set()


def test_thinning_out_removes_whole_sets_of_this_stack_alone(tmp_path: Path) -> None:
    old, new = made(tmp_path, NOON - timedelta(hours=1)), made(tmp_path, NOON)
    other = made(tmp_path, NOON - timedelta(hours=2), "another")
    assert thinning.thin_out(tmp_path, STACK) == [old.name]
    assert sorted(tmp_path.iterdir()) == sorted([new, other])


def test_a_set_that_can_not_be_thinned_out_does_not_deny_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged, new = made(tmp_path, NOON - timedelta(days=1)), made(tmp_path, NOON)
    (damaged / manifest.NAME).write_bytes(b"")
    (tmp_path / "home/ledger").mkdir(parents=True)
    monkeypatch.setenv("TRADEWIRE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["", "make", str(tmp_path), "--thin-out"])
    monkeypatch.setattr(making, "make", lambda *_: new)
    monkeypatch.setattr(os, "nice", lambda _: None)
    monkeypatch.setattr(os, "umask", lambda _: None)
    assert action.main() == 1
    said = capsys.readouterr()
    assert said.out == f"{new}\n"
    assert f"{new.name} was made, but older backups can't be removed: {damaged}" in said.err


def test_a_set_without_a_manifest_is_none(tmp_path: Path) -> None:
    older = made(tmp_path, NOON - timedelta(days=1))
    (made(tmp_path, NOON) / manifest.NAME).unlink()
    (tmp_path / "notes").mkdir()
    assert manifest.sets(tmp_path) == [older]
    assert manifest.newest(tmp_path) == manifest.newest(older) == older
    shutil.rmtree(older)
    with pytest.raises(Unavailable, match="has no complete set"):
        manifest.newest(tmp_path)


def test_a_changed_or_missing_file_of_a_set_is_found(tmp_path: Path) -> None:
    path = made(tmp_path, NOON)
    found = manifest.read(path)
    manifest.check(path, found)
    (path / "home.tar").write_bytes(b"contenu")
    with pytest.raises(Unavailable, match="is not as it was written"):
        manifest.check(path, found)
    (path / "home.tar").unlink()
    with pytest.raises(Unavailable, match="can't be read"):
        manifest.check(path, found)


def test_an_older_version_refuses_the_set_of_a_newer_one_and_names_both(tmp_path: Path) -> None:
    path, home = made(tmp_path, NOON, version="10.0.0"), tmp_path / "home"
    with pytest.raises(Failure, match=rf"Tradewire 10\.0\.0 made .*, and this is the older version {VERSION}"):
        restore_into(Settings(home=home), path, None)
    assert not home.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 1}', b"\xff"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    path = made(tmp_path, NOON)
    (path / manifest.NAME).write_bytes(content)
    with pytest.raises(Unavailable, match="is damaged"):
        manifest.read(path)


def test_a_set_of_another_format_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path, NOON)
    (path / manifest.NAME).write_bytes(b'{"format": 2}')
    with pytest.raises(Unavailable, match="has the format 2, and this version knows 1"):
        manifest.read(path)


# ---- The schedule.


class Scene:
    """A schedule in a home."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = home / "sets"
        self.folder.mkdir()
        self.settings = Settings(home=home, backups=Backups(str(self.folder), 24))
        self.settings.counters.mkdir()
        self.stop = InstantStop()
        self.thread = BackupThread(self.settings, self.stop, structlog.get_logger())
        self.commands: list[list[str]] = []
        self.result: Callable[[], tuple[int, str, str]] = lambda: (0, f"{made(self.folder, datetime.now(UTC))}\n", "")
        monkeypatch.setattr(subprocess, "Popen", self._run)

    def _run(self, command: list[str], **_: Any) -> FinishedProcess:
        self.commands.append(command)
        return FinishedProcess(*self.result())

    def health(self) -> Component | None:
        return BackupCheck(self.settings)().get("backup")


class FinishedProcess:
    """Stands in for a process that has ended."""

    def __init__(self, returncode: int, output: str, errors: str) -> None:
        self.returncode = returncode
        self._texts = output, errors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def poll(self) -> int:
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        return self._texts


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def test_a_backup_is_made_when_there_is_none_and_again_when_it_is_a_day_old(scene: Scene) -> None:
    scene.thread.step()
    scene.thread.step()
    assert len(scene.commands) == 1
    assert scene.commands[0][-3:] == ["make", str(scene.folder), "--thin-out"]
    last = outcomes.read(scene.settings.last_backup)
    assert last is not None
    assert (last.backup, last.fault) == (manifest.newest(scene.folder).name, "")
    shutil.rmtree(manifest.newest(scene.folder))
    made(scene.folder, datetime.now(UTC) - timedelta(hours=23, minutes=59))
    scene.thread.step()
    assert len(scene.commands) == 1
    shutil.rmtree(manifest.newest(scene.folder))
    made(scene.folder, datetime.now(UTC) - timedelta(hours=24))
    scene.thread.step()
    assert len(scene.commands) == 2


def test_a_backup_that_fails_is_tried_again_after_a_pause_and_its_reason_is_told_once_it_is_late(scene: Scene) -> None:
    made(scene.folder, datetime.now(UTC) - timedelta(hours=24, minutes=59))
    scene.result = lambda: (1, "", "warning\nthe disk is full\n")
    scene.thread.step()
    scene.thread.step()
    assert len(scene.commands) == 1
    health = scene.health()
    assert health is not None
    assert health.status == "ok"
    shutil.rmtree(manifest.newest(scene.folder))
    made(scene.folder, datetime.now(UTC) - timedelta(hours=25, minutes=1))
    health = scene.health()
    assert health is not None
    assert (health.status, health.detail) == (
        "late",
        "no backup was made for longer than the schedule says: the disk is full",
    )


def test_without_a_schedule_and_a_drill_there_is_no_component(tmp_path: Path) -> None:
    assert BackupCheck(Settings(home=tmp_path))() == {}


def test_a_folder_that_can_not_be_read_is_a_fault_of_both(scene: Scene) -> None:
    shutil.rmtree(scene.folder)
    scene.thread.step()
    assert scene.commands == []
    health = scene.health()
    assert health is not None
    assert health.status == "unavailable"
    last = outcomes.read(scene.settings.last_backup)
    assert last is not None
    assert "can't be read" in last.fault


def test_the_last_drill_is_told_and_a_failure_of_it_is_a_fault(scene: Scene) -> None:
    made(scene.folder, datetime.now(UTC))
    outcomes.note(scene.settings.last_drill, Outcome("2026-11-29T12:00:00.000000Z", "a-set"))
    health = scene.health()
    assert health is not None
    assert health.status == "ok"
    assert health.facts["drilledAt"] == NOON
    assert health.facts["drillSucceeded"] is True
    outcomes.note(scene.settings.last_drill, Outcome("2026-11-29T12:00:00.000000Z", "a-set", "a reason"))
    health = scene.health()
    assert health is not None
    assert (health.status, health.detail) == ("drill-failed", "the drill of the backup a-set failed: a reason")
    assert health.facts["drillSucceeded"] is False
