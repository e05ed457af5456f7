"""supervisord starts a program again soon, however often its start has failed."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from supervisor.states import ProcessStates

from deploy.steady_supervisord import MAX_WAIT_SECONDS, EagerProcess


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (5, 5), (50, MAX_WAIT_SECONDS), (1000, MAX_WAIT_SECONDS)])
def test_a_program_waits_a_second_longer_after_each_failed_start_up_to_a_limit(failures: int, seconds: int) -> None:
    process = EagerProcess(SimpleNamespace(options=None))
    before = time.time()
    for _ in range(failures):
        process.change_state(ProcessStates.STARTING)
        process.change_state(ProcessStates.BACKOFF)
    assert before <= process.delay - seconds <= time.time()
