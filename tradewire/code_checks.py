"""Codes of currencies and countries: which ones a trade may have, and what a wrong one probably means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tradewire import invisible
from tradewire.codes import ALPHA_3, COUNTRIES, CURRENCIES, WITHDRAWN
from tradewire.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_LIKELY_CURRENCIES: Final = {
    "CNH": "CNY",
    "GGP": "GBP",
    "IMP": "GBP",
    "JEP": "GBP",
    "NTD": "TWD",
    "RMB": "CNY",
    "RUR": "RUB",
    "SFR": "CHF",
    "STG": "GBP",
    "YEN": "JPY",
}
_LIKELY_COUNTRIES: Final = {"EL": "GR", "EN": "GB", "JA": "JP", "KS": "XK", "UK": "GB"} | dict(
    pair.split(":") for pair in ALPHA_3
)
"""Among them the EU's codes of Greece and the United Kingdom, and codes of languages."""
_LIVES: Final = {code: (first, last) for code, first, last in (life.split(":") for life in WITHDRAWN)}
"""The first and the last day of each withdrawn currency, as ISO 8601."""

CURRENCY_SCHEMA: Final[dict[str, Any]] = {"type": "string", "enum": []}
"""The JSON Schema of all currencies that a trade may have. `admit` completes it."""
COUNTRY_SCHEMA: Final = {"type": "string", "enum": sorted(COUNTRIES)}
_currencies: Final[set[str]] = set()
_withdrawn: Final[dict[str, tuple[str, str]]] = {}


def admit(extra: Collection[str]) -> None:
    """Admit currencies beside those of ISO 4217, instead of the ones admitted before. Call it as a process starts.

    Args:
        extra: Codes of three capital letters. A withdrawn code is admitted at any time.
    """
    _currencies.clear()
    _currencies.update(CURRENCIES, _LIVES, extra)
    _withdrawn.clear()
    _withdrawn.update((code, life) for code, life in _LIVES.items() if code not in extra)
    CURRENCY_SCHEMA["enum"] = sorted(_currencies)


admit(())


def check_currency(code: str) -> str:
    """Return a currency code in capitals. Raises BadValue."""
    if code in _currencies:
        return code
    code = _to_capitals(code)
    if code not in _currencies:
        raise BadValue("unknown-currency", f"is not a currency code of ISO 4217{_hint(code, _LIKELY_CURRENCIES)}")
    return code


def check_circulation(code: str, placed: datetime) -> None:
    """Raise BadValue if a currency had been withdrawn, or not been issued yet, when a trade was placed.

    Args:
        code: A code that `check_currency` has returned.
        placed: The time of the trade, in UTC.
    """
    if code not in _withdrawn:
        return
    first, last = _withdrawn[code]
    if not first <= placed.date().isoformat() <= last:
        detail = f"is {code}, which circulated from {first} to {last}, but not at timePlaced"
        raise BadValue("withdrawn-currency", f"{detail}{_hint(code, _LIKELY_CURRENCIES)}")


def check_country(code: str) -> str:
    """Return a country code in capitals. Raises BadValue."""
    if code in COUNTRIES:
        return code
    code = _to_capitals(code)
    if code not in COUNTRIES:
        raise BadValue(
            "unknown-country", f"is not a country code of ISO 3166-1 alpha-2{_hint(code, _LIKELY_COUNTRIES)}"
        )
    return code


def _to_capitals(code: str) -> str:
    code = invisible.strip(code)
    return code.upper() if code.isascii() else code  # upper() would turn a long s (U+017F) into an S


def _hint(code: str, likely: dict[str, str]) -> str:
    return f" ({likely[code]}?)" if code in likely else ""
