"""What a provider has given for people's sessions: it is deleted when they log in there no more."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from deploy.audit_trail import recorded
from deploy.console import Failure, say
from deploy.privileges import run_as_owner

if TYPE_CHECKING:
    from tradewire.settings import Settings


def delete_unused(settings: Settings) -> None:
    """Delete all grants if access is not `oidc`, above all their refresh tokens. The stack must be down.

    Raises:
        Failure: They can't be listed or deleted, or the audit trail can't record that.
    """
    if settings.access == "oidc":
        return
    name = settings.grants.name
    others = ("-path", "./*", "!", "-path", f"./{name}", "!", "-path", f"./{name}/*")
    listed = _run(settings, "find", ".", *others, "-prune", "-o", "-type", "f", "-print")  # no link leads elsewhere
    if not (number := len(listed.splitlines())):
        return
    with recorded(settings, "grants-deleted", {"grants": number}):
        _run(settings, "rm", "-rf", name)
    say(f"Deleted what the provider had given for {number} sessions: with this TRADEWIRE_ACCESS, nobody logs in there.")


def _run(settings: Settings, *command: str) -> str:
    done = run_as_owner(settings.sessions, command, cwd=settings.sessions, stdout=subprocess.PIPE)
    if done.returncode:
        raise Failure(
            f"the files in {settings.grants} can't be listed or deleted; nothing was started", "See the lines above."
        )
    return done.stdout
