"""The backlog of the reconciler: final slots that some tube has not been reconciled for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from tradewire.ledger import slots
from tradewire.ledger.counters import translate_errors
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tradewire.ledger.slots import FinalSlot, SlotName

_FILES_MAX: Final = 100
"""With more files than this, slots are merged."""
_MERGED_BYTES_MAX: Final = 2 * 1024 * 1024


class Pending:
    """A final slot, and the tubes that it has not been reconciled with.

    Args:
        name: Its name.
        slot: Its content.
        tubes: The tubes.
    """

    def __init__(self, name: SlotName, slot: FinalSlot, tubes: set[str]) -> None:
        self.name = name
        self.slot = slot
        self.tubes = tubes
        self.suspect_since: dict[str, float] = {}
        """By tube: when messages were missing for the first time, in seconds of the monotonic clock."""

    @property
    def is_suspect(self) -> bool:
        """Whether messages are missing in a tube that it has not been reconciled with."""
        return not self.tubes.isdisjoint(self.suspect_since)

    def is_due(self, tube: str, passed: dict[int, int]) -> bool:
        """Return whether the slot can be reconciled with a tube now: with the archive first.

        Args:
            tube: The tube.
            passed: By ingest process, the number of the last slot that has passed the tube.
        """
        is_its_turn = tube == ARCHIVE or ARCHIVE not in self.tubes
        return tube in self.tubes and is_its_turn and self.name.is_passed(passed)


class Backlog:
    """Keeps the pending slots of a stack. They are in files, and their requests also in memory: 32 bytes each.

    Args:
        folder: The folder of the ledger.
        tubes: The enabled tubes.
    """

    def __init__(self, folder: Path, tubes: Sequence[str]) -> None:
        self._folder = folder
        self._enabled = frozenset(tubes)
        self.pending: list[Pending] = []
        """Oldest first."""
        self.final: dict[int, int] = {}
        """By ingest process, the number of the last slot that is final, together with all slots before it."""

    def collect(self) -> None:
        """Take over the slots that have become final.

        Raises:
            Unavailable: The folder or a slot can't be read.
        """
        known = {pending.name for pending in self.pending}
        is_open: set[int] = set()
        with translate_errors(self._folder):
            for name in sorted(slots.names(self._folder), key=lambda name: name.number):
                if name not in known:
                    slot = slots.read_final(slots.path_of(self._folder, name))
                    if slot is None:
                        is_open.add(name.process)
                        continue
                    tubes = self._enabled.intersection(slot.tubes) if slot.has_requests() else ()
                    self.pending.append(Pending(name, slot, set(tubes)))
                if name.process not in is_open:
                    self.final[name.process] = max(name.number, self.final.get(name.process, name.number))
        self.pending.sort(key=lambda pending: pending.name)

    def finish(self) -> None:
        """Delete the slots that are reconciled with all tubes. Merge the others if there are many.

        Raises:
            Unavailable: A file can't be deleted or written.
        """
        with translate_errors(self._folder):
            for pending in self.pending:
                if not pending.tubes:
                    slots.path_of(self._folder, pending.name).unlink(missing_ok=True)
            self.pending = [pending for pending in self.pending if pending.tubes]
            if len(self.pending) > _FILES_MAX:
                self._merge()

    def _merge(self) -> None:
        # A suspect slot stays apart for the seconds until it is reconciled: its time must not hold for others.
        merged = [pending for pending in self.pending if pending.is_suspect]
        others = (pending for pending in self.pending if not pending.is_suspect)
        by_kind = sorted(others, key=lambda pending: (pending.name.process, pending.slot.tubes))
        for _, of_one_kind in groupby(
            by_kind, lambda pending: (pending.name.process, pending.slot.tubes, frozenset(pending.tubes))
        ):
            part: list[Pending] = []
            for pending in sorted(of_one_kind, key=lambda pending: pending.name.number):
                if part and sum(len(other.slot.records) for other in (*part, pending)) > _MERGED_BYTES_MAX:
                    merged.append(self._merge_one(part))
                    part = []
                part.append(pending)
            merged.append(self._merge_one(part))
        self.pending = sorted(merged, key=lambda pending: pending.name)

    def _merge_one(self, part: Sequence[Pending]) -> Pending:
        if len(part) == 1:
            return part[0]
        name = slots.merge(self._folder, [(pending.name, pending.slot) for pending in part])
        records = b"".join([pending.slot.records for pending in part])
        return Pending(name, slots.FinalSlot(part[0].slot.tubes, records), set(part[0].tubes))
