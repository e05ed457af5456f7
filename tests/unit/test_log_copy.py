"""The whole records at the beginning of a file of beanstalkd's log."""

from __future__ import annotations

import struct

import pytest

from tradewire.errors import QueueUnavailable
from tradewire.queue.beanstalk.log_copy import whole_bytes

VERSION = struct.pack("=i", 7)
READY = 1


def job(number: int, body: bytes) -> bytes:
    """Return the first record of a job."""
    content = body + b"\r\n"
    return struct.pack("=i", 4) + b"live" + header(number, len(content)) + content


def change(number: int) -> bytes:
    """Return a later record of a job."""
    return struct.pack("=i", 0) + header(number, 7)


def header(number: int, body_bytes: int) -> bytes:
    return struct.pack("=Q24xi40xB3x", number, body_bytes, READY)


def test_all_whole_records_count_and_the_zeros_behind_them_do_not() -> None:
    records = VERSION + job(1, b"first") + change(1) + job(2, b"second")
    assert whole_bytes(records + bytes(1000)) == len(records)
    assert whole_bytes(records) == len(records)
    assert whole_bytes(VERSION + bytes(1000)) == len(VERSION)


@pytest.mark.parametrize("cut", [1, 4, 8, 60, 88, 90, 94])
def test_a_record_that_is_cut_or_whose_end_is_not_written_yet_does_not_count(cut: int) -> None:
    records, torn = VERSION + job(1, b"first") + change(1), job(2, b"second")
    assert whole_bytes(records + torn[:cut]) == len(records)
    assert whole_bytes(records + torn[:cut] + bytes(1000)) == len(records)


def test_another_format_is_refused() -> None:
    with pytest.raises(QueueUnavailable, match="format"):
        whole_bytes(struct.pack("=i", 8) + job(1, b"first"))
