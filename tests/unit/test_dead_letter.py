"""The form of a dead letter: header and event stay apart, and a job that an operator put there has no header."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import DeadLetter, Rejected
from tradewire.queue.dead_letter import HEADER_BYTES, REASON_CHARS_MAX, decode, encode


@pytest.mark.parametrize("event", [b'{"id":"1"}', b"", b"two\nlines\n", b"\xff"])
def test_a_dead_letter_tells_its_tube_reason_and_time_and_has_the_event_unchanged(event: bytes) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # the letter's time is cut to milliseconds
    letter = decode("live", "7", encode("archive", Rejected(event, "bad\nid")))
    assert before <= datetime.fromisoformat(letter.dead_lettered_at) <= datetime.now(UTC)
    assert letter == DeadLetter("7", "archive", "bad\nid", letter.dead_lettered_at, event)


@pytest.mark.parametrize("body", [b"hello", b"", b"{}\nevent", b"\xff\nevent", b"[" * 10_000, b"1\n2\n3"])
def test_a_body_without_a_header_is_the_event(body: bytes) -> None:
    assert decode("live", "7", body) == DeadLetter("7", "live", "put here by hand", "", body)


@pytest.mark.parametrize("excess", [0, 1])
def test_only_an_event_over_the_largest_job_is_cut_and_the_reason_says_so(excess: int) -> None:
    letter = decode("live", "7", encode("live", Rejected(b"x" * (MAX_JOB_BYTES + excess), "bad")))
    assert letter.event == b"x" * MAX_JOB_BYTES
    assert letter.reason == ("bad" if not excess else f"bad (cut: it had {MAX_JOB_BYTES + 1} bytes)")


def test_a_long_reason_is_cut_so_that_the_header_fits() -> None:
    reason = "\N{GRINNING FACE}" * REASON_CHARS_MAX
    body = encode("live", Rejected(b"x" * (MAX_JOB_BYTES + 1), reason + "more"))
    assert decode("live", "7", body).reason.startswith(f"{reason} (cut")
    assert len(body) <= MAX_JOB_BYTES + HEADER_BYTES
