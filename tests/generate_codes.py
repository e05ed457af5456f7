"""Writes tradewire/codes.py from pycountry (ISO 4217, ISO 3166-1) and Babel (CLDR: what circulated when).

Run `.venv/bin/python tests/generate_codes.py` after raising either library; a test compares.
"""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pycountry
from babel.core import get_global

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGET = Path(__file__).parents[1] / "tradewire/codes.py"
_CIRCULATED_SINCE = date(2010, 1, 1)
_TEST_AND_METAL = {"XTS", "XXX", "XAG", "XAU", "XPD", "XPT"}


def currencies() -> set[str]:
    """ISO 4217's codes, with those withdrawn since 2010, without test and metal codes."""
    listed: set[str] = {currency.alpha_3 for currency in pycountry.currencies}
    territories: Any = get_global("territory_currencies")
    circulated = {
        code
        for entries in territories.values()
        for code, _, end, tender in entries
        if tender and (end is None or date(*end) >= _CIRCULATED_SINCE)
    }
    return (listed | circulated) - _TEST_AND_METAL


def countries() -> set[str]:
    """ISO 3166-1's two-letter codes, and XK."""
    return {country.alpha_2 for country in pycountry.countries} | {"XK"}


def render() -> str:
    """Give the text of the module."""
    return (
        '"""Code tables, written by tests/generate_codes.py; not to be edited by hand."""\n\n'
        + _table("CURRENCIES", "ISO 4217, with codes withdrawn since 2010, without test and metals.", currencies())
        + "\n"
        + _table("COUNTRIES", "ISO 3166-1 alpha-2, and XK.", countries())
    )


def _table(name: str, doc: str, codes: Iterable[str]) -> str:
    words = textwrap.fill(" ".join(sorted(codes)), 100, initial_indent="    ", subsequent_indent="    ")
    return f'{name} = frozenset(\n    """\n{words}\n    """.split()  # noqa: SIM905 - words wrap\n)\n"""{doc}"""\n'


if __name__ == "__main__":
    TARGET.write_text(render())
