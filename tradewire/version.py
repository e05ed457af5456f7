"""The version of this code: the one place that has it. It needs nothing, so deploy/up can read it before any set-up."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.2.0"
"""Major, minor and patch number."""
