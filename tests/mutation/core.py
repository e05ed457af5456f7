"""Mutates the Python core with mutmut, in a copy of the repository."""

from __future__ import annotations

import json
import shutil
import tomllib
from contextlib import chdir
from typing import TYPE_CHECKING, Final

from mutmut.mutation.diff_apply import get_diff_for_mutant

from tests.mutation.bounded import run_bounded
from tests.mutation.mutant import Mutant, Result, one_line
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FOLDERS: Final = ("api", "processor", "tests", "tradewire", "wsserver")
SURVIVED: Final = {0, 33}
"""mutmut's exit codes of a mutant that all tests passed, and of a mutant that no test reaches."""


def files() -> list[str]:
    """Return the files that can be mutated."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    return [str(file) for file in config["only_mutate"]]


def run(selected: Sequence[str], work: Path, processes: int, timeout_seconds: float) -> list[Result]:
    """Run the unit tests for each mutant of the selected files.

    Args:
        selected: Some of `files()`.
        work: The folder for the copy of the repository.
        processes: Number of mutants that are tested at a time.
        timeout_seconds: The longest time that all may take.

    Raises:
        subprocess.SubprocessError: mutmut failed, or took too long.
    """
    shutil.rmtree(work, ignore_errors=True)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, work / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", work)
    modules = [file.removesuffix(".py").replace("/", ".") + ".*" for file in selected]
    command = ["mutmut", "run", "--max-children", str(processes), *modules]
    run_bounded(command, work, timeout_seconds)
    with chdir(work):  # mutmut looks for its files in the current folder
        return [result for file in selected for result in _results(work, file)]


def _results(work: Path, file: str) -> Iterator[Result]:
    exit_codes: dict[str, int] = json.loads((work / f"mutants/{file}.meta").read_text())["exit_code_by_key"]
    for name, exit_code in exit_codes.items():
        diff = get_diff_for_mutant(name, path=file).splitlines()[2:]  # without the names of the files
        before, after = (one_line(" ".join(line[1:] for line in diff if line[0] == sign)) for sign in "-+")
        yield Result(Mutant(file, before, after), is_killed=exit_code not in SURVIVED)
