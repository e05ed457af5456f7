"""The stacks that the meter measures: Tradewire, or another stack for the same job."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tests.bench.clients import Clients
from tests.bench.ledger import Reconciler
from tradewire.ledger.counters import stack_id
from tradewire.settings import Settings
from tradewire.store import ledger
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import psutil

    from tests.stack import Stack


class Running(Protocol):
    """A running stack: its address, and its processes."""

    @property
    def home(self) -> Path:
        """A folder for the files of the load."""

    @property
    def port(self) -> int:
        """The port that takes messages and browsers."""

    @property
    def url(self) -> str:
        """The address that paths are added to."""

    def programs(self) -> Iterator[tuple[str, psutil.Process]]:
        """Yield every process, with the name of its program."""


class Reconciliation(Protocol):
    """Reconciles the messages posted with the events that the clients received, and with the archive."""

    received: int
    """Events that each client had received at the last reconciliation."""

    def reconcile(self, answered: int) -> int:
        """Wait until all is shown and archived; fail if a message was lost, or reached a client twice.

        Args:
            answered: How many messages were answered 201 since the last reconciliation.

        Returns:
            How many messages were accepted since the last reconciliation: perhaps some more than were answered, since
            the load generator closes its connections before the last answers arrive.
        """


class Target(Running, Protocol):
    """A stack under load: what the meter must know beside its address."""

    @property
    def name(self) -> str:
        """Its name in figures."""

    @property
    def token(self) -> str:
        """Of the key that clients use; empty if the stack asks for none."""

    @property
    def may_refuse(self) -> bool:
        """Whether it may refuse messages under load. They are counted."""

    def connect(self, browsers: int) -> AbstractContextManager[Clients]:
        """Connect browsers. In the `with` block, each of them gets all messages that are posted."""

    def reconciliation(self, clients: Clients) -> Reconciliation:
        """Begin to reconcile."""

    def archive(self) -> AbstractContextManager[Callable[[], int] | None]:
        """Open the archive: gives a function that counts the archived messages, or None if there is no archive."""


@dataclass(frozen=True)
class Tradewire:
    """A stack of Tradewire as a target."""

    stack: Stack
    name: str = "tradewire"
    token: str = ""
    """Of a key with the roles producer, viewer and monitor."""
    may_refuse: bool = False

    @property
    def home(self) -> Path:
        """The stack's home."""
        return self.stack.home

    @property
    def port(self) -> int:
        """The stack's port."""
        return self.stack.port

    @property
    def url(self) -> str:
        """The address of the page."""
        return self.stack.url

    def programs(self) -> Iterator[tuple[str, psutil.Process]]:
        """Yield every process, with the name of its program."""
        return self.stack.programs()

    def connect(self, browsers: int) -> Clients:
        """Connect browsers; each has then received its hello."""
        return Clients(self.port, browsers, token=self.token)

    def reconciliation(self, clients: Clients) -> Reconciler:
        """Reconcile with the ledger."""
        return Reconciler(self.stack, clients, self.token)

    @contextmanager
    def archive(self) -> Iterator[Callable[[], int]]:
        """Open the store; it has counted the archived messages."""
        settings = Settings(home=self.home)
        stack = stack_id(settings.counters)
        with closing(StoreReader(self.stack.env.get("TRADEWIRE_STORE_URL", settings.store))) as reader:
            yield lambda: reader.counters(stack).get(ledger.ARCHIVED, 0)
