"""The check of a whole chain: it walks the file from the first line, and names the first bad one.

Bytes that a crash has torn are no fault if the record behind them marks them, or if they are the end of the file. If
the end was cut off, or the last line was damaged on purpose, only a head that was seen before tells.

Example:
    walk = Walk(trail)
    walk.advance()
    print(walk.fault or walk.head)
"""

from __future__ import annotations

import json
import math
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from tradewire.audit import chain
from tradewire.audit.chain import START, Head
from tradewire.audit.trail import TORN, torn_details
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from typing import BinaryIO

    from tradewire.audit.trail import Trail


class BadLine(NamedTuple):
    """The first line that is not as it was written."""

    line: int
    """Counted from 1."""
    reason: str


class Walk:
    """A walk along a trail. It remembers its place, so a later `advance` checks only new lines.

    Args:
        trail: The trail. It may grow meanwhile.
        seen: A head that was seen before, of which `mac` may be its beginning. The chain must still have it.

    Attributes:
        head: The head of the lines that were checked.
        fault: The first fault. Then the walk goes no further.
        torn: The numbers of the lines that a crash has torn, and that are marked.
        is_torn: Whether bytes that nothing marks yet are at the end of the file. They may be a record being written.
        is_behind: Whether lines are left to check, since there was no time for them.
    """

    def __init__(self, trail: Trail, seen: Head | None = None) -> None:
        self._trail = trail
        self._seen = seen
        self._line = 0
        self._offset = 0
        self._unmarked: list[bytes] = []
        self.head = START
        self.fault: BadLine | None = None
        self.torn: list[int] = []
        self.is_torn = False
        self.is_behind = False

    def advance(self, deadline: float = math.inf) -> None:
        """Check the lines that were added since the last call.

        Args:
            deadline: When to stop, in the seconds of time.monotonic(). The next call goes on from there.

        Raises:
            Unavailable: The file or the host's key can't be read.
        """
        try:
            with self._trail.path.open("rb") as file:
                self._check_lines(file, deadline)
        except FileNotFoundError:
            if self.head != START:
                self.fault = BadLine(1, "the file was removed")
        except OSError as error:
            raise Unavailable(f"the audit trail can't be read: {error.strerror}") from error

    def check_seen(self) -> None:
        """Check that the chain reaches as far as the head that was seen. Call this at its end."""
        if self._seen and not self.fault and self.head.count < self._seen.count:
            reason = f"the chain ends with record {self.head.count}, but had {self._seen.count}: its end was cut off"
            self.fault = BadLine(self._line + 1 - len(self._unmarked), reason)

    def _check_lines(self, file: BinaryIO, deadline: float) -> None:
        if file.seek(0, 2) < self._offset:
            self.fault = self.fault or BadLine(self._line, "the file is shorter than before: its end was cut off")
        file.seek(self._offset)
        self.is_torn = bool(self._unmarked)
        self.is_behind = False
        for line in file:
            if self.fault:
                return
            if time.monotonic() > deadline:
                self.is_behind = True
                return
            if not line.endswith(b"\n"):
                self.is_torn = True
                return
            self._line += 1
            self._offset += len(line)
            self._check(line, file)
            self.is_torn = bool(self._unmarked)

    def _check(self, line: bytes, file: BinaryIO) -> None:
        found = chain.head_of(line)
        if found is None:
            self._unmarked.append(line)
            return
        if self._unmarked and not _marks(line, self._unmarked):
            self.fault = BadLine(self._line - len(self._unmarked), "it is no record, and no crash has torn it")
        elif found.count != self.head.count + 1:
            self.fault = BadLine(self._line, _misplaced(found.count, self.head.count + 1, file))
        elif not chain.is_next(self.head, line, self._trail.keys):
            self.fault = BadLine(self._line, f"record {found.count} was changed")
        elif self._seen and found.count == self._seen.count and not found.mac.startswith(self._seen.mac):
            self.fault = BadLine(
                self._line, f"record {found.count} is not the one that was seen: the chain was rewritten"
            )
        else:
            self.torn += range(self._line - len(self._unmarked), self._line)
            self._unmarked.clear()
            self.head = found


def _marks(line: bytes, torn: list[bytes]) -> bool:
    record = json.loads(line)
    return bool(record.get("action") == TORN and record.get("details") == torn_details(b"".join(torn)))


def _misplaced(found: int, expected: int, rest: BinaryIO) -> str:
    """Say why a line has another record than the expected one. Search the rest of the file for that."""
    if found < expected:
        return f"record {found} is here a second time, or out of its order"
    if any(re.match(rb'\{"n":%d,' % expected, line) for line in rest):
        return f"record {found} is here, and record {expected} comes later: the order was changed"
    return f"record {found} is here, but record {expected} was removed"
