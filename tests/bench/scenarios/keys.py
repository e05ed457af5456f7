"""What it costs to check a key: single messages to a stack without access control, and with a key to another stack."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.bench import throughput
from tests.bench.bench import BROWSERS, SETTINGS, temporary_home
from tests.bench.comparison import Ratio, Values, alternate
from tests.bench.target import Tradewire
from tests.stack import stack

if TYPE_CHECKING:
    from tests.bench.bench import Bench
    from tests.bench.figures import Result
    from tests.bench.target import Target

_CPU: Final = "CPU µs/message"
_MOST: Final = 1.03
"""The largest ratio of CPU times that the check of a key is meant to cause."""


def cost(bench: Bench) -> list[Result]:
    """Post to both stacks in turn, and compare the CPU time of all programs per message."""
    with temporary_home() as home, stack(home, ACCESS="keys", **SETTINGS) as keyed:
        made = keyed.deploy("key", "add", "load", *(f"--role={role}" for role in ("producer", "viewer", "monitor")))
        [token] = re.findall(r"\btw_\S+", made.stdout)
        without, with_key = Tradewire(bench.stack, "open"), Tradewire(keyed, "with a key", token)
        sides = {each.name: partial(_cpu, each, bench.profile.seconds) for each in (without, with_key)}
        ratio = Ratio((with_key.name, _CPU), (without.name, _CPU), at_most=_MOST)
        return [alternate(f"a key's cost, single POSTs, {BROWSERS} browsers", sides, [ratio], bench.profile.rounds)]


def _cpu(target: Target, seconds: int) -> Values:
    run = throughput.measure(target, seconds)
    return {"accepted /s": run.rates.accepted, _CPU: sum(run.stack_cpu_us.values())}, run.stack_cpu_us
