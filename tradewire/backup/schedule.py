"""The settings of backups, and which of a schedule's sets are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewire.setting import whole
from tradewire.setting_checks import file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tradewire.consumer import Take

_EVERY_HOURS: Final = 24
_KEPT: Final = {"%Y-%m-%d": 7, "%G-%V": 4, "%Y-%m": 12}
"""How many days, weeks and months are kept: the last set of each of the newest ones that have any."""


@dataclass(frozen=True)
class Backups:
    """When the keeper makes backups, and how."""

    folder: str = ""
    """Where the keeper makes them. Empty: it makes none."""
    every_hours: int = _EVERY_HOURS
    """The age of the newest one at which the keeper makes another."""
    recipient: str = ""
    """The public key of age that all backups are encrypted for. Empty: they are not encrypted."""

    @classmethod
    def read(cls, take: Take) -> Backups:
        """Read the settings.

        Args:
            take: Reads one variable.
        """
        return cls(
            take("BACKUP_FOLDER", "", file),
            take("BACKUP_EVERY_HOURS", _EVERY_HOURS, whole(1, 24 * 366)),
            take("BACKUP_RECIPIENT", "", _recipient),
        )

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting, by the variable's name without `TRADEWIRE_`."""
        return {
            "BACKUP_FOLDER": self.folder,
            "BACKUP_EVERY_HOURS": self.every_hours,
            "BACKUP_RECIPIENT": self.recipient,
        }


NO_BACKUPS: Final = Backups()


def to_thin_out(times: Iterable[datetime]) -> set[datetime]:
    """Return which sets are not kept any more: neither the last of a day, a week or a month that counts.

    Args:
        times: When each set was begun.
    """
    newest_first = sorted(times, reverse=True)
    kept: set[datetime] = set()
    for period, number in _KEPT.items():
        last: dict[str, datetime] = {}
        for time in newest_first:
            last.setdefault(time.strftime(period), time)
        kept.update([*last.values()][:number])
    return set(newest_first) - kept


def _recipient(text: str) -> str:
    if not re.fullmatch(r"age1[02-9ac-hj-np-z]{58}", text):
        raise ValueError("expected a public key of age, such as age-keygen shows: age1 and 58 letters and digits")
    return text
