"""The health check of the provider: whether people can log in, and sessions can be confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.operations.readiness import UNAVAILABLE, Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.settings import Settings


def check_provider(settings: Settings, fault: Callable[[], str], silence: Callable[[], str]) -> Mapping[str, Component]:
    """Check that the provider answers, and confirms each session.

    Args:
        settings: They name the provider.
        fault: Returns why nobody can log in; empty if people can.
        silence: Returns why the provider does not confirm some sessions; empty if it confirms them all.
    """
    host, limit = settings.oidc.host, f"if it has not been confirmed for {settings.recheck_seconds} s"
    if reason := fault():
        detail = (
            f"{host} can't be asked: {reason}; nobody can log in, and a session is refused {limit}; keys and JWTs go on"
        )
        return {"provider": Component(UNAVAILABLE, detail)}
    if reason := silence():
        detail = f"{host} does not confirm each session: {reason}; such a session is refused {limit}; the others go on"
        return {"provider": Component("unconfirmed", detail)}
    return {"provider": Component()}
