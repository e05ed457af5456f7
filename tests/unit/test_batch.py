"""A posted batch: how it is split into messages, and which of them are refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ingest import batch
from tests.support import example
from tests.unit.helpers import MESSAGE, NOW, decode_trade
from tradewire import event, trade
from tradewire.errors import InvalidTrade
from tradewire.field_types import FRACTION_DIGITS, TEXT_MAX, WHOLE_DIGITS
from tradewire.limits import MAX_BATCH_MESSAGES, MAX_JOB_BYTES, MAX_MESSAGE_BYTES

BAD = b'{"userId": ""}'


def array(*messages: bytes) -> bytes:
    return b"[" + b",".join(messages) + b"]"


def lines(*messages: bytes) -> bytes:
    return b"\n".join(messages)


def refused_whole(body: bytes) -> list[str]:
    """Return the fault codes of a body that is refused as a whole."""
    with pytest.raises(InvalidTrade) as caught:
        batch.check(body, None, NOW)
    return [fault.code for fault in caught.value.faults]


@pytest.mark.parametrize("join", [array, lines])
def test_each_message_becomes_an_event_and_keeps_its_place(join: type) -> None:
    users = [str(number) for number in range(1, 20)]
    checked = batch.check(join(*(example(userId=user) for user in users)), None, NOW)
    events = [event.decode(encoded) for encoded in checked.events]
    assert [decoded.user_id for decoded in events] == users
    assert [decoded.id for decoded in events] == checked.ids
    assert len(set(checked.ids)) == len(users)
    assert sorted(checked.ids, key=str) == checked.ids, "the archive orders events with the same time by id"
    assert {decoded.received_at for decoded in events} == {event.format_time(NOW)}
    assert not checked.refused


@pytest.mark.parametrize("join", [array, lines])
def test_invalid_messages_are_refused_by_index_with_every_fault_and_the_others_are_accepted(join: type) -> None:
    checked = batch.check(join(BAD, MESSAGE, example(rate=-1), MESSAGE), None, NOW)
    assert len(checked.events) == 2
    assert [id_ is not None for id_ in checked.ids] == [False, True, False, True]
    assert {place: [fault.field for fault in faults] for place, faults in checked.refused.items()} == {
        0: [*msgspec.json.decode(MESSAGE)],
        2: ["rate"],
    }


def test_only_the_line_that_is_not_json_is_refused() -> None:
    checked = batch.check(lines(MESSAGE, b"{nonsense", MESSAGE, b"\xff"), None, NOW)
    assert {place: faults[0].code for place, faults in checked.refused.items()} == {1: "not-json", 3: "not-utf-8"}
    assert len(checked.events) == 2


@pytest.mark.parametrize("join", [array, lines])
def test_only_a_message_over_the_limit_for_a_single_message_is_refused(join: type) -> None:
    largest = MESSAGE[:-1] + b" " * (MAX_MESSAGE_BYTES - len(MESSAGE)) + b"}"
    checked = batch.check(join(MESSAGE, largest, largest[:-1] + b" }"), None, NOW)
    assert {place: [fault.code for fault in faults] for place, faults in checked.refused.items()} == {2: ["too-large"]}
    assert len(checked.events) == 2


@pytest.mark.parametrize("join", [array, lines])
def test_a_byte_order_mark_before_a_batch_is_ignored(join: type) -> None:
    assert len(batch.check("\ufeff".encode() + join(MESSAGE, MESSAGE), None, NOW).events) == 2
    assert len(batch.check(f"[\u00ad{MESSAGE.decode()}\u00a0]".encode(), None, NOW).events) == 1


def test_the_faults_beyond_the_first_ten_of_a_message_are_counted() -> None:
    nul = b",".join(b'"%d":"\\u0000"' % number for number in range(30))
    checked = batch.check(lines(MESSAGE, b"{" + nul + b"}", b"{" + nul + b"}"), None, NOW)
    assert [len(faults) for faults in checked.refused.values()] == [10, 10]
    assert checked.more_faults == 2 * (8 + 30 - 10)


def test_rounded_fields_of_all_messages_are_named_once() -> None:
    messages = [example(rate=0.1 + 0.2), MESSAGE, example(amountBuy="1.00000000000001"), example(rate=0.1 + 0.2)]
    assert batch.check(lines(*messages), None, NOW).rounded == ["amountBuy", "rate"]


def test_empty_lines_and_crlf_are_ignored() -> None:
    assert len(batch.check(b"\n" + MESSAGE + b"\r\n\r\n" + MESSAGE + b"\r\n", None, NOW).events) == 2


def test_each_unknown_field_is_named_once() -> None:
    message = example(venue="XLON", desk=7)
    assert batch.check(array(message, MESSAGE, message), None, NOW).ignored == ["venue", "desk"]


def test_only_the_first_of_many_unknown_fields_are_named() -> None:
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
def test_a_body_that_can_not_be_split_into_messages_is_refused_as_a_whole(body: bytes, code: str) -> None:
    assert refused_whole(body) == [code]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_body_is_accepted_or_refused(body: bytes) -> None:
    for candidate in (body, b"[" + body + b"]"):
        try:
            checked = batch.check(candidate, None, NOW)
        except InvalidTrade as error:
            assert error.faults  # noqa: PT017 - both outcomes are valid
        else:
            assert len(checked.refused) + len(checked.events) == len(checked.ids) > 0


def test_with_a_key_the_id_of_a_message_depends_on_its_place_and_not_on_the_other_messages() -> None:
    first = batch.check(array(MESSAGE, BAD, MESSAGE), "key", NOW)
    again = batch.check(lines(MESSAGE, example(userId="7"), MESSAGE), "key", NOW)
    assert first.ids[0] == again.ids[0] != first.ids[2] == again.ids[2]
    assert again.ids[1] not in {None, *first.ids}
    assert set(batch.check(array(MESSAGE), "other", NOW).ids).isdisjoint(again.ids)


def test_a_full_batch_of_the_longest_events_fits_into_one_job() -> None:
    widest = "9" * WHOLE_DIGITS + "." + "9" * FRACTION_DIGITS
    longest = decode_trade(
        example(
            userId="\N{GRINNING FACE}" * TEXT_MAX,
            amountSell=widest,
            amountBuy=widest,
            rate=widest,
            timePlaced="2015-01-24T10:27:44.123456Z",
        )
    )
    assert longest.flags
    encoded = event.encode(longest, event.new_id(), NOW)
    assert (len(encoded) + 1) * MAX_BATCH_MESSAGES <= MAX_JOB_BYTES
