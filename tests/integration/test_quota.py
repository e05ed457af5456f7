"""A quota that is used up on a file system that copies on write: the stack mends by itself, and loses no message.

There, each write needs space, even to files whose space was reserved, and to files that are mapped into memory. So
beanstalkd's log stops, and the kernel ends programs with SIGBUS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.disks import quota_disk
from tests.integration.small_stack import EACH_AND_ALL, SmallStack, check_that_nothing_is_lost, small_stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[SmallStack]:
    """Give a stack that the tests share, as each of them leaves it whole."""
    with small_stack(quota_disk) as small:
        yield small


@pytest.mark.parametrize("names", EACH_AND_ALL, ids="-".join)
def test_a_quota_that_is_used_up_loses_no_message(running: SmallStack, names: tuple[str, ...]) -> None:
    check_that_nothing_is_lost(running, names, "over_quota", may_end_programs=True)
    if names == ("queue",):
        assert "so it is restarted" in (running.stack.home / "log/keeper.log").read_text()
