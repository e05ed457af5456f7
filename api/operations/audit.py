"""GET /api/audit: the records of the audit trail, newest first, for admins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from flask import Flask, Response, request
from msgspec import Meta

from api.http import parameter_types
from api.http.parameter_types import string
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import json_response
from api.http.timestamps import timestamp_from_microseconds
from api.operations.readiness import UNAVAILABLE, Component
from tradewire.audit import reading
from tradewire.audit.reading import AuditRecord, Search
from tradewire.audit.trail import Trail
from tradewire.errors import BadValue, Fault, InvalidQuery
from tradewire.field_types import NO_CONTROL_CHARACTERS, check_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.operations.monitor import Monitor
    from tradewire.settings import Settings

_PAGE_MAX: Final = 1000
_DEFAULT_PAGE: Final = 100
_ACTION: Final = r"^[a-z-]{1,64}$"
_CURSOR: Final = r"^[1-9][0-9]{0,14}$"
_ACTOR_CHARS_MAX: Final = 256
_NUMBER_MAX: Final = 10**15 - 1


def _actor(text: str) -> str:
    return check_text(text, _ACTOR_CHARS_MAX) if text else ""


def _action(text: str) -> str:
    if not re.fullmatch(_ACTION, text):
        raise BadValue("unknown-value", "is not an action such as key-added")
    return text


def _cursor(text: str) -> int:
    if not re.fullmatch(_CURSOR, text):
        raise BadValue("bad-cursor", "is not a cursor of this API")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class AuditQuery(Query):
    """The parameters of GET /api/audit."""

    actor: str | None = parameter(
        "actor",
        string(_actor, maxLength=_ACTOR_CHARS_MAX, pattern=NO_CONTROL_CHARACTERS),
        "The principal's name, matched exactly. It is empty if the principal has none.",
    )
    action: str | None = parameter("action", string(_action, pattern=_ACTION), "The action.", example="key-added")
    result: str | None = parameter(
        "result", parameter_types.one_of("begun", "done", "failed", "refused"), "The result.", example="refused"
    )
    q: tuple[str, ...] = parameter(
        "q",
        parameter_types.WORDS,
        "Words that must all occur in the record, in any case: in its actor, action, role, client, request id, result"
        " or details.",
        default=(),
        example="alice",
    )
    after: int = parameter(
        "after",
        parameter_types.integer(0, _NUMBER_MAX),
        "With a greater number in the chain, such as those that came since the last look.",
        default=0,
    )
    since: int | None = parameter(
        "since", parameter_types.TIMESTAMP, "At this time or later.", example="2026-01-01T00:00:00Z"
    )
    until: int | None = parameter(
        "until", parameter_types.TIMESTAMP, "Before this time.", example="2026-02-01T00:00:00Z"
    )
    limit: int = parameter(
        "limit", parameter_types.integer(1, _PAGE_MAX), "The maximum number of records.", default=_DEFAULT_PAGE
    )
    cursor: int | None = parameter("cursor", string(_cursor, pattern=_CURSOR), "The `next` of the previous page.")

    def conflicts(self) -> Iterator[Fault]:
        """Yield the faults of parameters that are valid alone, but not together."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            yield Fault("until", "empty-range", "until is not later than since.")

    @property
    def search(self) -> Search:
        """What the page has."""
        since, until = (
            timestamp_from_microseconds(bound) if bound is not None else "" for bound in (self.since, self.until)
        )
        return Search(self.limit, self._matches, self.after, since, until)

    def _matches(self, record: AuditRecord) -> bool:
        return (
            self.actor in {None, record.actor}
            and self.action in {None, record.action}
            and self.result in {None, record.result}
            and (not self.q or _has_words(record, self.q))
        )


def _has_words(record: AuditRecord, words: tuple[str, ...]) -> bool:
    own = (record.actor, record.action, record.role, record.client, record.request_id, record.result)
    text = "\n".join([*own, msgspec.json.encode(record.details).decode()]).casefold()
    return all(word.casefold() in text for word in words)


class AuditChain(msgspec.Struct):
    """The chain of the records, and its state."""

    count: Annotated[int, Meta(description="How many records it has.", ge=0)]
    head: Annotated[str, Meta(description="The mac of the last record.")]
    status: Annotated[
        Literal["whole", "checking", "damaged", "unknown"],
        Meta(
            description="whole: the checked records are as they were written. checking: some older ones are still to be"
            " checked after the API's start. damaged: they are not as they were written. unknown: the check fails."
        ),
    ]
    checked: Annotated[int, Meta(description="How many records were checked, from the first one on.", ge=0)]
    detail: Annotated[str, Meta(description="The fault. Empty without one.")]


class AuditPage(msgspec.Struct):
    """A page of records, newest first."""

    records: list[AuditRecord]
    next: Annotated[
        str | None,
        Meta(description="The cursor of the next page; null if there are no older records. A page may be short."),
    ]
    unreadable: Annotated[
        int,
        Meta(description="Lines in this part of the file that are no records: torn by a crash, or damaged.", ge=0),
    ]
    reached: Annotated[
        str | None,
        Meta(
            description="The time of the oldest record that was looked at; null if there was none.",
            extra_json_schema={"format": "date-time"},
        ),
    ]
    chain: AuditChain


def add_routes(app: Flask, settings: Settings, monitor: Monitor) -> None:
    """Add the route. The monitor has checked the chain."""
    trail = Trail(settings.audit, settings.audit_key)

    @app.get("/api/audit")
    def audit() -> Response:
        query = parse_query(AuditQuery, request.args)
        chain = _chain(trail, monitor.latest("audit"))
        page = reading.page(settings.audit, query.cursor, query.search)
        if page is None:
            raise InvalidQuery([Fault("cursor", "bad-cursor", "cursor is not a cursor of this API.")])
        following = str(page.next) if page.next else None
        return json_response(200, AuditPage(page.records, following, page.unreadable, page.reached or None, chain))


def _chain(trail: Trail, component: Component | None) -> AuditChain:
    """Tell the state of the chain. Records are checked within seconds, in the background."""
    head = trail.head()
    if component is None or (component and not component.facts):
        return AuditChain(head.count, head.mac, "checking", 0, "")
    if component.status == UNAVAILABLE:
        return AuditChain(head.count, head.mac, "unknown", 0, component.detail)
    return AuditChain(
        head.count, head.mac, "whole" if component else "damaged", component.facts["records"], component.detail
    )
