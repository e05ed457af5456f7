"""Generate the code tables: tradewire/codes.py, and web/src/trade/codes.ts for the page.

The sources are pycountry (ISO 4217 and ISO 3166-1) and Babel (CLDR, for the periods in which currencies circulated).

Run `.venv/bin/python tests/generate_codes.py` after upgrading either library. A test fails if the tables are stale.
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

ROOT = Path(__file__).parents[1]
_CIRCULATED_SINCE = date(2010, 1, 1)
_TEST_AND_METAL = {"XTS", "XXX", "XAG", "XAU", "XPD", "XPT"}


def currencies() -> set[str]:
    """Return the ISO 4217 codes, with those withdrawn since 2010, without test and metal codes."""
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
    """Return the ISO 3166-1 alpha-2 codes and XK (Kosovo)."""
    return {country.alpha_2 for country in pycountry.countries} | {"XK"}


def tables() -> dict[Path, str]:
    """Return the content of each generated file."""
    documented = {
        "CURRENCIES": (currencies(), "ISO 4217, with codes withdrawn since 2010, without test and metals."),
        "COUNTRIES": (countries(), "ISO 3166-1 alpha-2, and XK."),
    }
    notice = "Code tables, written by tests/generate_codes.py; not to be edited by hand."
    python = [f'"""{notice}"""\n', *(_python(name, *table) for name, table in documented.items())]
    page = [f"/** {notice} */\n", _CODE, *(_page(name, *table) for name, table in documented.items()), _READ]
    return {ROOT / "tradewire/codes.py": "\n".join(python), ROOT / "web/src/trade/codes.ts": "\n".join(page)}


def _python(name: str, codes: Iterable[str], doc: str) -> str:
    words = f'"""\n{_lines(codes)}\n    """.split()  # noqa: SIM905 - words wrap'
    return f'{name} = frozenset(\n    {words}\n)\n"""{doc}"""\n'


def _page(name: str, codes: Iterable[str], doc: str) -> str:
    return f"/** {doc} */\nexport const {name} = read(`\n{_lines(codes)}\n`);\n"


_CODE = "const CODE = /[A-Z]+/gu;\n"
_READ = """function read(table: string): ReadonlySet<string> {
  return new Set(table.match(CODE));
}
"""


def _lines(codes: Iterable[str]) -> str:
    return textwrap.fill(" ".join(sorted(codes)), 100, initial_indent="    ", subsequent_indent="    ")


if __name__ == "__main__":
    for target, text in tables().items():
        target.write_text(text)
