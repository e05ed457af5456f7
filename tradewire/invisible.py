"""Characters that people can't see: which ones are folded away, and how a refusal names the others."""

from __future__ import annotations

from typing import Final
from unicodedata import category

_LAST_WHITE_SPACE: Final = 0x3000
FOLDED: Final = "".join(char for char in map(chr, range(_LAST_WHITE_SPACE + 1)) if char.isspace()) + "\u00ad\ufeff"
"""White space, soft hyphens and byte order marks. Texts that are copied from documents have them anywhere."""
_CONTROL: Final = "Cc"
_FORMAT: Final = frozenset({"Cf", "Zl", "Zp"})
"""Unicode's categories of format characters, and of separators of lines and paragraphs."""
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that leave no ink."""
_VARIATION_SELECTORS: Final = ("\u180b\u180d", "\u180f\u180f", "\ufe00\ufe0f", "\U000e0100\U000e01ef")
"""The first and the last character of each range."""
_TO_NOTHING: Final = str.maketrans("", "", FOLDED)


def strip(text: str) -> str:
    """Return a text without white space, soft hyphens and byte order marks around it."""
    text = text.strip()
    return text if text.isascii() else text.strip(FOLDED)


def fold(name: str) -> str:
    """Return a name without white space, format characters and blanks: two names that look alike are the same."""
    folded = name.translate(_TO_NOTHING)
    return folded if folded.isascii() else "".join(char for char in folded if not _is_blank(char))


def first(text: str) -> str:
    """Return the first control character, format character or blank of a text. Empty without such a character."""
    if text.isascii() and text.isprintable():
        return ""
    return next((char for char in text if category(char) == _CONTROL or _is_blank(char)), "")


def describe(char: str) -> str:
    """Return how a refusal names a character: `U+200B`."""
    return f"U+{ord(char):04X}"


def _is_blank(char: str) -> bool:
    return (
        category(char) in _FORMAT or char in _BLANK or any(start <= char <= end for start, end in _VARIATION_SELECTORS)
    )
