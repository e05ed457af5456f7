"""What the unit tests share: messages and events, made and taken apart."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from tests.support import EXAMPLE
from tradewire import event, trade
from tradewire.errors import InvalidTrade

if TYPE_CHECKING:
    from wsserver.hub import Browser, Hub

NOW = datetime(2024, 6, 1, tzinfo=UTC)
"""The moment that messages are checked against."""
FRAMES_MAX = 1000
MESSAGE = msgspec.json.encode(EXAMPLE)


def with_field(field: str, text: str) -> bytes:
    """Give the example with one field's value written exactly so."""
    return msgspec.json.encode(EXAMPLE | {field: msgspec.Raw(text.encode())})


def with_more(text: str) -> bytes:
    """Give the example with more members behind its own, written exactly so."""
    return MESSAGE[:-1] + b"," + text.encode() + b"}"


def accepted(body: bytes) -> trade.Trade:
    """Give the trade that the body means."""
    return trade.decode(body, NOW)[0]


def refused(body: bytes) -> list[tuple[str | None, str]]:
    """Give the field and code of every fault of the body; none for one that is accepted."""
    try:
        trade.decode(body, NOW)
    except InvalidTrade as error:
        return [(fault.field, fault.code) for fault in error.faults]
    return []


def event_id(number: int) -> str:
    """Give the id that goes with a number."""
    return str(UUID(int=number))


def line(number: int, pad: int = 0) -> bytes:
    """Give an event with the id that goes with the number; `pad` more bytes are in a member no one reads."""
    encoded = event.encode(accepted(MESSAGE), event_id(number), NOW)
    return encoded[:-1] + b',"pad":"' + b"x" * pad + b'"}'


def numbers(text: bytes) -> list[int]:
    """Give the numbers of the events in a frame, in order."""
    return [UUID(one["id"]).int for one in msgspec.json.decode(text)["events"]]


def publish(hub: Hub, *given: int) -> int:
    """Offer the events with these numbers and show them; give how many browsers can take them."""
    hub.stage([line(number) for number in given])
    return hub.commit()


def drain(hub: Hub, browser: Browser) -> list[bytes]:
    """Give every frame that the browser still needs; fail where they do not end."""
    frames = list(islice(iter(lambda: hub.next_frame(browser), None), FRAMES_MAX + 1))
    assert len(frames) <= FRAMES_MAX
    return frames
