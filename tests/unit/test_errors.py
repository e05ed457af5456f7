"""The error classes match the tree in their module's docstring, and errors carry their faults."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tradewire import errors
from tradewire.errors import Fault, InvalidInput, InvalidQuery, InvalidTrade, SettingsError, TradewireError, Unavailable

_BRANCH: Final = re.compile(r"^(?P<indent>[│ ]*)(?:[├└]── )?(?P<name>[A-Z]\w+)(?: {2,}|$)")
_INDENT_CHARS: Final = 4


def documented_parents() -> dict[str, str]:
    """Return the parent of each error in the docstring's tree."""
    parents: dict[str, str] = {}
    above = ["TradewireError"]
    for line in (errors.__doc__ or "").splitlines():
        branch = _BRANCH.match(line)
        if branch and "──" in line:
            depth = len(branch["indent"]) // _INDENT_CHARS + 1
            above[depth:] = [branch["name"]]
            parents[branch["name"]] = above[depth - 1]
    return parents


def test_the_documented_tree_matches_the_classes() -> None:
    actual_parents = {
        name: error.__bases__[0].__name__
        for name, error in vars(errors).items()
        if isinstance(error, type) and issubclass(error, TradewireError) and error is not TradewireError
    }
    assert documented_parents() == actual_parents


def test_an_invalid_message_is_never_reported_as_an_unavailable_service() -> None:
    assert not issubclass(InvalidTrade, Unavailable)
    assert not issubclass(errors.InvalidEvent, Unavailable)
    assert issubclass(errors.QueueUnavailable, Unavailable)


def test_an_error_names_and_carries_every_fault() -> None:
    faults = [Fault("rate", "missing", "rate is missing."), Fault(None, "nul", "A NUL.")]
    assert (InvalidTrade(faults).faults, str(InvalidTrade(faults))) == (tuple(faults), "rate is missing.; A NUL.")
    assert InvalidTrade(faults).more == 0
    assert (SettingsError(["a", "b"]).faults, str(SettingsError(["a", "b"]))) == (("a", "b"), "a; b")


@pytest.mark.parametrize("error", [InvalidTrade, InvalidQuery])
def test_a_refusal_carries_the_first_ten_faults_and_counts_the_others(error: type[InvalidInput]) -> None:
    faults = [Fault(str(number), "nul", "A NUL.") for number in range(13)]
    refusal = error(faults, 4)
    assert (refusal.faults, refusal.more) == (tuple(faults[:10]), 7)
