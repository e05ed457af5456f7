"""What records tell about dead letters."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tradewire import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewire.queue import DeadLetter


def letters(found: Iterable[DeadLetter]) -> list[dict[str, Any]]:
    """Return the tubes and ids of dead letters, of their events, and a digest of each event: no content."""
    return [
        {
            "tube": letter.tube,
            "id": letter.id,
            "event": header.id if (header := event.peek(letter.event)) else None,
            "sha256": sha256(letter.event).hexdigest(),
        }
        for letter in found
    ]
