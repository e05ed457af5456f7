"""A batch: how it is cut into messages, and what is refused of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ingest import batch
from tests.support import example
from tests.unit.helpers import MESSAGE, NOW, accepted
from tradewire import event, trade
from tradewire.errors import InvalidTrade
from tradewire.limits import MAX_BATCH_MESSAGES, MAX_JOB_BYTES, MAX_MESSAGE_BYTES
from tradewire.trade import FRACTION_DIGITS, USER_ID_MAX, WHOLE_DIGITS

BAD = b'{"userId": ""}'


def array(*messages: bytes) -> bytes:
    return b"[" + b",".join(messages) + b"]"


def lines(*messages: bytes) -> bytes:
    return b"\n".join(messages)


def refused_whole(body: bytes) -> list[str]:
    """Give the codes for which a body is no batch at all."""
    with pytest.raises(InvalidTrade) as caught:
        batch.check(body, None, NOW)
    return [fault.code for fault in caught.value.faults]


@pytest.mark.parametrize("join", [array, lines])
def test_each_message_becomes_an_event_in_its_order(join: type) -> None:
    users = [str(number) for number in range(1, 20)]
    checked = batch.check(join(*(example(userId=user) for user in users)), None, NOW)
    events = [event.decode(one) for one in checked.events]
    assert [one.user_id for one in events] == users
    assert [one.id for one in events] == checked.ids
    assert len(set(checked.ids)) == len(users)
    assert sorted(checked.ids, key=str) == checked.ids, "the archive's order within a moment is that of ids"
    assert {one.received_at for one in events} == {event.format_time(NOW)}
    assert not checked.refused


@pytest.mark.parametrize("join", [array, lines])
def test_what_is_bad_is_refused_with_every_fault_by_its_place_and_all_else_is_taken(join: type) -> None:
    checked = batch.check(join(BAD, MESSAGE, example(rate=-1), MESSAGE), None, NOW)
    assert len(checked.events) == 2
    assert [bool(one) for one in checked.ids] == [False, True, False, True]
    assert {place: [fault.field for fault in faults] for place, faults in checked.refused.items()} == {
        0: [*msgspec.json.decode(MESSAGE)],
        2: ["rate"],
    }


def test_a_line_that_is_no_json_is_refused_alone() -> None:
    checked = batch.check(lines(MESSAGE, b"{nonsense", MESSAGE, b"\xff"), None, NOW)
    assert {place: faults[0].code for place, faults in checked.refused.items()} == {1: "not-json", 3: "not-utf-8"}
    assert len(checked.events) == 2


@pytest.mark.parametrize("join", [array, lines])
def test_a_message_that_would_be_too_large_alone_is_refused_alone(join: type) -> None:
    largest = MESSAGE[:-1] + b" " * (MAX_MESSAGE_BYTES - len(MESSAGE)) + b"}"
    checked = batch.check(join(MESSAGE, largest, largest[:-1] + b" }"), None, NOW)
    assert {place: [fault.code for fault in faults] for place, faults in checked.refused.items()} == {2: ["too-large"]}
    assert len(checked.events) == 2


def test_empty_lines_and_line_ends_of_windows_are_no_messages() -> None:
    assert len(batch.check(b"\n" + MESSAGE + b"\r\n\r\n" + MESSAGE + b"\r\n", None, NOW).events) == 2


def test_names_of_unknown_fields_are_given_once() -> None:
    message = example(venue="XLON", desk=7)
    assert batch.check(array(message, MESSAGE, message), None, NOW).ignored == ["venue", "desk"]


def test_of_very_many_unknown_fields_the_first_are_named() -> None:
    messages = [example(**{f"{place}-{number}": 0 for number in range(60)}) for place in range(9)]
    named = [f"{place}-{number}" for place in range(2) for number in range(60)][: trade.IGNORED_MAX]
    assert batch.check(array(*messages), None, NOW).ignored == named


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b" \n\r\n", "empty"),
        (b"[]", "empty"),
        (b"[{}", "not-json"),
        (array(MESSAGE) + b"x", "not-json"),
        (b"[" * 100_000, "too-deep"),
        (array(*[b"1"] * (MAX_BATCH_MESSAGES + 1)), "too-many"),
        (lines(*[MESSAGE] * (MAX_BATCH_MESSAGES + 1)), "too-many"),
    ],
)
def test_what_can_not_be_cut_into_messages_is_refused_whole(body: bytes, code: str) -> None:
    assert refused_whole(body) == [code]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_taken_or_refused(body: bytes) -> None:
    for sent in (body, b"[" + body + b"]"):
        try:
            checked = batch.check(sent, None, NOW)
        except InvalidTrade as error:
            assert error.faults  # noqa: PT017 - either outcome will do
        else:
            assert len(checked.refused) + len(checked.events) == len(checked.ids) > 0


def test_under_a_key_a_message_is_known_by_its_place_whatever_becomes_of_the_others() -> None:
    first = batch.check(array(MESSAGE, BAD, MESSAGE), "key", NOW)
    again = batch.check(lines(MESSAGE, example(userId="7"), MESSAGE), "key", NOW)
    assert first.ids[0] == again.ids[0] != first.ids[2] == again.ids[2]
    assert again.ids[1] not in {None, *first.ids}
    assert set(batch.check(array(MESSAGE), "other", NOW).ids).isdisjoint(again.ids)


def test_the_longest_events_that_there_are_fit_into_one_job_together() -> None:
    widest = "9" * WHOLE_DIGITS + "." + "9" * FRACTION_DIGITS
    longest = accepted(
        example(
            userId="\N{GRINNING FACE}" * USER_ID_MAX,
            amountSell=widest,
            amountBuy=widest,
            rate=widest,
            timePlaced="2015-01-24T10:27:44.123456Z",
        )
    )
    assert longest.flags
    encoded = event.encode(longest, event.new_id(), NOW)
    assert (len(encoded) + 1) * MAX_BATCH_MESSAGES <= MAX_JOB_BYTES
