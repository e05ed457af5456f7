"""The committed code tables are up to date."""

from __future__ import annotations

from tests.generate_codes import tables
from tests.support import ROOT


def test_the_code_tables_of_the_api_and_the_page_match_their_generator() -> None:
    assert set(tables()) == {ROOT / "tradewire/codes.py", ROOT / "web/src/trade/codes.ts"}
    for target, text in tables().items():
        assert target.read_text() == text
