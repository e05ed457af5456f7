"""The rounds of a chaos run: a fault, the recovery, and the account."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from contextlib import ExitStack
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.producer import Producer
from tests.chaos.reconcile import find_miscounts, find_violations, wait_settled
from tests.chaos.recorder import Recorder
from tests.chaos.scenario import TEAR, Chaos, chaos_stack, small_disks
from tests.watcher import Watcher

if TYPE_CHECKING:
    from pathlib import Path

_PRODUCER_PAUSE_SECONDS = 0.02
_FAULT_SECONDS = (2.0, 12.0)
"""How long a fault lasts: some end before readiness must have noticed them."""


class Soak:
    """Lets random faults happen to a stack, one in a round. It ends with the first round that does not end well.

    After each fault the stack must be ready again by itself, and then its ledger's counts must be right. All the time,
    a recorder watches readiness and the ledger.

    Args:
        home: The stack's home.
        store: Its database: `sqlite` or `postgresql`.
        seed: The same seed gives the same faults in the same order.
        every_fault: Whether other faults than kills happen, too.
    """

    def __init__(self, home: Path, store: str, seed: int, *, every_fault: bool) -> None:
        self._home = home
        self._store = store
        self._rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._every_fault = every_fault
        self._done: Counter[str] = Counter()
        self._archived = 0
        self.failures: list[str] = []

    def run(self, rounds: int, seconds: float) -> None:
        """Run the rounds. Print a line about each, and then one with the totals.

        Args:
            rounds: The most rounds.
            seconds: No round begins after this time.
        """
        with ExitStack() as context:
            running, server = context.enter_context(chaos_stack(self._home, self._store))
            disks = context.enter_context(small_disks(running)) if self._every_fault else {}
            browsers = [context.enter_context(Watcher(running.port)) for _ in range(2)]
            recorder = Recorder(running, browsers)
            producer = context.enter_context(Producer(running.port, _PRODUCER_PAUSE_SECONDS, recorder.posted))
            chaos = Chaos(running, producer, server, disks)
            began = time.monotonic()
            try:
                chaos.recover()
                context.enter_context(recorder)
                while not self.failures and self._done.total() < rounds and time.monotonic() < began + seconds:
                    self._round(chaos, recorder)
                producer.stop()
                self.failures += find_violations(running, producer, wait_settled(running))
            except (pytest.fail.Exception, AssertionError, OSError, HTTPException) as error:  # it has not recovered
                self.failures.append(repr(error))
            never_shown = set(producer.accepted) - browsers[0].seen - browsers[1].seen
            if never_shown and not self._every_fault:
                self.failures.append(f"never shown: {sorted(never_shown)}")
            wrong, losses = recorder.wrong, recorder.losses
            self.failures += [*wrong, *losses[:1]]
            if self.failures:
                logs = shutil.copytree(running.home / "log", self._home.with_name(f"{self._home.name}-log"))
                (logs / "recorder.log").write_text("\n".join(recorder.changes))
                print(f"the stack's logs are in {logs}")
            minutes = (time.monotonic() - began) / 60
            print(
                f"{minutes:.0f} minutes: {self._done.total()} rounds, {self._done['kill']} kills,"
                f" {self._done['fault']} other faults; {len(producer.accepted)} accepted, {self._archived} archived,"
                f" {producer.doubtful} doubtful, {len(never_shown)} never shown;"
                f" {len(wrong)} wrong readiness intervals, {len(losses)} looks at a loss",
                flush=True,
            )

    def _round(self, chaos: Chaos, recorder: Recorder) -> None:
        began = time.monotonic()
        kills = chaos.kills()
        others = chaos.faults(self._rng.uniform(*_FAULT_SECONDS)) if self._every_fault else {}
        name, fault = self._rng.choice([*kills.items(), *others.items()])
        self._done["kill" if name in kills else "fault"] += 1
        with recorder.fault(name):
            if name == TEAR:
                chaos.tear_settled()
            else:
                fault()
        chaos.recover()
        if name == TEAR:
            chaos.discard_dead_letters()
        with chaos.settled() as ledger:
            self.failures += find_miscounts(chaos.stack, chaos.producer, ledger)
        self._archived = ledger["tubes"]["archive"]["archived"]
        self._report(name, time.monotonic() - began, ledger, recorder)

    def _report(self, name: str, seconds: float, ledger: dict[str, Any], recorder: Recorder) -> None:
        is_right = not (self.failures or recorder.wrong or recorder.losses)
        print(
            f"{self._done.total():4} {name:50} {seconds:5.1f} s, {ledger['accepted']} accepted,"
            f" {self._archived} archived, readiness wrong for {recorder.take_longest():.1f} s at most,"
            f" {'ok' if is_right else 'FAILED'}",
            flush=True,
        )
