"""The health check of the provider: whether people can log in, and sessions can be confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.operations.readiness import UNAVAILABLE, Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.settings import Settings


def check_provider(settings: Settings, fault: Callable[[], str]) -> Mapping[str, Component]:
    """Check that the provider answers.

    Args:
        settings: They name the provider.
        fault: Returns why it does not; empty if it does.
    """
    reason = fault()
    if not reason:
        return {"provider": Component()}
    detail = (
        f"{settings.oidc.host} can't be asked: {reason}; nobody can log in, and a session is refused if it has not "
        f"been confirmed for {settings.recheck_seconds} s; keys and JWTs go on"
    )
    return {"provider": Component(UNAVAILABLE, detail)}
