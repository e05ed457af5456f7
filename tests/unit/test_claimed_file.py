"""Claimed files: each has one process at a time, and what it wrote stays for the next one."""

from __future__ import annotations

import os
import resource
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tradewire.claimed_file import ClaimedFile, is_claimed, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a missing folder. All users can reach its parent, which another user owns if root runs the test."""
    with TemporaryDirectory(prefix="tw-claimed-") as parent:
        if os.geteuid() == 0:
            os.chown(parent, NOBODY, NOBODY)
        yield Path(parent) / "files"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Work as another user if root runs the test."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def claim(folder: Path, size: int = 8, claims_max: int = 3) -> ClaimedFile:
    return ClaimedFile(folder, "count-", size, claims_max)


def claimed(path: Path) -> bool:
    with path.open("rb") as file:
        return is_claimed(file.fileno())


def test_a_file_that_is_given_back_keeps_its_content_for_the_next_process(folder: Path) -> None:
    first = claim(folder)
    assert (first.number, len(first.map), first.map[:]) == (0, 8, bytes(8))
    first.map[:] = b"12345678"
    with closing(claim(folder)) as second:
        assert (second.number, second.map[:]) == (1, bytes(8))
    first.close()
    with closing(claim(folder)) as third:
        assert (third.number, third.map[:]) == (0, b"12345678")
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {"count-0": 8, "count-1": 8}


def test_a_file_is_claimed_until_it_is_given_back(folder: Path) -> None:
    file = claim(folder)
    assert claimed(folder / "count-0")
    file.close()
    assert not claimed(folder / "count-0")


def test_there_can_be_only_so_many_claims(folder: Path) -> None:
    with closing(claim(folder)), closing(claim(folder)):
        with closing(claim(folder)) as third:
            assert third.number == 2
            with pytest.raises(OSError, match=f"^3 processes count in {folder} already, the most there can be$"):
                claim(folder)
        claim(folder).close()


def test_files_and_folder_are_private_and_belong_to_the_owner_of_the_folder_around(folder: Path) -> None:
    claim(folder).close()
    owner = folder.parent.stat()
    for path, mode in ((folder, 0o40700), (folder / "count-0", 0o100600)):
        found = path.stat()
        assert (found.st_mode, found.st_uid, found.st_gid) == (mode, owner.st_uid, owner.st_gid)


def test_a_folder_that_exists_stays_as_it_is(folder: Path) -> None:
    folder.mkdir(mode=0o750)
    before = folder.stat()
    make_folder(folder)
    assert folder.stat() == before
    with pytest.raises(FileNotFoundError):
        make_folder(folder / "missing" / "folder")


def test_a_file_of_another_user_is_passed_over(folder: Path) -> None:
    claim(folder).close()
    (folder / "count-0").chmod(0)
    with as_nobody(), closing(claim(folder)) as file:
        assert file.number == 1


def test_a_file_that_the_disk_has_no_room_for_is_given_back(folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            claim(folder, size=1001)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with closing(claim(folder)) as file:
        assert file.number == 0
