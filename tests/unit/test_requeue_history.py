"""The history of requeued dead letters: bounded, and kept over restarts as far as the disk allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.operations import requeue_history
from api.operations.requeue_history import RequeueHistory
from tradewire.logging import setup
from tradewire.queue import DeadLetter

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LATER = datetime.now(UTC) + timedelta(days=1)


def letter(event: str, reason: str = "because", at: datetime | None = LATER, tube: str = "live") -> DeadLetter:
    return DeadLetter("1", tube, reason, at.isoformat(timespec="milliseconds") if at else "", event.encode())


def history(folder: Path) -> RequeueHistory:
    return RequeueHistory(folder / "requeued.jsonl", setup("test"))


def test_only_a_letter_of_the_same_tube_and_event_that_came_later_has_a_history(tmp_path: Path) -> None:
    kept = history(tmp_path)
    kept.add(letter("one"))
    came_back = kept.of(letter("one", "again"))
    assert came_back
    assert (came_back.times, came_back.reason) == (1, "because")
    for other in (
        letter("two"),
        letter("one", tube="archive"),
        letter("one", at=LATER - timedelta(days=2)),
        letter("one", at=None),
    ):
        assert kept.of(other) is None


def test_the_history_outlives_its_process(tmp_path: Path) -> None:
    for number in range(3):
        kept = history(tmp_path)
        kept.add(letter("one", f"reason {number}"))
    came_back = history(tmp_path).of(letter("one"))
    assert came_back
    assert (came_back.times, came_back.reason) == (3, "reason 2")
    assert (tmp_path / "requeued.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_history_is_bounded_in_memory_and_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requeue_history, "ENTRIES_MAX", 5)
    kept = history(tmp_path)
    for number in range(100):
        kept.add(letter(str(number)))
        assert (tmp_path / "requeued.jsonl").read_bytes().count(b"\n") <= 10
    for reader in (kept, history(tmp_path)):
        assert [number for number in range(100) if reader.of(letter(str(number)))] == [95, 96, 97, 98, 99]


def test_without_its_folder_the_history_is_kept_in_memory_and_the_log_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = history(tmp_path / "missing")
    kept.add(letter("one"))
    assert kept.of(letter("one"))
    assert "the history of requeued dead letters is kept in memory only" in capfd.readouterr().err


def test_torn_lines_are_skipped(tmp_path: Path) -> None:
    history(tmp_path).add(letter("one"))
    with (tmp_path / "requeued.jsonl").open("ab") as file:
        file.write(b'\n{"key": \xff')
    history(tmp_path).add(letter("two"))
    kept = history(tmp_path)
    assert kept.of(letter("one"))
    assert kept.of(letter("two"))
