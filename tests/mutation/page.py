"""Mutates the page's sources with Stryker, in a copy of the page."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

from tests.mutation.bounded import run_bounded
from tests.mutation.mutant import Mutant, Result, one_line
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ROOMS: Final = ("trade", "stream", "filters")
TESTS: Final = (
    *("browser", "decimal", "event", "feed", "filters", "frames", "gap-fill", "history", "meters", "retry"),
    "state",
)
SURVIVED: Final = {"Survived", "NoCoverage"}
IGNORED: Final = {"CompileError", "RuntimeError", "Ignored"}
"""The mutant could not be tested."""


def files() -> list[str]:
    """Return the files that can be mutated."""
    return [path.relative_to(ROOT).as_posix() for room in ROOMS for path in sorted((ROOT / "web/src" / room).iterdir())]


def run(selected: Sequence[str], work: Path, processes: int, timeout_seconds: float) -> list[Result]:
    """Run the page's tests for each mutant of the selected files.

    Args:
        selected: Some of `files()`.
        work: The folder for the copy of the page. It has the page's packages, and its parent has Stryker.
        processes: Number of mutants that are tested at a time.
        timeout_seconds: The longest time that all may take.

    Raises:
        subprocess.SubprocessError: Stryker failed, or took too long.
    """
    for folder in ("src", "test"):
        shutil.rmtree(work / folder, ignore_errors=True)
        shutil.copytree(ROOT / "web" / folder, work / folder)
    (work / "stryker.config.json").write_text(json.dumps(_config(selected, processes)))
    command = ["node", "../node_modules/@stryker-mutator/core/bin/stryker.js", "run"]
    run_bounded(command, work, timeout_seconds)
    report = json.loads((work / "report.json").read_text())
    return [result for file, content in report["files"].items() for result in _results(f"web/{file}", content)]


def _config(selected: Sequence[str], processes: int) -> dict[str, Any]:
    tests = " ".join(f"test/{name}.test.ts" for name in TESTS)
    options = "--bundle --platform=node --format=esm --out-extension:.js=.mjs --outdir=bundles --log-level=warning"
    return {
        "mutate": [file.removeprefix("web/") for file in selected],
        # As in web/test/run.mjs: Node runs bundles of the tests. The sandbox is two folders below the packages.
        "buildCommand": f"node ../../node_modules/esbuild/bin/esbuild {tests} {options}",
        # Unlike the command runner, this one knows which tests reach a mutant, and stops at the first that fails.
        "testRunner": "tap",
        "plugins": ["@stryker-mutator/tap-runner"],
        "tap": {
            "testFiles": ["bundles/*.mjs"],
            "nodeArgs": ["-r", "{{hookFile}}", "--test-reporter=tap", "{{testFile}}"],
            "forceBail": True,
        },
        "coverageAnalysis": "perTest",
        "concurrency": processes,
        "timeoutMS": 20_000,
        "reporters": ["json"],
        "jsonReporter": {"fileName": "report.json"},
        "tempDirName": "sandbox",
        "allowConsoleColors": False,
    }


def _results(file: str, content: Mapping[str, Any]) -> Iterator[Result]:
    lines = content["source"].splitlines()
    for mutant in content["mutants"]:
        if mutant["status"] not in IGNORED:
            change = Mutant(file, *_change(lines, mutant["location"], mutant["replacement"]))
            yield Result(change, is_killed=mutant["status"] not in SURVIVED)


def _change(lines: Sequence[str], location: Mapping[str, Mapping[str, int]], replacement: str) -> tuple[str, str]:
    """Return the first line of a change before and after it. `…` stands for further lines."""
    start, end = location["start"], location["end"]
    first, last = lines[start["line"] - 1], lines[end["line"] - 1]
    before = first if start["line"] == end["line"] else f"{first} … {last}"
    return one_line(before), one_line(first[: start["column"] - 1] + replacement + last[end["column"] - 1 :])
