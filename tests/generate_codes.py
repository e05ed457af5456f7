"""Generate the code tables: tradewire/codes.py, and web/src/trade/codes.ts for the page.

The sources are pycountry (ISO 4217 and ISO 3166-1) and Babel (CLDR, for the periods in which currencies circulated).

Run `.venv/bin/python tests/generate_codes.py` after upgrading either library. A test fails if the tables are stale.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pycountry
from babel.core import get_global

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]
_CIRCULATED_SINCE = date(2010, 1, 1)
_EARLIEST = date(1970, 1, 1)
"""No trade was placed before this day."""
_NOWHERE = "ZZ"
"""CLDR's territory of test codes, metals and units of account."""
_TEST_AND_METAL = {"XTS", "XXX", "XAG", "XAU", "XPD", "XPT"}


def currencies() -> set[str]:
    """Return the ISO 4217 codes, with those withdrawn since 2010, without test and metal codes."""
    listed: set[str] = {currency.alpha_3 for currency in pycountry.currencies}
    circulated = {
        code for code, _, end, tender in _circulations() if tender and (end is None or date(*end) >= _CIRCULATED_SINCE)
    }
    return (listed | circulated) - _TEST_AND_METAL


def withdrawn() -> dict[str, tuple[str, str]]:
    """Return the first and the last day of each currency that was withdrawn from 1970 to 2009, as ISO 8601."""
    days: dict[str, list[date]] = defaultdict(list)
    for code, start, end, _ in _circulations():
        if start and end:
            days[code] += [date(*start), date(*end)]
    current = currencies()
    return {
        code: (min(known).isoformat(), max(known).isoformat())
        for code, known in sorted(days.items())
        if code not in current and _EARLIEST <= max(known) < _CIRCULATED_SINCE
    }


def countries() -> set[str]:
    """Return the ISO 3166-1 alpha-2 codes and XK (Kosovo)."""
    return {country.alpha_2 for country in pycountry.countries} | {"XK"}


def alpha_3() -> dict[str, str]:
    """Return the alpha-2 code of each country by its alpha-3 code."""
    return {country.alpha_3: country.alpha_2 for country in pycountry.countries}


def _circulations() -> list[tuple[str, Any, Any, bool]]:
    """Return code, first day, last day and whether it was legal tender, for each currency in each territory."""
    territories: Any = get_global("territory_currencies")
    return [entry for territory, entries in territories.items() if territory != _NOWHERE for entry in entries]


def tables() -> dict[Path, str]:
    """Return the content of each generated file."""
    current, old = currencies(), withdrawn()
    country_doc = "ISO 3166-1 alpha-2, and XK."
    notice = "Code tables, written by tests/generate_codes.py; not to be edited by hand."
    python = {
        "CURRENCIES": (current, "ISO 4217, with codes withdrawn since 2010, without test and metals."),
        "WITHDRAWN": (
            [f"{code}:{first}:{last}" for code, (first, last) in old.items()],
            "Currencies withdrawn from 1970 to 2009, with the first and the last day on which they circulated.",
        ),
        "COUNTRIES": (countries(), country_doc),
        "ALPHA_3": ([f"{long}:{short}" for long, short in alpha_3().items()], "ISO 3166-1: alpha-3 with alpha-2."),
    }
    page = {
        "CURRENCIES": (current | old.keys(), "ISO 4217, with withdrawn codes, without test and metals."),
        "COUNTRIES": (countries(), country_doc),
    }
    python_text = [f'"""{notice}"""\n', *(_python(name, *table) for name, table in python.items())]
    page_text = [f"/** {notice} */\n", _CODE, *(_page(name, *table) for name, table in page.items()), _READ]
    return {ROOT / "tradewire/codes.py": "\n".join(python_text), ROOT / "web/src/trade/codes.ts": "\n".join(page_text)}


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
    text = " ".join(sorted(codes))
    return textwrap.fill(text, 100, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


if __name__ == "__main__":
    for target, text in tables().items():
        target.write_text(text)
