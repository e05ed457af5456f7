"""The declaration of a consumer of the stream. Everything that depends on the consumers follows from it.

A declaration imports no service and no library, so every program can read it. Only a processor loads the sink.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeVar

from tradewire.setting import Setting, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME_CHARS_MAX: Final = 32
RESERVED_NAMES: Final = frozenset(
    {
        *(
            "api-ingest",
            "api-query",
            "demo",
            "guard",
            "keeper",
            "nginx",
            "nginx-loopback",
            "processors",
            "reconciler",
            "supervisor-states",
            "wsserver",
        ),
        *("default", "probe"),  # tubes that a queue engine uses
    }
)
"""Names of other programs and tubes."""
_MAX_AGE_SECONDS: Final = 10**7

_T = TypeVar("_T")


class Take(Protocol):
    """Reads one variable: its name without `TRADEWIRE_`, its default, and the check of its text."""

    def __call__(self, name: str, default: _T, parse: Callable[[str], _T]) -> _T:
        """Return the value."""


class Outcome(NamedTuple):
    """A final state of a message in the consumer's tube, as the ledger counts it and the page names it."""

    kind: Literal["archived", "shown", "delivered"]
    """The kind of the receipt. `archived` has no receipt: the store counts the messages that it saves."""
    label: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A consumer: a tube with its own copy of each event, and processors that deliver the events to a sink.

    `TRADEWIRE_CONSUMERS` says which consumers a stack has. The entry point group `tradewire.consumers` adds consumers
    to those that come with Tradewire. `Settings.consumers` holds the declarations with the values from the settings.

    Example:
        CONSUMER = Consumer(
            name="webhook",
            sink="tradewire_webhook.sink:WebhookSink",
            title="Webhook",
            away="No processor calls the webhook. Trades wait in the queue.",
            outcomes=(Outcome("delivered", "Delivered", "to the webhook"),),
            max_age_seconds=86_400,
            settings=(Setting("URL", None, https_url),),
        )
    """

    name: str
    """Also the name of the tube. Lower-case letters, digits and hyphens."""
    sink: str
    """The sink's factory, as `package.module:name` (see `processor.sinks.SinkFactory`)."""
    title: str
    """A short name for people."""
    away: str
    """For people: what happens to trades while no processor takes them."""
    outcomes: tuple[Outcome, ...]
    """The ways in which a message leaves the tube as intended. It may also expire or become a dead letter."""
    processors: int = 1
    """Processors that start with the stack."""
    processors_max: int = 1
    """Processors that are defined. If there are several, `TRADEWIRE_<NAME>_PROCESSORS` says how many start."""
    max_age_seconds: int | None = None
    """Age at which a waiting message expires, set by `TRADEWIRE_<NAME>_MAX_AGE_SECONDS`. None: messages wait for as
    long as it takes."""
    announce: str | None = None
    """The function that tells the consumer's users that events are given up, as `package.module:name`. The keeper calls
    it with the settings. It takes seconds at most, and raises Unavailable if it fails. None: users need not know."""
    settings: tuple[Setting, ...] = ()
    """Its own settings: `TRADEWIRE_<NAME>_<SETTING>`."""
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The values of its own settings, by their names in `settings`. Empty until the settings are read."""

    def __post_init__(self) -> None:
        if len(self.name) > _NAME_CHARS_MAX or not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not lower-case letters, digits and hyphens, {_NAME_CHARS_MAX} at most")
        if self.name in RESERVED_NAMES:
            raise ValueError(f"{self.name!r} is the name of another program or tube")

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of its processors in supervisord's group `processors`. The first `processors` of them start."""
        if self.processors_max == 1:
            return (self.name,)
        return tuple(f"{self.name}-{number}" for number in range(1, self.processors_max + 1))

    def configured(self, take: Take) -> Consumer:
        """Return this declaration with the values of its settings.

        Args:
            take: Reads one variable.
        """

        def own(name: str, default: _T, parse: Callable[[str], _T]) -> _T:
            return take(f"{self._variable_prefix}{name}", default, parse)

        processors, max_age_seconds = self.processors, self.max_age_seconds
        if self.processors_max > 1:
            processors = own("PROCESSORS", processors, whole(1, self.processors_max))
        if max_age_seconds is not None:
            max_age_seconds = own("MAX_AGE_SECONDS", max_age_seconds, whole(1, _MAX_AGE_SECONDS))
        values = {setting.name: own(*setting) for setting in self.settings}
        return replace(self, processors=processors, max_age_seconds=max_age_seconds, values=values)

    def variables(self) -> dict[str, Any]:
        """Return the value of each of its settings, by the variable's name without `TRADEWIRE_`."""
        values = {setting.name: self.values.get(setting.name, setting.default) for setting in self.settings}
        if self.processors_max > 1:
            values["PROCESSORS"] = self.processors
        if self.max_age_seconds is not None:
            values["MAX_AGE_SECONDS"] = self.max_age_seconds
        return {f"{self._variable_prefix}{name}": value for name, value in values.items()}

    @property
    def _variable_prefix(self) -> str:
        return self.name.upper().replace("-", "_") + "_"
