"""Files that are replaced as a whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tradewire.whole_file import EVERYONE, replace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("readers", "mode"), [(None, 0o600), (os.getgid(), 0o640), (EVERYONE, 0o644)])
def test_a_file_has_the_readers_that_it_shall_have_whatever_the_umask(
    tmp_path: Path, readers: int | None, mode: int
) -> None:
    path = tmp_path / "file.json"
    before = os.umask(0o077)
    try:
        replace(path, b"content", readers)
    finally:
        os.umask(before)
    found = path.stat()
    assert (path.read_bytes(), found.st_mode & 0o777) == (b"content", mode)
    assert found.st_gid == os.getgid()


def test_a_reader_finds_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(path, b"old")
    with path.open("rb") as reader:
        replace(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


def test_what_a_killed_process_left_gives_nobody_the_new_content(tmp_path: Path) -> None:
    left = tmp_path / "file.new"
    left.write_bytes(b"half")
    left.chmod(0o666)
    with left.open("rb") as reader:
        replace(tmp_path / "file", b"whole")
        assert reader.read() == b"half"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_file_that_can_not_be_written_holds_what_it_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    replace(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace(path, b"new")
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    replace(path, b"new")
    assert path.read_bytes() == b"new"
