"""The tree of errors is the one that is drawn in its module, and its errors carry what they found."""

from __future__ import annotations

import re
from typing import Final

from tradewire import errors
from tradewire.errors import Fault, InvalidTrade, SettingsError, TradewireError, Unavailable

_BRANCH: Final = re.compile(r"^(?P<indent>[│ ]*)(?:[├└]── )?(?P<name>[A-Z]\w+)(?: {2,}|$)")
_INDENT_CHARS: Final = 4


def drawn() -> dict[str, str]:
    """Give the parent of each error that the docstring draws."""
    parents: dict[str, str] = {}
    above = ["TradewireError"]
    for line in (errors.__doc__ or "").splitlines():
        branch = _BRANCH.match(line)
        if branch and "──" in line:
            depth = len(branch["indent"]) // _INDENT_CHARS + 1
            above[depth:] = [branch["name"]]
            parents[branch["name"]] = above[depth - 1]
    return parents


def test_the_tree_that_is_drawn_is_the_tree_that_there_is() -> None:
    found = {
        name: error.__bases__[0].__name__
        for name, error in vars(errors).items()
        if isinstance(error, type) and issubclass(error, TradewireError) and error is not TradewireError
    }
    assert drawn() == found


def test_a_messages_own_fault_is_never_mistaken_for_a_neighbour_that_is_away() -> None:
    assert not issubclass(InvalidTrade, Unavailable)
    assert not issubclass(errors.InvalidEvent, Unavailable)
    assert issubclass(errors.QueueUnavailable, Unavailable)


def test_an_error_says_and_carries_every_fault() -> None:
    two = [Fault("rate", "missing", "rate is missing."), Fault(None, "nul", "A NUL.")]
    assert (InvalidTrade(two).faults, str(InvalidTrade(two))) == (tuple(two), "rate is missing.; A NUL.")
    assert (SettingsError(["a", "b"]).faults, str(SettingsError(["a", "b"]))) == (("a", "b"), "a; b")
