"""The committed code tables are those that their libraries give."""

from __future__ import annotations

from tests.generate_codes import tables
from tests.support import ROOT


def test_the_code_tables_of_api_and_page_are_as_generated() -> None:
    assert set(tables()) == {ROOT / "tradewire/codes.py", ROOT / "web/src/codes.ts"}
    for target, text in tables().items():
        assert target.read_text() == text
