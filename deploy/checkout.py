"""Paths in this checkout that other modules use."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""
DOTENV = ROOT / ".env"
BIN = ROOT / ".venv/bin"
PYTHON = BIN / "python"
SETUP = ROOT / "deploy/setup"


def supervise_command(python: Path | str = PYTHON) -> list[str]:
    """Return the command that runs deploy/supervise.py; its arguments follow."""
    return [str(python), "-IS", str(ROOT / "deploy/supervise.py")]
