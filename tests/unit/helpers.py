"""Helpers for the unit tests: they build and decode messages, events and frames."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from tests.support import EXAMPLE
from tradewire import event, fields, trade
from tradewire.errors import InvalidTrade

if TYPE_CHECKING:
    from wsserver.hub import Browser, Hub

NOW = datetime(2024, 6, 1, tzinfo=UTC)
"""The current time for all checks of messages."""
FRAMES_MAX = 1000
MESSAGE = msgspec.json.encode(EXAMPLE)
FIELDS = [field.json_name for field in fields.REQUIRED]
"""The names of the fields that every message must have."""


def with_field(field: str, text: str) -> bytes:
    """Return the example message with one field's value replaced by literal JSON text."""
    return msgspec.json.encode(EXAMPLE | {field: msgspec.Raw(text.encode())})


def with_extra_fields(text: str) -> bytes:
    """Return the example message with more fields appended as literal JSON text."""
    return MESSAGE[:-1] + b"," + text.encode() + b"}"


def decode_trade(body: bytes) -> trade.Trade:
    """Return the trade that a valid body decodes to."""
    return trade.decode(body, NOW)[0]


def fault_codes(body: bytes) -> list[tuple[str | None, str]]:
    """Return the field and code of every fault of a body. The list is empty for a valid one."""
    try:
        trade.decode(body, NOW)
    except InvalidTrade as error:
        return [(fault.field, fault.code) for fault in error.faults]
    return []


def event_id(number: int) -> str:
    """Return the event id with this number."""
    return str(UUID(int=number))


def event_json(number: int, pad: int = 0) -> bytes:
    """Return an encoded event with this number. `pad` extra bytes are in a field that no program reads."""
    encoded = event.encode(decode_trade(MESSAGE), event_id(number), NOW)
    return encoded[:-1] + b',"pad":"' + b"x" * pad + b'"}'


def event_numbers(frame: bytes) -> list[int]:
    """Return the numbers of the events in a frame, in order."""
    return [UUID(event["id"]).int for event in msgspec.json.decode(frame)["events"]]


def publish(hub: Hub, *numbers: int) -> int:
    """Stage and commit the events with these numbers. Return how many browsers are ready."""
    hub.stage([event_json(number) for number in numbers])
    return hub.commit()


def drain(hub: Hub, browser: Browser) -> list[bytes]:
    """Return all frames that are due to a browser. Fail if they do not end."""
    frames = list(islice(iter(lambda: hub.next_frame(browser), None), FRAMES_MAX + 1))
    assert len(frames) <= FRAMES_MAX
    return frames
