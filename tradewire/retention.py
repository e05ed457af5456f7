"""The settings that say how long messages and figures are kept, and how large the archive may get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewire.setting import whole

if TYPE_CHECKING:
    from tradewire.consumer import Take

_DAYS_MAX: Final = 36_500
DAY_MICROSECONDS: Final = 86_400_000_000


_BYTES_MIN: Final = 10**8
_BYTES_MAX: Final = 10**15


def _size(text: str) -> int:
    return 0 if text == "0" else whole(_BYTES_MIN, _BYTES_MAX)(text)


@dataclass(frozen=True)
class Retention:
    """What is kept. 0 sets no limit."""

    days: int = 0
    """How many days messages and receipts are kept."""
    stats_days: int = 0
    """How many days statistics by the hour and longer are kept."""
    bytes_max: int = 0
    """The size of a SQLite archive at which the oldest messages are deleted."""

    @classmethod
    def read(cls, take: Take) -> Retention:
        """Read the settings.

        Args:
            take: Reads one variable.
        """
        return cls(
            take("RETENTION_DAYS", 0, whole(0, _DAYS_MAX)),
            take("STATS_RETENTION_DAYS", 0, whole(0, _DAYS_MAX)),
            take("ARCHIVE_MAX_BYTES", 0, _size),
        )

    def __bool__(self) -> bool:
        """Return whether anything is ever deleted."""
        return bool(self.days or self.bytes_max)

    def variables(self) -> dict[str, Any]:
        """Return the value of each setting, by the variable's name without `TRADEWIRE_`."""
        return {
            "RETENTION_DAYS": self.days,
            "STATS_RETENTION_DAYS": self.stats_days,
            "ARCHIVE_MAX_BYTES": self.bytes_max,
        }

    def faults(self, store: str) -> list[str]:
        """Return the faults of the settings together.

        Args:
            store: The URL of the archive's database.
        """
        found = []
        if self.stats_days and not self:
            found.append(
                "TRADEWIRE_STATS_RETENTION_DAYS needs TRADEWIRE_RETENTION_DAYS: figures are kept as long as messages"
            )
        elif self.stats_days and self.stats_days < self.days:
            found.append(
                f"TRADEWIRE_STATS_RETENTION_DAYS={self.stats_days} is less than TRADEWIRE_RETENTION_DAYS={self.days}:"
                " figures are kept at least as long as messages"
            )
        if self.bytes_max and not store.startswith("sqlite:"):
            found.append(
                "TRADEWIRE_ARCHIVE_MAX_BYTES needs SQLite: PostgreSQL does not tell how much of its files is free for"
                " new messages. Set TRADEWIRE_RETENTION_DAYS"
            )
        return found


KEEP_ALL: Final = Retention()
"""Everything is kept for ever."""
