"""A mutant, and the list of the mutants that are known to survive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One small change to one file."""

    file: str
    before: str
    """The changed lines without indentation, joined by spaces."""
    after: str
    """What the change makes of them."""

    def __str__(self) -> str:
        return f"== {self.file}\n- {self.before}\n+ {self.after}"


@dataclass(frozen=True)
class Result:
    """The outcome of one mutant. A mutant that makes the tests hang is killed, too."""

    mutant: Mutant
    is_killed: bool


def read_known(path: Path) -> dict[Mutant, str]:
    """Return the mutants that are known to survive, each with its reason.

    The file has a heading `== FILE` for each file. Below it are changes, a line `- BEFORE` and a line `+ AFTER` each. A
    line `= REASON` gives the reason of all changes since the last reason.

    Raises:
        ValueError: A line has another form, or a change has no reason.
    """
    known: dict[Mutant, str] = {}
    file = before = ""
    changes: list[Mutant] = []
    for line in path.read_text().splitlines():
        kind, _, text = line.partition(" ")
        match kind:
            case "==":
                file = text
            case "-":
                before = text
            case "+":
                changes.append(Mutant(file, before, text))
            case "=":
                known |= dict.fromkeys(changes, text)
                changes = []
            case "" | "#":
                continue
            case _:
                raise ValueError(f"{path}: {line}")
    if changes:
        raise ValueError(f"{path} gives no reason for the last change")
    return known


def one_line(code: str) -> str:
    """Return code with all white space reduced to single spaces."""
    return " ".join(code.split())
