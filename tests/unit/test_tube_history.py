"""The tube history: a tube is expected to have only the messages that were accepted while it was enabled."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from tradewire.errors import Unavailable
from tradewire.ledger import tube_history
from tradewire.ledger.counters import Counter, read_totals

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def accept(folder: Path, messages: int, *tubes: str) -> None:
    """Accept messages, as an API process that begins with these tubes."""
    tube_history.record(folder, tubes)
    counter = Counter(folder)
    counter.count_begun(messages + 1)
    counter.count_accepted(messages)
    counter.close()


def expected(folder: Path, tube: str) -> tuple[int, int]:
    """Return the messages begun and the messages accepted that the ledger expects in a tube."""
    return tube_history.expected(folder, tube, read_totals(folder))


def test_a_tube_that_was_always_enabled_is_expected_to_have_all_messages(folder: Path) -> None:
    accept(folder, 5, "live", "archive")
    accept(folder, 2, "live", "archive")
    assert expected(folder, "live") == expected(folder, "archive") == (9, 7)


def test_a_tube_that_was_never_enabled_is_expected_to_be_empty(folder: Path) -> None:
    accept(folder, 5, "live")
    assert expected(folder, "webhook") == (0, 0)


def test_a_tube_that_is_enabled_later_lacks_the_messages_from_before(folder: Path) -> None:
    accept(folder, 5, "live")
    accept(folder, 2, "live", "webhook")
    assert (expected(folder, "live"), expected(folder, "webhook")) == ((9, 7), (3, 2))


def test_a_tube_that_is_switched_off_and_on_lacks_the_messages_in_between(folder: Path) -> None:
    accept(folder, 1, "live")
    for messages, tubes in ((10, ["webhook"]), (100, []), (1000, ["webhook"]), (10_000, [])):
        accept(folder, messages, "live", *tubes)
    assert expected(folder, "webhook") == (1012, 1010)
    assert expected(folder, "live")[1] == 11_111


def test_each_process_of_a_stack_may_record_the_same_tubes(folder: Path) -> None:
    accept(folder, 5, "live")
    accept(folder, 5, "webhook", "live")
    accept(folder, 5, "live", "webhook")
    assert expected(folder, "webhook")[1] == 10
    assert sorted(path.name for path in (folder / "tubes").iterdir()) == ["live.1", "webhook.1"]


def test_of_two_processes_that_record_a_change_at_once_the_first_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = secrets.token_hex

    def be_overtaken(size: int) -> str:
        monkeypatch.undo()
        accept(folder, 5, "live")
        return name(size)

    monkeypatch.setattr(secrets, "token_hex", be_overtaken)
    accept(folder, 5, "live")
    assert expected(folder, "live") == (12, 10)
    assert not [*folder.glob(".*")]


def test_more_than_nine_changes_are_told_apart(folder: Path) -> None:
    for number in range(25):
        accept(folder, 1, "live", *(["webhook"] if number % 2 else []))
    assert expected(folder, "webhook")[1] == 12


def test_a_folder_that_can_not_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ledger").touch()
    with pytest.raises(Unavailable, match=re.escape(f"kept in {tmp_path / 'ledger'}:")):
        tube_history.record(tmp_path / "ledger", ["live"])


def test_a_record_that_can_not_be_read_is_unavailable(folder: Path) -> None:
    accept(folder, 1, "live")
    (folder / "tubes/live.2").mkdir()
    with pytest.raises(Unavailable, match=re.escape(f"kept in {folder}:")):
        expected(folder, "live")


def test_records_are_private(folder: Path) -> None:
    tube_history.record(folder, ["live"])
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "tubes")] == [0o700] * 2
