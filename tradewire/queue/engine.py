"""What an engine declares about itself. `tradewire.queue.factory` lists the engines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tradewire.queue import Queue


class Engine(ABC):
    """An engine of the queue. Every process imports it, so only `open` may import the engine's library.

    Example:
        class FileEngine(Engine):
            url_forms = "file:///PATH/TO/FOLDER"
            storage = "the queue's folder"
            faults = ("the disk is full",)
    """

    url_forms: ClassVar[str]
    """The forms of its URLs, for the operator."""
    storage: ClassVar[str]
    """What TRADEWIRE_QUEUE_MAX_BYTES limits. The subject of a sentence in `/readyz`."""
    faults: ClassVar[tuple[str, ...]]
    """The faults for which it refuses jobs, in the words of its QueueUnavailable. docs/operations.md explains each."""

    @abstractmethod
    def check_url(self, url: str) -> None:
        """Check a URL of this engine's scheme.

        Args:
            url: The value of TRADEWIRE_QUEUE_URL.

        Raises:
            BadUrl: The URL has none of `url_forms`, or one of its parts is missing or invalid. The text repeats no part
                of the URL, which may hold a password.
            ValueError: The same; the text is not shown.
        """

    @abstractmethod
    def open(self, url: str, max_bytes: int, folder: Path) -> Queue:
        """Return a queue. It connects when it is first used.

        Args:
            url: A checked URL.
            max_bytes: The size of `storage` at which `Queue.put` is refused.
            folder: For what the engine must remember on this host. All connections of a stack share it.
        """

    def declare(self, url: str, tubes: Sequence[str]) -> list[str]:  # noqa: ARG002 - for engines that override it
        """Make what tubes need in the server. Most engines make it when it is first used.

        Args:
            url: A checked URL.
            tubes: The names of the tubes.

        Returns:
            What was made, in words. Empty if nothing was missing.

        Raises:
            QueueUnavailable: Nothing was made; the message says why.
        """
        return []

    def own_url(self, home: Path) -> str | None:  # noqa: ARG002 - for engines that override it
        """Return the URL of the server that the stack runs itself. None if it runs no server of this engine.

        Args:
            home: The stack's home.
        """
        return None

    def own_log(self, home: Path) -> Iterator[tuple[str, bytes]]:
        """Yield the name and content of each file of that server's log, while the server goes on.

        A server that starts on these files has every job that was confirmed before the call.

        Args:
            home: The stack's home.

        Raises:
            QueueUnavailable: The files can't be read, or a file is missing.
        """
        raise NotImplementedError
