"""The committed code tables are those that their libraries give."""

from __future__ import annotations

from tests.generate_codes import TARGET, render
from tests.support import ROOT


def test_the_code_tables_are_as_generated() -> None:
    assert TARGET == ROOT / "tradewire/codes.py"
    assert TARGET.read_text() == render()
