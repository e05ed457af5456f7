"""The list of mutants that survive belongs to the code of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mutation.mutant import Mutant, one_line, read_known
from tests.support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = read_known(ROOT / "tests/mutation/survivors.txt")


def test_changes_up_to_a_reason_share_it(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# Survivors\n\n== a.py\n- x = 0\n+ x = 1\n- y\n+ z\n= equivalent\n== b.py\n- y\n+ z\n= log text\n")
    assert read_known(path) == {
        Mutant("a.py", "x = 0", "x = 1"): "equivalent",
        Mutant("a.py", "y", "z"): "equivalent",
        Mutant("b.py", "y", "z"): "log text",
    }


@pytest.mark.parametrize("text", ["== a.py\n- x\n+ y\n", "== a.py\nhello\n"])
def test_a_change_without_a_reason_and_any_other_line_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"list\.txt"):
        read_known(path)


@pytest.mark.parametrize("mutant", KNOWN, ids=str)
def test_the_code_of_a_known_survivor_still_exists(mutant: Mutant) -> None:
    code = one_line((ROOT / mutant.file).read_text())
    assert all(part in code for part in mutant.before.split(" … "))
