"""The health check of backups: the age of the newest one, and what came of the last drill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.operations.readiness import UNAVAILABLE, Component
from tradewire.backup import manifest, outcomes
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.backup.outcomes import Outcome
    from tradewire.settings import Settings

LATE: Final = "late"
DRILL_FAILED: Final = "drill-failed"
_GRACE: Final = timedelta(hours=1)
"""How long after a backup was due it is late. A large one takes minutes; after a failure there is another attempt."""


class BackupCheck:
    """Checks the backups of the schedule, and the last drill. Without both there is no such component.

    Args:
        settings: They name the folder and the schedule.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started_at = datetime.now(UTC)

    def __call__(self) -> Mapping[str, Component]:
        """Run the check."""
        is_scheduled = bool(self._settings.backups.folder)
        try:
            drill = outcomes.read(self._settings.last_drill)
            last = outcomes.read(self._settings.last_backup)
            newest = self._newest() if is_scheduled else None
        except Unavailable as error:
            return {"backup": Component(UNAVAILABLE, str(error))}
        if not is_scheduled and drill is None:
            return {}
        return {"backup": self._weighed(newest, last, drill, is_scheduled=is_scheduled)}

    def _newest(self) -> datetime | None:
        folder = Path(self._settings.backups.folder)
        try:
            found = manifest.sets(folder)
        except OSError as error:
            raise Unavailable(f"{folder} can't be read: {error.strerror}") from error
        return manifest.begun_at(found[-1]) if found else None

    def _weighed(
        self, newest: datetime | None, last: Outcome | None, drill: Outcome | None, *, is_scheduled: bool
    ) -> Component:
        """Return the health."""
        facts = {
            "newestAt": newest,
            "drilledAt": datetime.fromisoformat(drill.at) if drill else None,
            "drilledBackup": drill.backup if drill else None,
            "drillSucceeded": not drill.fault if drill else None,
        }
        every = timedelta(hours=self._settings.backups.every_hours)
        if is_scheduled and datetime.now(UTC) > (newest or self._started_at) + _GRACE + (
            every if newest else timedelta()
        ):
            reason = f": {last.fault}" if last and last.fault else ": see the keeper's log"
            return Component(LATE, f"no backup was made for longer than the schedule says{reason}", facts)
        if drill and drill.fault:
            return Component(DRILL_FAILED, f"the drill of the backup {drill.backup} failed: {drill.fault}", facts)
        return Component(facts=facts)
