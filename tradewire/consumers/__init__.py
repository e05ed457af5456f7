"""The registry of consumers: each module of this package declares one, as do installed packages."""

from __future__ import annotations

import pkgutil
from collections import Counter
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

from tradewire.consumer import Consumer
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUP: Final = "tradewire.consumers"
"""The entry point group. An entry point has the consumer's name and refers to its declaration."""


def available() -> dict[str, EntryPoint]:
    """Return where each consumer is declared, by its name. Nothing is loaded yet."""
    built_in = [EntryPoint(name, f"{__name__}.{name}:CONSUMER", GROUP) for _, name, _ in pkgutil.iter_modules(__path__)]
    return {entry.name: entry for entry in (*entry_points(group=GROUP), *built_in)}


def parse(text: str) -> tuple[Consumer, ...]:
    """Load the declarations of a list of names, separated by commas. Raises ValueError as `enabled` does."""
    return enabled([name.strip() for name in text.split(",")])


def enabled(names: Sequence[str]) -> tuple[Consumer, ...]:
    """Load the declarations of some consumers.

    Args:
        names: The consumers' names.

    Returns:
        The declarations in this order.

    Raises:
        ValueError: A name is unknown or is given twice, the archive is missing, a declaration can't be loaded, or two
            consumers would have a processor of the same name.
    """
    known = available()
    for name in names:
        if name not in known:
            raise ValueError(f"there is no consumer {name!r}; known consumers: {', '.join(sorted(known))}")
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice")
    if ARCHIVE not in names:
        # Receipts travel in its tube; the ledger, the watermark and history are made of the messages it saves.
        raise ValueError(f"{ARCHIVE} can't be left out")
    loaded = tuple(_load(known[name]) for name in names)
    programs = Counter(program for consumer in loaded for program in consumer.programs)
    if twice := sorted(program for program, count in programs.items() if count > 1):
        raise ValueError(f"two consumers have a processor named {', '.join(twice)}")
    return loaded


def _load(entry: EntryPoint) -> Consumer:
    try:
        consumer = entry.load()
    except Exception as error:  # the package's own code may raise anything
        raise ValueError(f"the consumer {entry.name} can't be loaded from {entry.value}: {error!r}") from error
    if not isinstance(consumer, Consumer) or consumer.name != entry.name:
        raise ValueError(f"{entry.value} is not the declaration of a consumer {entry.name}")
    return consumer
