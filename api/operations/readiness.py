"""The health of the components, and the readiness of the stack that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

OK: Final = "ok"
UNAVAILABLE: Final = "unavailable"
_NEEDED_FOR_INGEST: Final = ("queue", "ingest", "access")
"""The components without which no message can be accepted."""


class Component(NamedTuple):
    """The health of a component. It is true if the status is ok."""

    status: str = OK
    detail: str = ""
    """The fault and its effect, without numbers that change, because each change is logged."""
    facts: Mapping[str, Any] = {}

    def __bool__(self) -> bool:
        return self.status == OK


class HealthReport(NamedTuple):
    """The health of all components at one time."""

    components: Mapping[str, Component]

    @property
    def overall_status(self) -> str:
        """`not-ready`: messages are refused. `degraded`: they are accepted, but there is a fault. Else `ready`."""
        if any(
            component.status == UNAVAILABLE for name, component in self.components.items() if name in _NEEDED_FOR_INGEST
        ):
            return "not-ready"
        return "ready" if all(self.components.values()) else "degraded"
