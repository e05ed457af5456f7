"""The copy of a home before it is upgraded: it is complete, or not there. An archive elsewhere is left alone."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from deploy import upgrade
from deploy.console import Failure
from deploy.layout import FOLDERS
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


COPIED = ["access", "audit", "conf", "ledger", "queue", "sessions", "store", "tls"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give the settings of a home with a file in each folder."""
    for folder in FOLDERS:
        (tmp_path / folder.name).mkdir(mode=folder.mode, exist_ok=True)
        (tmp_path / folder.name / "file").write_text(folder.name)
    for name in ("operator-token", "audit-key"):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "copies/file").unlink()
    return Settings(home=tmp_path)


def only_copy(settings: Settings) -> Path:
    [found] = (settings.home / "copies").iterdir()
    return found


def test_the_copy_has_what_the_next_start_needs_with_its_modes(settings: Settings) -> None:
    (settings.home / "sessions/open").mkdir(mode=0o700)
    (settings.home / "sessions/open/one").write_text("secret")
    (settings.home / "store/link").symlink_to("/etc/hostname")
    upgrade.copy(settings, "0.1.0")
    copied = only_copy(settings)
    assert sorted(path.name for path in copied.iterdir()) == sorted([*COPIED, "operator-token", "audit-key"])
    for name in (*COPIED, "operator-token", "audit-key"):
        assert (copied / name).stat().st_mode == (settings.home / name).stat().st_mode
    assert (copied / "queue/file").read_text() == "queue"
    assert (copied / "sessions/open/one").read_text() == "secret"
    assert (copied / "store/link").is_symlink()
    assert copied.stat().st_mode & 0o777 == 0o755, "it is a home"


def test_the_copy_is_named_by_the_version_before(settings: Settings) -> None:
    upgrade.copy(settings, "0.1.0")
    assert only_copy(settings).name.startswith("0.1.0-")


def test_what_an_interrupted_copy_has_left_is_deleted(settings: Settings) -> None:
    (settings.home / "copies/0.1.0-then.partial/store").mkdir(parents=True)
    upgrade.copy(settings, "0.1.0")
    assert not only_copy(settings).name.endswith(".partial")


def test_without_room_nothing_is_copied_and_the_figures_are_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40, 200 * 2**20))  # noqa: SLF001
    with pytest.raises(Failure, match=r"needs 1 MB, and only 200 MB are free") as refused:
        upgrade.copy(settings, "0.1.0")
    assert upgrade.WITHOUT_COPY in refused.value.lines[1]
    assert not any((settings.home / "copies").iterdir())


def test_of_a_copy_that_fails_nothing_is_left(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    run = upgrade._run  # noqa: SLF001 - to fail late

    def fail_late(command: Sequence[str], *arguments: Any) -> int:
        return 1 if command[-1].endswith("/store") else run(command, *arguments)

    monkeypatch.setattr(upgrade, "_run", fail_late)
    with pytest.raises(Failure, match="store can't be copied"):
        upgrade.copy(settings, "0.1.0")
    assert not any((settings.home / "copies").iterdir())


def test_how_far_the_copy_is_is_said_every_few_seconds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(upgrade, "_PROGRESS_SECONDS", 0.01)
    status = upgrade._run(["sleep", "0.1"], settings.home, lambda: "so far")  # noqa: SLF001
    assert status == 0
    assert "so far\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("store", "named"),
    [
        ("postgresql://alice:secret@db.example/trades", "postgresql://db.example/trades"),
        ("sqlite:////elsewhere/trades.db", "/elsewhere/trades.db"),
    ],
)
def test_an_archive_elsewhere_is_left_to_the_operator(tmp_path: Path, store: str, named: str) -> None:
    with pytest.raises(Failure) as refused:
        upgrade.copy(Settings(home=tmp_path, store_url=store), "0.1.0")
    first, advice = refused.value.lines
    assert f"the archive is at {named}, where deploy/up can't copy it" in first
    assert advice.endswith(f"then run deploy/up {upgrade.WITHOUT_COPY}.")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - as short
