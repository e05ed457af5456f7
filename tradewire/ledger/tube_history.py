"""Since when each tube gets the messages, so that the ledger expects in it only those that were put there.

A consumer may be enabled on a stack that has accepted messages before, or be switched off for a while. Its tube lacks
the messages of that time. So ingest records the totals of accepted messages at each change, before it accepts a message
with the new set of tubes. The records of a tube are numbered: 1 when it is first enabled, 2 when it is switched off, 3
when it is enabled again. A record is a file of its own that never changes.

Example:
    tube_history.record(settings.counters, settings.tubes)
    expected = tube_history.expected(settings.counters, "webhook", read_totals(settings.counters)).accepted
"""

from __future__ import annotations

import itertools
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tradewire.ledger.counters import Totals, read_totals, translate_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_FOLDER: Final = "tubes"


def record(folder: Path, tubes: Collection[str]) -> None:
    """Record which tubes get the messages that are accepted from now on. Does nothing if these did before.

    Args:
        folder: The folder of the counters.
        tubes: The enabled tubes.

    Raises:
        Unavailable: The records can't be read or written.
    """
    totals = read_totals(folder)
    with translate_errors(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / _FOLDER).mkdir(mode=0o700, exist_ok=True)
        for tube in known(folder).union(tubes):
            records = _read(folder, tube)
            if _is_enabled(records) != (tube in tubes):
                _write(folder / _FOLDER, f"{tube}.{len(records) + 1}", totals)


def known(folder: Path) -> set[str]:
    """Return the tubes that were ever enabled.

    Args:
        folder: The folder of the counters.
    """
    return {path.stem for path in (folder / _FOLDER).glob("[!.]*.*")}


def expected(folder: Path, tube: str, totals: Totals) -> Totals:
    """Return the part of the totals that was counted while a tube was enabled.

    Args:
        folder: The folder of the counters.
        tube: The tube's name.
        totals: The totals of all accepted messages, as read just before.

    Raises:
        Unavailable: The records can't be read.
    """
    with translate_errors(folder):
        records = _read(folder, tube)
    if _is_enabled(records):
        records.append(totals)
    # A period counts with the totals at its end minus those at its start.
    starts, ends = records[::2], records[1::2]
    begun, accepted = (
        max(0, sum(end[column] - start[column] for start, end in zip(starts, ends, strict=True)))
        for column in range(len(totals))
    )
    return Totals(begun, accepted)


def _is_enabled(records: Sequence[tuple[int, ...]]) -> bool:
    return len(records) % 2 == 1


def _read(folder: Path, tube: str) -> list[tuple[int, ...]]:
    """Return the records of a tube in order."""
    records = []
    with suppress(FileNotFoundError):
        for number in itertools.count(1):
            text = (folder / _FOLDER / f"{tube}.{number}").read_text()
            records.append(tuple(map(int, text.split())))
    return records


def _write(folder: Path, name: str, totals: Totals) -> None:
    new = folder / f".{secrets.token_hex(8)}"
    try:
        new.write_text(" ".join(map(str, totals)))
        with suppress(FileExistsError):  # another process was faster, and its record stands
            (folder / name).hardlink_to(new)
    finally:
        new.unlink(missing_ok=True)
