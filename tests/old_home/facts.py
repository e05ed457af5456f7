"""What an old home has."""

from __future__ import annotations

ARCHIVED = [f"archived-{number}" for number in range(20)]
"""The users whose trades were shown and archived."""
WAITING = [f"waiting-{number}" for number in range(15)]
"""The users whose trades wait in both tubes: five in jobs of their own, each with an Idempotency-Key that is the user,
and the others in one job."""
DEAD = b"no event"
"""The dead letter in the archive's tube."""
KEY = "alpha"
USER = "alice"
PASSWORD = "a password of twelve characters"  # noqa: S105 - of a home that nobody uses
