"""The settings that differ from those of the last start, for the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tradewire.setting import is_secret
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def since_last_start(settings: Settings) -> dict[str, Any]:
    """Return each changed setting with its values before and now, or with `changed` if its value may be secret.

    Before the first start, all settings had their defaults. Call this before the files in conf/ are written.
    """
    now = {name: str(value) for name, value in settings.variables().items()}
    try:
        lines = (settings.home / "conf/settings").read_text().splitlines()
        before = dict(line.split("=", 1) for line in lines if "=" in line)
    except FileNotFoundError:
        before = {name: str(value) for name, value in Settings(home=settings.home).variables().items()}
    return _changes(before, now)


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Any]:
    names = sorted(name for name in before.keys() | now if before.get(name) != now.get(name))
    return {
        name: "changed" if is_secret(name) else {"before": before.get(name), "now": now.get(name)} for name in names
    }
