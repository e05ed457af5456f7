"""Losses: each stays in its file until an operator settles it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from tests.support import ROOT
from tradewire.errors import Unavailable
from tradewire.ledger import losses
from tradewire.ledger.losses import Loss, Losses, Span

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-01-02T12:00:00.000000Z"
LATER = "2026-01-02T13:00:00.000000Z"
ID = "11111111-1111-4111-8111-111111111111"
NAME_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from tradewire.ledger import losses
from tradewire.ledger.losses import Loss
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
losses.name(Path(sys.argv[1]), [Loss("live", number, 1, 1, "the first") for number in range(9)])
"""


def loss(received_at: int, tube: str = "live", messages: int = 1) -> Loss:
    return Loss(tube, received_at, messages, 5, ID, [ID], NOW)


def settled(received_at: int, at: str = NOW) -> Loss:
    return replace(loss(received_at), settled_at=at)


def test_without_a_file_there_are_no_losses(tmp_path: Path) -> None:
    assert losses.read(tmp_path) == Losses([], [])


def test_named_losses_are_unsettled_in_order(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(3), loss(1)])
    losses.name(tmp_path, [loss(2, "archive")])
    assert losses.read(tmp_path) == Losses([loss(3), loss(1), loss(2, "archive")], [])


def test_a_loss_that_is_named_twice_is_one_and_the_first_stands(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(1, messages=2)])
    losses.name(tmp_path, [loss(1, messages=3), loss(1, "archive")])
    assert losses.read(tmp_path).unsettled == [loss(1, messages=2), loss(1, "archive")]


def test_an_operator_settles_the_losses_that_were_named_so_far(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(1)])
    losses.settle(tmp_path, NOW)
    losses.name(tmp_path, [loss(2)])
    assert losses.read(tmp_path) == Losses([loss(2)], [settled(1)])
    losses.settle(tmp_path, NOW)
    assert losses.read(tmp_path) == Losses([], [settled(1), settled(2)])


def test_a_settled_loss_has_the_time_at_which_it_was_settled_first(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(1)])
    losses.settle(tmp_path, NOW)
    losses.name(tmp_path, [loss(2)])
    losses.settle(tmp_path, LATER)
    assert losses.read(tmp_path).settled == [settled(1), settled(2, LATER)]


def test_a_settled_loss_that_is_named_again_stays_settled(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(1)])
    losses.settle(tmp_path, NOW)
    losses.name(tmp_path, [loss(1)])
    assert losses.read(tmp_path) == Losses([], [settled(1)])


@pytest.mark.parametrize(
    "torn",
    [
        b'\n{"tube":"live","receivedAt":7',
        b"\n\xff\xfe",
        b"\n{}",
        b"\n[1]",
        b"\n",
        b'\n{"tube":"\xff"}',
        b'\n{"settled":"\xff"}',
    ],
)
def test_a_torn_line_spoils_no_other(tmp_path: Path, torn: bytes) -> None:
    losses.name(tmp_path, [loss(1)])
    with (tmp_path / "losses.jsonl").open("ab") as file:
        file.write(torn)
    assert losses.read(tmp_path).unsettled == [loss(1)]
    losses.name(tmp_path, [loss(2)])
    assert losses.read(tmp_path).unsettled == [loss(1), loss(2)]
    losses.settle(tmp_path, NOW)
    assert losses.read(tmp_path).settled == [settled(1), settled(2)]


def test_losses_that_the_disk_has_no_room_for_are_not_taken_for_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NAME_ON_A_FULL_DISK, str(tmp_path)]
    result = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Unavailable: the ledger of accepted messages can't be kept" in result.stderr
    torn = losses.read(tmp_path).unsettled
    assert 0 < len(torn) < 9
    losses.name(tmp_path, [Loss("live", number, 1, 1, "the first") for number in range(9)])
    assert [each.received_at for each in losses.read(tmp_path).unsettled] == [*range(9)]


def test_only_the_user_may_read_the_file(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(1)])
    assert (tmp_path / "losses.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_file_has_a_json_object_for_each_loss(tmp_path: Path) -> None:
    losses.name(tmp_path, [loss(1)])
    [line] = (tmp_path / "losses.jsonl").read_bytes().split()
    assert msgspec.json.decode(line) == {
        "tube": "live",
        "receivedAt": 1,
        "messages": 1,
        "of": 5,
        "firstId": ID,
        "ids": [ID],
        "namedAt": NOW,
    }


def test_a_file_that_can_not_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "losses.jsonl").mkdir()
    with pytest.raises(Unavailable, match=re.escape(f"kept in {tmp_path}:")):
        losses.read(tmp_path)
    with pytest.raises(Unavailable, match=re.escape(f"kept in {tmp_path}:")):
        losses.name(tmp_path, [loss(1)])


def test_a_span_stays_until_it_is_settled_and_later_spans_stay(tmp_path: Path) -> None:
    first, second = Span(1, 2, "first", NOW), Span(3, 4, "second", NOW)
    losses.name_span(tmp_path, first)
    losses.name(tmp_path, [loss(1)])
    assert losses.read(tmp_path) == Losses([loss(1)], [], (first,))
    losses.settle(tmp_path, NOW)
    losses.name_span(tmp_path, second)
    assert losses.read(tmp_path) == Losses([], [settled(1)], (Span(1, 2, "first", NOW, NOW), second))
    losses.settle(tmp_path, LATER)
    assert [span.settled_at for span in losses.read(tmp_path).spans] == [NOW, LATER]
